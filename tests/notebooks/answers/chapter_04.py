"""Typical wrong answers to the exercises of notebook 04, and the hint that each gets."""


def stepped(step: str) -> str:
    """Returns the stub of "descended" with that step."""
    return (
        "def descended(w, rate, steps):\n"
        "    for _ in range(steps):\n"
        f"        w = {step}\n"
        "    return w"
    )


def of_logit(slope: str) -> str:
    """Returns an answer to "slope-of-logit", where p is the probability."""
    return (
        "def slope_of_logit(logit, target):\n"
        "    p = 1 / (1 + exp(-logit))  # exp is imported in the notebook\n"
        f"    return {slope}"
    )


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
        (  # twice the error, times b: in the first case b was 0.5, so that it looked like the error
            "def slope_of_b(w, b, x, target):\n    return 2 * (w * x + b - target) * b",
            "The chain rule",
        ),
        (
            "def slope_of_b(w, b, x, target):\n"
            "    at = lambda b: (w * x + b - target) ** 2\n"
            "    return (at(b + 1e-4) - at(b)) / 1e-4",
            "Is it a nudge to one side",
        ),
    ],
    "descended": [
        (stepped("w + rate * 2 * (2 * w - 10) * 2"), "You went uphill"),
        (stepped("w - rate * 2 * (2 * w - 10)"), "Is the slope complete?"),
        (stepped("w - 2 * (2 * w - 10) * 2"), "without the rate"),
        (stepped("w - rate * (2 * w - 10) ** 2"), "not times the loss itself"),
        (
            "def descended(w, rate, steps):\n    return w - rate * 2 * (2 * w - 10) * 2",
            "go against it, in every step",
        ),
    ],
    "slope-of-logit": [
        (of_logit("target - p"), "should the logit grow?"),
        (of_logit("p"), "How far is it from the target?"),
        (of_logit("-1 / p"), "Now the slope of the sigmoid"),
        (of_logit("p * (1 - p)"), "The logarithm is still missing"),
        (of_logit("p - 1"), "the same for a target of 0"),
        (of_logit("-target / p * p * (1 - p)"), "the same for a target of 0"),
        (
            "def slope_of_logit(logit, target):\n"
            "    p = lambda z: 1 / (1 + math.exp(-z))\n"
            "    at = lambda z: -math.log(p(z) if target == 1 else 1 - p(z))\n"
            "    return (at(logit + 1e-5) - at(logit)) / 1e-5\n"
            "import math",
            "Is it a nudge to one side",
        ),
    ],
}

RIGHT_ANSWERS = {
    "slope-of-b": [
        "import numpy as np\n\n"
        "def slope_of_b(w, b, x, target):\n    return np.array(2.0) * (w * x + b - target)",
        "def slope_of_b(w, b, x, target):\n"
        "    bias = Value(b)\n"
        "    ((bias + w * x - target) ** 2).backward()\n"
        "    return bias.grad",
    ],
    "descended": [
        stepped("w - rate * (8 * w - 40)"),
        "def descended(w, rate, steps):\n"
        "    w = Value(w)\n"
        "    for _ in range(steps):\n"
        "        w.grad = 0.0\n"
        "        ((2 * w - 10) ** 2).backward()\n"
        "        w.data = w.data - rate * w.grad\n"
        "    return w",
    ],
    "slope-of-logit": [
        of_logit("p - target"),
        of_logit("p - 1 if target == 1 else p"),
        "def slope_of_logit(logit, target):\n"
        "    return (1 + tanh(logit / 2)) / 2 - target  # of the math module",
    ],
}
