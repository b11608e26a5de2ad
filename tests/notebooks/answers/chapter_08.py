"""Typical wrong answers to the exercises of notebook 08, and the hint that each gets."""

WRONG_ANSWERS = {
    "dream": [
        ("def dream(weights):\n    return weights", "A pixel is between 0 and 1"),
        (
            "def dream(weights):\n    return [1.0 if w > 0 else -1.0 for w in weights]",
            "Ink cannot be less than 0",
        ),
        (
            "def dream(weights):\n    return [0.0 if w > 0 else 1.0 for w in weights]",
            "likes least",
        ),
        ("def dream(weights):\n    return [1.0 for w in weights]", "Each pixel counts for itself"),
        (
            "def dream(weights):\n    return [1.0 if w >= 0 else 0.0 for w in weights]",
            "Ink where the weight is 0",
        ),
        (
            "def dream(weights):\n    return [1.0 if w > 0.15 else 0.0 for w in weights]",
            "A small weight counts, too",
        ),
    ],
    "edge": [
        (
            "def edge(picture):\n"
            "    half = len(picture[0]) // 2\n"
            "    return sum(sum(row[:half]) - sum(row[half:]) for row in picture)",
            "the sign is not",
        ),
        ("def edge(picture):\n    return sum(map(sum, picture))", "That is all the ink"),
        (
            "def edge(picture):\n"
            "    row, half = picture[0], len(picture[0]) // 2\n"
            "    return sum(row[half:]) - sum(row[:half])",
            "the first row alone",
        ),
        ("def edge(picture):\n    return picture[0][-1]", "row[:half] is the left half"),
        (
            "def edge(picture):\n"
            "    half = len(picture[0]) // 2\n"
            "    return sum(row[half] - row[half - 1] for row in picture)",
            "the two columns in the middle",
        ),
    ],
    "knocked-out": [
        (
            "def knocked_out(number, neuron):\n    return network(held_out.inputs[number])",
            "nothing is knocked out",
        ),
        (
            "def knocked_out(number, neuron):\n"
            "    answers = network.layers[0](held_out.inputs[number])\n"
            "    answers[neuron + 1] = 0.0\n"
            "    return network.layers[1](answers)",
            "Neurons are counted from 0",
        ),
        (
            "def knocked_out(number, neuron):\n"
            "    answers = network.layers[0](held_out.inputs[number])\n"
            "    return network.layers[1]([0.0] * len(answers))",
            "All eight are knocked out",
        ),
        (
            "def knocked_out(number, neuron):\n"
            "    answers = network.layers[0](held_out.inputs[number])\n"
            "    answers[neuron] = 1.0\n"
            "    return network.layers[1](answers)",
            "set one of them to 0",
        ),
    ],
    "climbed": [
        (
            "def climbed(model, pixels, rate):\n"
            "    values = [Value(p) for p in pixels]\n"
            "    model(values).backward()\n"
            "    return [min(1.0, max(0.0, v.data - rate * v.grad)) for v in values]",
            "That is downhill",
        ),
        (
            "def climbed(model, pixels, rate):\n"
            "    values = [Value(p) for p in pixels]\n"
            "    model(values).backward()\n"
            "    return [v.data + rate * v.grad for v in values]",
            "keep each between 0 and 1",
        ),
        (
            "def climbed(model, pixels, rate):\n"
            "    values = [Value(p) for p in pixels]\n"
            "    model(values).backward()\n"
            "    return [rate * v.grad for v in values]",
            "Add it to the pixels",
        ),
        (
            "def climbed(model, pixels, rate):\n"
            "    values = [Value(p) for p in pixels]\n"
            "    model(values).backward()\n"
            "    return [1.0 if v.grad > 0 else 0.0 for v in values]",
            "goes all the way at once",
        ),
        ("def climbed(model, pixels, rate):\n    return pixels", "Make a Value of each pixel"),
    ],
}

RIGHT_ANSWERS = {
    "dream": [
        "import numpy as np\ndef dream(weights):\n    return [float(w > 0) for w in weights]"
    ],
    "edge": [
        "def edge(picture):\n"
        "    half = len(picture[0]) // 2\n"
        "    return sum(x if i >= half else -x for row in picture for i, x in enumerate(row))",
    ],
    "knocked-out": [
        "def knocked_out(number, neuron):\n"
        "    picture = held_out.inputs[number]\n"
        "    lost = network.layers[0].neurons[neuron](picture)\n"
        "    return network(picture) - lost * network.layers[1].neurons[0].w[neuron]",
    ],
    "climbed": [
        "def climbed(model, pixels, rate):\n"
        "    values = [Value(p) for p in pixels]\n"
        "    model(values).backward()\n"
        "    import numpy as np\n"
        "    steps = np.array(pixels) + rate * np.array([v.grad for v in values])\n"
        "    return np.clip(steps, 0, 1).tolist()",
    ],
}
