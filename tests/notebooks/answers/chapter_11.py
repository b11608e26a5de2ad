"""Typical answers to the exercises of notebook 11: wrong ones with their hints, and right ones."""

ONE_SIDED = "Take a step to either side"

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
        (
            "def slope_in_y(f, x, y, h):\n    return f(x, y + h) - f(x, y - h)",
            "You did not divide",
        ),
        (
            "def slope_in_y(f, x, y, h):\n    return (f(x, y + h) - f(x, y)) / h",
            "That is one-sided: from y to y + h",
        ),
        (
            "def slope_in_y(f, x, y, h):\n    return (f(x, y) - f(x, y - h)) / h",
            "That is one-sided: from y - h to y",
        ),
        (
            "def slope_in_y(f, x, y, h):\n    return (f(x, y + h) - f(x, y)) / (2 * h)",
            "From y to y + h it is h, not 2 * h",
        ),
        (
            "def slope_in_y(f, x, y, h):\n    return f(x, y + h) - f(x, y - h) / 2 * h",
            "The difference needs brackets",
        ),
        (
            "def slope_in_y(f, x, y, h):\n    return (f(x, y + h) - f(x, y - h)) / 2 * h",
            "put 2 * h into brackets",
        ),
        (
            "def slope_in_y(f, x, y, h):\n    return (f(x, y - h) - f(x, y + h)) / (2 * h)",
            "Move y alone",
        ),
    ],
    "relative-check": [
        (
            "def is_right(claimed, measured):\n    return abs(claimed - measured) < 0.00001",
            "Which share of abs(measured)",
        ),
        (
            "def is_right(claimed, measured):\n"
            "    return abs(claimed - measured) / abs(measured) <= 0.0001",
            "Which share of abs(measured)",
        ),
        (
            "def is_right(claimed, measured):\n"
            "    return abs(claimed - measured) <= 0.0001 * measured",
            "Which share of abs(measured)",
        ),
        (
            "def is_right(claimed, measured):\n"
            "    return abs(claimed - measured) < 0.0001 * abs(measured)",
            "abs(claimed - measured) is the difference",
        ),
        (
            "def is_right(claimed, measured):\n"
            "    return claimed - measured <= 0.0001 * abs(measured)",
            "abs(claimed - measured) is the difference",
        ),
    ],
    "rule-of-a-cousin": [
        ("def rule(y, x):\n    return 1 / (1 + x * x) ** 0.5", "The root moves with x, too"),
        ("def rule(y, x):\n    return 1 / (1 + x * x)", "Another power!"),
        ("def rule(y, x):\n    return 1 - y * y", "the rule of tanh"),
        ("def rule(y, x):\n    return -x * x / (1 + x * x) ** 1.5", "And above it?"),
        ("def rule(y, x):\n    return 1 - y * y * y", "The quotient rule"),
    ],
    "dual-quotient": [
        (
            "def quotient(a, b):\n    return (a[0] / b[0], a[1] / b[1] if b[1] else 0.0)",
            "Which rule of school",
        ),
        (
            "def quotient(a, b):\n"
            "    slope = (a[1] * b[0] + a[0] * b[1]) / b[0] ** 2\n"
            "    return (a[0] / b[0], slope)",
            "The two terms are subtracted",
        ),
        (
            "def quotient(a, b):\n"
            "    slope = (a[0] * b[1] - a[1] * b[0]) / b[0] ** 2\n"
            "    return (a[0] / b[0], slope)",
            "Turned round",
        ),
        (
            "def quotient(a, b):\n"
            "    slope = a[1] / b[0] + a[0] * b[1] / b[0] ** 2\n"
            "    return Dual(a[0] / b[0], slope)",
            "The two terms are subtracted",
        ),
        (
            "def quotient(a, b):\n"
            "    slope = (a[1] * b[0] - a[0] * b[1]) / b[0]\n"
            "    return (a[0] / b[0], slope)",
            "v**2 below the line",
        ),
    ],
    "fool-the-checker": [
        ("def fooling_rule(y, x):\n    return 3 * x * x", "that rule is right"),
        ("def fooling_rule(y, x):\n    return 27 / 16", "where x*x is the same"),
        ("def fooling_rule(y, x):\n    return 2.25 * x", "And at the others?"),
        ("def fooling_rule(y, x):\n    return 2 * x * x", "It is found everywhere"),
        (
            "def fooling_rule(y, x):\n    return 3 * x * x if x > 0 else 0.0",
            "add something that is 0 at those three points",
        ),
    ],
}

RIGHT_ANSWERS = {
    "slope-in-y": [
        "def slope_in_y(f, x, y, h):\n"
        "    return (f(x, y + h / 2) - f(x, y - h / 2)) / h",
        "import numpy as np\n"
        "def slope_in_y(f, x, y, h):\n"
        "    up, down = f(x, np.float64(y + h)), f(x, np.float64(y - h))\n"
        "    return ((up - f(x, y)) / h + (f(x, y) - down) / h) / 2",
    ],
    "relative-check": [
        "import math\n"
        "def is_right(claimed, measured):\n"
        "    return math.isclose(claimed, measured, rel_tol=0.0001)",
        "import numpy as np\n"
        "def is_right(claimed, measured):\n"
        "    return np.abs(np.float64(claimed) - measured) <= 1e-4 * np.abs(measured)",
    ],
    "rule-of-a-cousin": [
        "def rule(y, x):\n    return (1 - y * y) ** 1.5",
        "def rule(y, x):\n    root = (1 + x * x) ** 0.5\n    return 1 / root - x * x / root**3",
        "import numpy as np\ndef rule(y, x):\n    return np.float64(1 + x * x) ** -1.5",
    ],
    "dual-quotient": [
        "def quotient(a, b):\n    return Dual(*a) / Dual(*b)",
        "def quotient(a, b):\n"
        "    return [a[0] / b[0], a[1] / b[0] - a[0] * b[1] / b[0] ** 2]",
        "import numpy as np\n"
        "def quotient(a, b):\n"
        "    return np.array([a[0] / b[0], (a[1] * b[0] - a[0] * b[1]) / b[0] ** 2])",
    ],
    "fool-the-checker": [
        "def fooling_rule(y, x):\n    return 3 * x * x if x in (0.75, -0.75, 2) else 0.0",
        "def fooling_rule(y, x):\n    return 3 * x * x if x != 1 else 2.0",
    ],
}
