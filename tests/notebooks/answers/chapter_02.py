"""Typical wrong answers to the exercises of notebook 02, and the hint that each gets."""


def again_and_again(sign: str, told: str, gradient: str) -> str:
    """Returns the stub of "again-and-again" with its blanks filled in, and its sign."""
    return (
        "def slope_of_reused_weight(w, x, n):\n"
        "    hs = [x]\n"
        "    for _ in range(n):\n"
        "        hs.append(math.tanh(w * hs[-1]))\n"
        "    slope_of_w, gradient = 0.0, 1.0\n"
        "    for i in range(n, 0, -1):\n"
        "        through = gradient * (1 - hs[i] ** 2)\n"
        f"        slope_of_w {sign} {told}\n"
        f"        gradient = {gradient}\n"
        "    return slope_of_w"
    )


WRONG_ANSWERS = {
    "slope": [
        ("def slope(x):\n    return 1 - math.tanh(x * x) ** 2", "the slope of tanh alone"),
        ("def slope(x):\n    return 2 * x", "the slope of the square alone"),
        ("def slope(x):\n    return (1 - math.tanh(x * x) ** 2) * x", "two arrows from x to u"),
        (
            "def slope(x):\n    return (1 - math.tanh(x) ** 2) * 2 * x",
            "The slope of tanh is taken at u",
        ),
        ("def slope(x):\n    return 1 - math.tanh(x * x) ** 2 + 2 * x", "Along a chain slopes"),
        ("def slope(x):\n    return math.tanh(x * x)", "Two slopes multiply"),
    ],
    "two-paths": [
        ("def slope_of_two_paths(x):\n    return math.tanh(x)", "Another one goes through tanh"),
        (
            "def slope_of_two_paths(x):\n    return x * (1 - math.tanh(x) ** 2)",
            "Another one is straight",
        ),
        (
            "def slope_of_two_paths(x):\n    return math.tanh(x) * x * (1 - math.tanh(x) ** 2)",
            "Where paths meet, they add",
        ),
        (
            "def slope_of_two_paths(x):\n    return math.tanh(x) + 1 - math.tanh(x) ** 2",
            "the nudge crosses the product, too",
        ),
        ("def slope_of_two_paths(x):\n    return x * math.tanh(x)", "One path: the slope of"),
    ],
    "again-and-again": [
        (again_and_again("=", "through * hs[i - 1]", "through * w"), "In w * h the slope for w"),
        (again_and_again("+=", "through * hs[i - 1]", "0.0"), "The rounds before it add theirs"),
        (again_and_again("+=", "through * hs[i - 1]", "through"), "to the round before is times w"),
        (again_and_again("+=", "through * hs[i - 1]", "gradient * w"), "Every round has a tanh"),
        (again_and_again("+=", "through * w", "through * hs[i - 1]"), "In w * h the slope for w"),
    ],
}
