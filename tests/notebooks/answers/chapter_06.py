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
            "    return round((tanh(20 * (walls - 0.5)) + 1) / 2)",
            "One wall alone is enough for it",
        ),
        (
            "def hill(x, y):\n"
            "    walls = bump(x) + bump(y)\n"
            "    return round((tanh(20 * (walls - 2.5)) + 1) / 2)",
            "There the walls are 2 high",
        ),
        ("def hill(x, y):\n    return bump(x) + bump(y)", "How high are the two walls together"),
    ],
}
