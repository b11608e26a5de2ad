"""Chapter 09: how large a network is, and parity without a tree."""

WRONG_ANSWERS = {
    "count-parameters": [
        (
            "def count_parameters(inputs, widths):\n"
            "    total = 0\n"
            "    for width in widths:\n"
            "        total += width * inputs\n"
            "        inputs = width\n"
            "    return total",
            "Each neuron has a bias, too",
        ),
        (
            "def count_parameters(inputs, widths):\n    return sum(widths)",
            "How many parameters does each of them have?",
        ),
        (
            "def count_parameters(inputs, widths):\n"
            "    return sum(width * (inputs + 1) for width in widths)",
            "The next layer sees the one before it",
        ),
        (
            "def count_parameters(inputs, widths):\n    return inputs * sum(widths) + 1",
            "What goes into a layer?",
        ),
    ],
    "at-least": [
        ("def at_least(least, count):\n    return count - 2 * least", "exactly on the edge"),
        ("def at_least(least, count):\n    return 2 * least - count - 1", "Which bias makes +1"),
        ("def at_least(least, count):\n    return count - 2 * least + 2", "not 2"),
        (
            "def at_least(least, count):\n    return 3 * (count - 2 * least + 1)",
            "What is their sum",
        ),
    ],
    "flat-parity": [
        (
            "def flat_parity(count):\n"
            "    return [-1.0 if k % 2 else 1.0 for k in range(1, count + 1)], 0.0",
            "That is even, not odd",
        ),
        (
            "def flat_parity(count):\n"
            "    return [1.0 if k % 2 else -1.0 for k in range(1, count + 1)], 1.0",
            "lies too high",
        ),
        (
            "def flat_parity(count):\n"
            "    return [1.0 if k % 2 else -1.0 for k in range(1, count + 1)], -1.0",
            "lies too low",
        ),
        (
            # right for an odd count alone
            "def flat_parity(count):\n"
            "    return [1.0 if k % 2 else -1.0 for k in range(1, count + 1)], 0.0",
            "From 0 to 1 sign the answer rises by 2",
        ),
        ("def flat_parity(count):\n    return [1.0] * count, 0.0", "that counts"),
        ("def flat_parity(count):\n    return [1.0, -1.0], 0.0", "Which neuron changes its answer"),
    ],
}

RIGHT_ANSWERS = {
    "count-parameters": [
        "def count_parameters(inputs, widths):\n"
        "    sizes = [inputs, *widths]\n"
        "    return sum((a + 1) * b for a, b in zip(sizes, sizes[1:]))",
    ],
    "at-least": ["def at_least(least, count):\n    return 1.0 - (2 * least - count)"],
    "flat-parity": [
        "import numpy as np\n"
        "def flat_parity(count):\n"
        "    return (-1.0) ** np.arange(count), (count % 2) - 1",
    ],
}
