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


def six_lines(*lines: str) -> str:
    """Returns an answer to "six-lines" with these lines."""
    body = "".join(f"    {line}\n" for line in lines)
    return (
        "def six_lines(x, y):\n"
        "    u = x * y\n"
        "    v = u + x\n"
        "    grad_z, grad_v, grad_u, grad_x, grad_y = 1.0, 0.0, 0.0, 0.0, 0.0\n"
        f"{body}    return grad_x, grad_y"
    )


FROM_Z = ["grad_v += grad_z * u", "grad_u += grad_z * v"]
FROM_V = ["grad_u += grad_v * 1.0", "grad_x += grad_v * 1.0"]
FROM_U = ["grad_x += grad_u * y", "grad_y += grad_u * x"]

WRONG_ANSWERS = {
    "six-lines": [
        (six_lines(*FROM_Z, *FROM_U, *FROM_V), "u is used by z *and* by v"),
        (six_lines(*FROM_Z, FROM_V[1], *FROM_U), "u is used by z *and* by v"),
        (six_lines(*FROM_Z, FROM_V[0], *FROM_U), "x is used twice"),
        (six_lines(*FROM_Z, *FROM_V, "grad_x += grad_u * x", FROM_U[1]), "From u to x"),
        (six_lines(*FROM_Z, FROM_V[0], "grad_x += grad_v * u", *FROM_U), "it is a sum"),
        (six_lines("grad_v += grad_z * v", "grad_u += grad_z * u"), "the other factor"),
    ],
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
        (  # the way of notebook 01
            "def slope(x):\n    return (math.tanh((x + 1e-6) ** 2) - math.tanh(x * x)) / 1e-6",
            "Is it a nudge to one side",
        ),
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
        (
            "def slope_of_two_paths(x):\n"
            "    at = lambda x: x * math.tanh(x)\n"
            "    return (at(x + 1e-5) - at(x)) / 1e-5",
            "Is it a nudge to one side",
        ),
    ],
    "again-and-again": [
        (again_and_again("=", "through * hs[i - 1]", "through * w"), "In w * h the slope for w"),
        (again_and_again("+=", "through * hs[i - 1]", "0.0"), "The rounds before it add theirs"),
        (again_and_again("+=", "through * hs[i - 1]", "through"), "to the round before is times w"),
        (again_and_again("+=", "through * hs[i - 1]", "gradient * w"), "Every round has a tanh"),
        (again_and_again("+=", "through * w", "through * hs[i - 1]"), "In w * h the slope for w"),
    ],
}

RIGHT_ANSWERS = {
    "six-lines": [
        six_lines(*reversed(FROM_Z), *reversed(FROM_V), *reversed(FROM_U)),
        "def six_lines(x, y):\n    return 2 * x * (y * y + y), x * x * (2 * y + 1)",
        "import numpy as np\n\n"
        "def six_lines(x, y):\n    return np.array([2 * x * (y * y + y), x * x * (2 * y + 1)])",
    ],
    "slope": [
        "def slope(x):\n    return 2 * x / math.cosh(x * x) ** 2",
        "import numpy as np\n\n"
        "def slope(x):\n    return 2 * np.float64(x) * (1 - np.tanh(x * x) ** 2)",
        "def slope(x):\n"
        "    leaf = Value(x)\n"
        "    (leaf * leaf).tanh().backward()\n"
        "    return leaf.grad",
    ],
    "two-paths": [
        "def slope_of_two_paths(x):\n    return math.tanh(x) + x / math.cosh(x) ** 2",
        "def slope_of_two_paths(x):\n"  # to both sides, which is close enough
        "    at = lambda x: x * math.tanh(x)\n"
        "    return (at(x + 1e-6) - at(x - 1e-6)) / 2e-6",
    ],
    "again-and-again": [
        "def slope_of_reused_weight(w, x, n):\n"  # forwards, with one number
        "    h, slope = x, 0.0\n"
        "    for _ in range(n):\n"
        "        before, h = h, math.tanh(w * h)\n"
        "        slope = (1 - h * h) * (before + w * slope)\n"
        "    return slope",
    ],
}
