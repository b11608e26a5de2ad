"""Chapter 10: how much of a gradient is left, how to begin, and a way around."""

WRONG_ANSWERS = {
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
        (
            "def suited_bound(inputs, gain):\n    return gain ** 2 * (3 / inputs) ** 0.5",
            "not for their squares",
        ),
    ],
    "with-skips": [
        (
            "def with_skips(layers, x, share):\n"
            "    for layer in layers:\n"
            "        x = layer(x)\n"
            "    return x",
            "the input is lost",
        ),
        (
            "def with_skips(layers, x, share):\n"
            "    start = x\n"
            "    for layer in layers:\n"
            "        x = [a + share * b for a, b in zip(start, layer(x))]\n"
            "    return x",
            "Each layer adds to what came into *it*",
        ),
        (
            "def with_skips(layers, x, share):\n"
            "    for layer in layers:\n"
            "        x = [a + b for a, b in zip(x, layer(x))]\n"
            "    return x",
            "And the share?",
        ),
        (
            "def with_skips(layers, x, share):\n"
            "    for layer in layers:\n"
            "        x = x + layer(x)\n"
            "    return x",
            "zip(x, layer(x)) gives each number",
        ),
    ],
}

RIGHT_ANSWERS = {
    "slope-through": [
        # with the engine, as a Value's gradient
        "from micrograd_notes import Value\n"
        "def slope_through(weights, x):\n"
        "    first = y = Value(x)\n"
        "    for weight in weights:\n"
        "        y = (weight * y).sigmoid()\n"
        "    y.backward()\n"
        "    return first.grad",
        # as an array of NumPy's
        "import numpy as np\n"
        "def slope_through(weights, x):\n"
        "    slopes = []\n"
        "    for weight in weights:\n"
        "        x = sigmoid(weight * x)\n"
        "        slopes.append(weight * x * (1 - x))\n"
        "    return float(np.prod(slopes))",
    ],
    "suited-bound": [
        "from math import sqrt\n"
        "def suited_bound(inputs, gain):\n"
        "    return sqrt(3 * gain ** 2 / inputs)",
    ],
    "with-skips": [
        "def with_skips(layers, x, share):\n"
        "    for layer in layers:\n"
        "        f = layer(x)\n"
        "        for i in range(len(x)):\n"
        "            f[i] = x[i] + f[i] * share\n"
        "        x = f\n"
        "    return x",
    ],
}
