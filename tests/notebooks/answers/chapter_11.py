"""Typical wrong answers to the exercises of notebook 11, and the hint that each gets."""

WRONG_ANSWERS = {
    "slope-in-y": [
        (
            "def slope_in_y(f, x, y, h):\n    return (f(x + h, y) - f(x - h, y)) / (2 * h)",
            "That is the slope with respect to x",
        ),
        (
            "def slope_in_y(f, x, y, h):\n    return (f(x, y + h) - f(x, y - h)) / h",
            "From y - h to y + h it is 2 * h",
        ),
        (
            "def slope_in_y(f, x, y, h):\n    return (f(x + h, y + h) - f(x - h, y - h)) / (2 * h)",
            "Both inputs move",
        ),
        ("def slope_in_y(f, x, y, h):\n    return f(x, y + h) - f(x, y - h)", "Move y alone"),
    ],
    "rule-of-a-cousin": [
        ("def rule(y, x):\n    return 1 / (1 + x * x) ** 0.5", "The root moves with x, too"),
        ("def rule(y, x):\n    return 1 / (1 + x * x)", "neither 1/2 nor 1"),
        ("def rule(y, x):\n    return -x * x / (1 + x * x) ** 1.5", "And above it?"),
        ("def rule(y, x):\n    return 1 - y * y * y", "The quotient rule"),
    ],
    "dual-quotient": [
        (
            "def quotient(a, b):\n    return (a[0] / b[0], a[1] / b[1] if b[1] else 0.0)",
            "If b stands still",
        ),
        (
            "def quotient(a, b):\n"
            "    slope = (a[1] * b[0] + a[0] * b[1]) / b[0] ** 2\n"
            "    return (a[0] / b[0], slope)",
            "(u/v)' is (u'*v - u*v') / v**2",
        ),
        (
            "def quotient(a, b):\n"
            "    slope = (a[0] * b[1] - a[1] * b[0]) / b[0] ** 2\n"
            "    return (a[0] / b[0], slope)",
            "(u/v)' is (u'*v - u*v') / v**2",
        ),
    ],
}
