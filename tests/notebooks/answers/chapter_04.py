"""Typical wrong answers to the exercises of notebook 04, and the hint that each gets."""

WRONG_ANSWERS = {
    "slope-of-b": [
        (
            "def slope_of_b(w, b, x, target):\n    return 2 * (target - (w * x + b))",
            "Should b grow here, or shrink?",
        ),
        (
            "def slope_of_b(w, b, x, target):\n    return w * x + b - target",
            "The square has its own slope",
        ),
        (
            "def slope_of_b(w, b, x, target):\n    return 2 * (w * x + b - target) * x",
            "the slope with respect to w",
        ),
        (
            "def slope_of_b(w, b, x, target):\n    return (w * x + b - target) ** 2",
            "That is the loss itself",
        ),
        ("def slope_of_b(w, b, x, target):\n    return 2 * b", "The chain rule"),
    ],
    "descended": [
        (
            "def descended(w, rate, steps):\n"
            "    for _ in range(steps):\n"
            "        w = w + rate * 2 * (2 * w - 6) * 2\n"
            "    return w",
            "You went uphill",
        ),
        (
            "def descended(w, rate, steps):\n"
            "    for _ in range(steps):\n"
            "        w = w - rate * 2 * (2 * w - 6)\n"
            "    return w",
            "Is the slope complete?",
        ),
        (
            "def descended(w, rate, steps):\n"
            "    for _ in range(steps):\n"
            "        w = w - 2 * (2 * w - 6) * 2\n"
            "    return w",
            "without the rate",
        ),
        (
            "def descended(w, rate, steps):\n    return w - rate * 2 * (2 * w - 6) * 2",
            "Go against it",
        ),
    ],
    "rolled": [
        (
            "def rolled(w, rate, momentum, steps):\n"
            "    for _ in range(steps):\n"
            "        w = w - rate * 2 * (2 * w - 6) * 2\n"
            "    return w",
            "gradient descent without a memory",
        ),
        (
            "def rolled(w, rate, momentum, steps):\n"
            "    velocity = 0.0\n"
            "    for _ in range(steps):\n"
            "        velocity = velocity + 2 * (2 * w - 6) * 2\n"
            "        w = w - rate * velocity\n"
            "    return w",
            "All of the velocity is kept",
        ),
        (
            "def rolled(w, rate, momentum, steps):\n"
            "    velocity = 0.0\n"
            "    for _ in range(steps):\n"
            "        slope = 2 * (2 * w - 6) * 2\n"
            "        velocity = momentum * velocity + (1 - momentum) * slope\n"
            "        w = w - rate * velocity\n"
            "    return w",
            "The new slope counts in full",
        ),
        (
            "def rolled(w, rate, momentum, steps):\n"
            "    velocity = 0.0\n"
            "    for _ in range(steps):\n"
            "        velocity = momentum * velocity - 2 * (2 * w - 6) * 2\n"
            "        w = w - rate * velocity\n"
            "    return w",
            "In the second step the velocity is",
        ),
    ],
}
