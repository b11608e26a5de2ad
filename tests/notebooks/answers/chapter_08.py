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
    ],
    "knocked-out": [
        (
            "def knocked_out(picture, neuron):\n    return network(picture)",
            "nothing is knocked out",
        ),
        (
            "def knocked_out(picture, neuron):\n"
            "    answers = network.layers[0](picture)\n"
            "    answers[neuron + 1] = 0.0\n"
            "    return network.layers[1](answers)",
            "Neurons are counted from 0",
        ),
        (
            "def knocked_out(picture, neuron):\n"
            "    answers = network.layers[0](picture)\n"
            "    return network.layers[1]([0.0] * len(answers))",
            "set one of them to 0",
        ),
    ],
}
