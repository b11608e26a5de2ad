"""Typical wrong answers to the exercises of notebook 06, and the hint that each gets."""

WRONG_ANSWERS = {
    "bumps-needed": [
        (
            "def bumps_needed(steepest, width, error):\n"
            "    return math.ceil(steepest * width / error)",
            "*half* the width of a bump",
        ),
        (
            "def bumps_needed(steepest, width, error):\n    return steepest * width / (2 * error)",
            "You cannot build part of a bump",
        ),
        (
            "def bumps_needed(steepest, width, error):\n"
            "    return int(steepest * width / (2 * error))",
            "a little too wide",
        ),
        (
            "def bumps_needed(steepest, width, error):\n    return math.ceil(width / error)",
            "How far can the function move there?",
        ),
        (
            "def bumps_needed(steepest, width, error):\n"
            "    return int(steepest * width / (2 * error)) + 1",
            "nothing must be added",
        ),
    ],
    "tooth": [
        (
            "def tooth(x, left, right):\n"
            "    middle, half = (left + right) / 2, (right - left) / 2\n"
            "    return (relu(x - left) - relu(x - middle)) / half",
            "It stays up",
        ),
        (
            "def tooth(x, left, right):\n"
            "    middle, half = (left + right) / 2, (right - left) / 2\n"
            "    return (relu(x - left) - 2 * relu(x - middle)) / half",
            "It goes on falling",
        ),
        (
            "def tooth(x, left, right):\n"
            "    middle, half = (left + right) / 2, (right - left) / 2\n"
            "    return relu(x - left) - 2 * relu(x - middle) + relu(x - right)",
            "How high is it after half of the width?",
        ),
        (
            "def tooth(x, left, right):\n    return relu(x - left)",
            "Each neuron changes it where it sets in",
        ),
    ],
    "hill": [
        (
            "def hill(x, y):\n"
            "    walls = bump(x) + bump(y)\n"
            "    return (tanh(20 * (walls - 0.5)) + 1) / 2",
            "One wall alone is enough for it",
        ),
        (
            "def hill(x, y):\n"
            "    walls = bump(x) + bump(y)\n"
            "    return (tanh(20 * (walls - 2.5)) + 1) / 2",
            "There the walls are 2 high",
        ),
        (
            "def hill(x, y):\n"
            "    walls = bump(x) + bump(y)\n"
            "    return (tanh(20 * (walls - 1)) + 1) / 2",
            "the neuron cannot decide",
        ),
        (
            "def hill(x, y):\n"
            "    walls = bump(x) + bump(y)\n"
            "    return round((tanh(20 * (walls - 2)) + 1.1) / 2.2, 1)",
            "the neuron cannot decide",
        ),
        (
            "def hill(x, y):\n    return (bump(x) + bump(y)) / 3",
            "How high are the two walls together",
        ),
    ],
    "fools-eight": [
        ("def fools_eight(x):\n    return 1.0 if x > 0.5 else -1.0", "It moves by more than 0.1"),
        ("def fools_eight(x):\n    return 20 * math.sin(20 * x)", "by its largest height"),
        ("def fools_eight(x):\n    return math.sin(x)", "How many are too many"),
        ("def fools_eight(x):\n    return 0.5", "How many are too many"),
        ("def fools_eight(x):\n    return abs(x) / 3", "How many are too many"),
        ("def fools_eight(x):\n    return math.log(x) / 9", "Return a number for every x"),
    ],
}

RIGHT_ANSWERS = {
    "bumps-needed": [
        "import numpy as np\n\n\n"
        "def bumps_needed(steepest, width, error):\n"
        "    return np.int64(np.ceil(steepest * width / (2 * error)))",
        "def bumps_needed(steepest, width, error):\n"
        "    return int(-(-steepest * width // (2 * error)))",
    ],
    "tooth": [
        "def tooth(x, left, right):\n"
        "    half = (right - left) / 2\n"
        "    return relu(1 - abs(x - (left + right) / 2) / half)",
        "import numpy as np\n\n\n"
        "def tooth(x, left, right):\n"
        "    return np.interp(x, [left, (left + right) / 2, right], [0.0, 1.0, 0.0])",
    ],
    "hill": [
        "def hill(x, y):\n    return bump(x) * bump(y)",
        "def hill(x, y):\n    return (tanh(20 * (bump(x) + bump(y) - 1.2)) + 1) / 2",
        "from micrograd_notes import Value\n\n\n"
        "def hill(x, y):\n"
        "    walls = bump(Value(x)) + bump(Value(y))\n"
        "    return (tanh(20 * (walls - 1.8)) + 1) / 2",
    ],
    "fools-eight": [
        "import math\n\n\n"
        "def fools_eight(x):\n"
        "    return 2 * abs(2 * (5 * x % 1) - 1) - 1  # a saw without a jump",
        "import numpy as np\n\n\ndef fools_eight(x):\n    return np.cos(30 * x)",
    ],
}
