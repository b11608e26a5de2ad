"""Typical wrong answers to the exercises of notebook 01, and the hint that each gets."""

WRONG_ANSWERS = {
    "neuron-of-any-size": [
        (
            "def neuron_of_any_size(x, w, b):\n    return sum(xi * wi for xi, wi in zip(x, w)) + b",
            "The activation is missing",
        ),
        (
            "def neuron_of_any_size(x, w, b):\n"
            "    return tanh(sum(xi * wi for xi, wi in zip(x, w)))",
            "Is the bias in it?",
        ),
        ("def neuron_of_any_size(x, w, b):\n    return tanh(x[0] * w[0] + b)", "the first input"),
        ("def neuron_of_any_size(x, w, b):\n    return tanh(x * w + b)", "zip gives them"),
    ],
    "slope-of-weight": [
        ("def slope_of_weight(x, w, b):\n    return x", "How much of it gets through tanh?"),
        (
            "def slope_of_weight(x, w, b):\n    return 1 - tanh(x * w + b) ** 2",
            "Then comes the product",
        ),
        (
            "def slope_of_weight(x, w, b):\n    return (1 - tanh(x * w + b) ** 2) * w",
            "times the *other* operand",
        ),
        ("def slope_of_weight(x, w, b):\n    return tanh(x * w + b)", "Begin at y and go back"),
        (
            "def slope_of_weight(x, w, b):\n"
            "    return (tanh(x * (w + 1e-5) + b) - tanh(x * w + b)) / 1e-5",
            "Is it a nudge to one side",
        ),
    ],
    "both": [
        (
            "def both(x1, x2):\n    return round(tanh(2.0 * x1 + 2.0 * x2 - 1.0))",
            "One weight alone must not outweigh the bias",
        ),
        (
            "def both(x1, x2):\n    return round(tanh(0.2 * x1 + 0.2 * x2 - 0.3))",
            "Here the sum is close to 0",
        ),
        (  # the sum is exactly 0 for (1, 0), however large the numbers
            "def both(x1, x2):\n    return round(tanh(1.0 * x1 + 1.0 * x2 - 1.0))",
            "b must lie *between* -w and -2*w",
        ),
        (
            "def both(x1, x2):\n    return round(tanh(100.0 * x1 + 100.0 * x2 - 100.0))",
            "larger numbers do not help",
        ),
        (
            "def both(x1, x2):\n    return round(tanh(1.0 * x1 + 1.0 * x2 + 1.0))",
            "One weight alone must not outweigh the bias",
        ),
    ],
}

RIGHT_ANSWERS = {
    "neuron-of-any-size": [
        "import numpy as np\n\n"
        "def neuron_of_any_size(x, w, b):\n"
        "    return np.tanh(np.dot(x, w) + b)",
        "def neuron_of_any_size(x, w, b):\n"
        "    total = Value(b)\n"
        "    for i in range(len(x)):\n"
        "        total = total + x[i] * w[i]\n"
        "    return total.tanh()",
    ],
    "slope-of-weight": [
        "from math import cosh\n\n"
        "def slope_of_weight(x, w, b):\n    return x / cosh(x * w + b) ** 2",
        "import numpy as np\n\n"
        "def slope_of_weight(x, w, b):\n    return np.array(x) * (1 - np.tanh(x * w + b) ** 2)",
    ],
    "both": [
        "def both(x1, x2):\n    return round(tanh(100.0 * x1 + 100.0 * x2 - 150.0))",
        "def both(x1, x2):\n    return round(tanh(2.0 * x1 + 2.0 * x2 - 3.0))",
    ],
}
