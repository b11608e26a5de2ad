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
    ],
    "both": [
        (
            "def both(x1, x2):\n    return round(tanh(2.0 * x1 + 2.0 * x2 - 1.0))",
            "One weight alone must not outweigh the bias",
        ),
        (
            "def both(x1, x2):\n    return round(tanh(0.2 * x1 + 0.2 * x2 - 0.3))",
            "farther from 0",
        ),
    ],
}
