"""Chapter 14: a second derivative by nudging, a step of Newton's, the bend in one direction."""

WRONG_ANSWERS = {
    "bend-by-nudging": [
        (
            "def bend_by_nudging(f, x, h):\n    return (f(x + h) - f(x - h)) / (2 * h)",
            "That is a first derivative",
        ),
        (
            "def bend_by_nudging(f, x, h):\n    return f(x + h) - 2 * f(x) + f(x - h)",
            "You did not divide",
        ),
        (
            "def bend_by_nudging(f, x, h):\n    return (f(x + h) - 2 * f(x) + f(x - h)) / h",
            "You divided by h once",
        ),
        (
            "def bend_by_nudging(f, x, h):\n"
            "    return (f(x + h) - 2 * f(x) + f(x - h)) / (h / 2) ** 2",
            "a step of h, not of h/2",
        ),
        (
            "def bend_by_nudging(f, x, h):\n    return (f(x + h) - f(x)) / h**2",
            "f(x + h) and f(x - h) both count",
        ),
        (
            "def bend_by_nudging(f, x, h):\n"
            "    return (f(x + h) - 2 * f(x) + f(x - h)) / (2 * h)",
            "You divided by 2 * h once",
        ),
        (
            "def bend_by_nudging(f, x, h):\n"
            "    return (f(x + h) - 2 * f(x) + f(x - h)) / (2 * h) ** 2",
            "a step of h, not of 2 * h",
        ),
        (
            "def bend_by_nudging(f, x, h):\n"
            "    return (f(x + 2 * h) - 2 * f(x + h) + f(x)) / h**2",
            "x, x + h and x + 2*h",
        ),
        (
            "def bend_by_nudging(f, x, h):\n"
            "    return (f(x - 2 * h) - 2 * f(x - h) + f(x)) / h**2",
            "x, x - h and x - 2*h",
        ),
    ],
    "newton-once": [
        (
            "def newton_once(f, x):\n"
            "    slope, bend = slope_and_bend(f, x)\n"
            "    return x + slope / bend",
            "You went uphill",
        ),
        (
            "def newton_once(f, x):\n    slope, bend = slope_and_bend(f, x)\n    return x - slope",
            "Where is the bend?",
        ),
        (
            "def newton_once(f, x):\n"
            "    slope, bend = slope_and_bend(f, x)\n"
            "    return x - bend / slope",
            "Upside down",
        ),
        (
            "def newton_once(f, x):\n"
            "    slope, bend = slope_and_bend(f, x)\n"
            "    return slope / bend",
            "That is the step",
        ),
        ("def newton_once(f, x):\n    return x", "the minus says that it goes down"),
        (
            "def newton_once(f, x):\n"
            "    slope, bend = slope_and_bend(f, x)\n"
            "    return x - f(x) / slope",
            "Where is the slope 0?",
        ),
    ],
    "hessian-times": [
        (
            "def hessian_times(f, place, direction):\n"
            "    parameters = [Value(place[0]), Value(place[1])]\n"
            "    slopes = grad(f(*parameters), parameters)\n"
            "    return [number.data for number in grad(slopes[0] + slopes[1], parameters)]",
            "Each slope gets its part",
        ),
        (
            "def hessian_times(f, place, direction):\n"
            "    parameters = [Value(place[0]), Value(place[1])]\n"
            "    slopes = grad(f(*parameters), parameters)\n"
            "    return [number.data for number in grad(slopes[0], parameters)]",
            "Use both parts",
        ),
        (
            "def hessian_times(f, place, direction):\n"
            "    parameters = [Value(place[0]), Value(place[1])]\n"
            "    slopes = grad(f(*parameters), parameters)\n"
            "    return [s.data * d for s, d in zip(slopes, direction)]",
            "it is a value, with a graph",
        ),
        (
            "def hessian_times(f, place, direction):\n"
            "    parameters = [Value(place[0]), Value(place[1])]\n"
            "    slopes = grad(f(*parameters), parameters)\n"
            "    pairs = zip(slopes, parameters, direction)\n"
            "    return [grad(s, [p])[0].data * d for s, p, d in pairs]",
            "Each slope changes with *both*",
        ),
    ],
}

RIGHT_ANSWERS = {
    "bend-by-nudging": [
        "def bend_by_nudging(f, x, h):\n"
        "    right = (f(x + h) - f(x)) / h\n"
        "    left = (f(x) - f(x - h)) / h\n"
        "    return (right - left) / h",
        "def bend_by_nudging(f, x, h):\n"
        "    return (f(x + 2 * h) - 2 * f(x) + f(x - 2 * h)) / (2 * h) ** 2",
    ],
    "newton-once": [
        "def newton_once(f, x):\n"
        "    leaf = Value(x)\n"
        "    slopes = grad(f(leaf), [leaf])\n"
        "    return leaf - slopes[0] / grad(slopes[0], [leaf])[0]",
        "import numpy as np\n"
        "def newton_once(f, x):\n"
        "    slope, bend = slope_and_bend(f, x)\n"
        "    return np.float64(x) - slope / bend",
    ],
    "hessian-times": [
        "import numpy as np\n"
        "def hessian_times(f, place, direction):\n"
        "    parameters = [Value(number) for number in place]\n"
        "    slopes = grad(f(*parameters), parameters)\n"
        "    table = [[bend.data for bend in grad(s, parameters)] for s in slopes]\n"
        "    return np.array(table) @ np.array(direction)",
        "def hessian_times(f, place, direction):\n"
        "    parameters = [Value(number) for number in place]\n"
        "    slopes = grad(f(*parameters), parameters)\n"
        "    along = sum(slope * d for slope, d in zip(slopes, direction))\n"
        "    return grad(along, parameters)",
    ],
}
