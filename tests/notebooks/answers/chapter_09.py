"""Chapter 09: how large a network is, what is left of a gradient, and how to begin."""

WRONG_ANSWERS = {
    "count-parameters": [
        (
            "def count_parameters(inputs, widths):\n"
            "    total = 0\n"
            "    for width in widths:\n"
            "        total += width * inputs\n"
            "        inputs = width\n"
            "    return total",
            "Each neuron has a bias, too",
        ),
        (
            "def count_parameters(inputs, widths):\n    return sum(widths)",
            "How many parameters does each of them have?",
        ),
        (
            "def count_parameters(inputs, widths):\n"
            "    return sum(width * (inputs + 1) for width in widths)",
            "The next layer sees the one before it",
        ),
        (
            "def count_parameters(inputs, widths):\n    return inputs * sum(widths) + 1",
            "What goes into a layer?",
        ),
    ],
    "slope-through": [
        (
            "def slope_through(weights, x):\n"
            "    slope = 1.0\n"
            "    for weight in weights:\n"
            "        x = sigmoid(weight * x)\n"
            "        slope *= x * (1 - x)\n"
            "    return slope",
            "And the products?",
        ),
        (
            "def slope_through(weights, x):\n"
            "    slope = 1.0\n"
            "    for weight in weights:\n"
            "        slope *= weight\n"
            "    return slope",
            "What does each sigmoid let through?",
        ),
        (
            "def slope_through(weights, x):\n"
            "    for weight in weights:\n"
            "        x = sigmoid(weight * x)\n"
            "    return x",
            "That is the answer, not its slope",
        ),
        (
            "def slope_through(weights, x):\n"
            "    for weight in weights:\n"
            "        x = sigmoid(weight * x)\n"
            "        slope = weight * x * (1 - x)\n"
            "    return slope",
            "the slope of the last neuron alone",
        ),
        ("def slope_through(weights, x):\n    return 0.25 ** len(weights)", "Go forward with y"),
    ],
    "suited-bound": [
        (
            "def suited_bound(inputs, gain):\n    return gain * (inputs / 3) ** 0.5",
            "with more inputs the weights should be smaller",
        ),
        (
            "def suited_bound(inputs, gain):\n    return gain * (1 / inputs) ** 0.5",
            "Evenly spread ones reach further",
        ),
        ("def suited_bound(inputs, gain):\n    return gain * 3 / inputs", "the square of it"),
        (
            "def suited_bound(inputs, gain):\n    return (3 / inputs) ** 0.5",
            "should be equal to gain",
        ),
    ],
    "with-skips": [
        (
            "def with_skips(layers, x):\n"
            "    for layer in layers:\n"
            "        x = layer(x)\n"
            "    return x",
            "the input is lost",
        ),
        (
            "def with_skips(layers, x):\n"
            "    start = x\n"
            "    for layer in layers:\n"
            "        x = [a + b for a, b in zip(start, layer(x))]\n"
            "    return x",
            "Each layer adds to what came into *it*",
        ),
        (
            "def with_skips(layers, x):\n"
            "    for layer in layers:\n"
            "        x = x + layer(x)\n"
            "    return x",
            "zip(x, layer(x)) gives each number",
        ),
    ],
}
