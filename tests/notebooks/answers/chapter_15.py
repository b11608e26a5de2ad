"""Chapter 15: gaps filled from training rows, what one column knows, a balanced accuracy."""

FILLED = "def filled(column, training):\n"
ALONE = "def alone(column, targets):\n"
BALANCED = "def balanced(right, answers):\n"

WRONG_ANSWERS = {
    "filled": [
        (
            FILLED + "    there = [x for x in column if x is not None]\n"
            "    return [sum(there) / len(there) if x is None else x for x in column]",
            "you looked at what is held out",
        ),
        (
            FILLED + "    mean = sum(x or 0.0 for x in training) / len(training)\n"
            "    return [mean if x is None else x for x in column]",
            "divide by how many numbers are there",
        ),
        (
            FILLED + "    return [0.0 if x is None else x for x in column]",
            "what is typical of this column",
        ),
        (
            FILLED + "    return [x for x in column if x is not None]",
            "Each row must keep its place",
        ),
        (
            FILLED + "    there = [x for x in training if x is not None]\n"
            "    return [x or sum(there) / len(there) for x in column]",
            "Which numbers of the training column are there",
        ),
    ],
    "alone": [
        (
            ALONE + "    return max(map(targets.count, targets)) / len(targets)",
            "first part them by their value",
        ),
        (
            ALONE + "    rows = list(zip(column, targets))\n"
            "    return sum(max(rows.count((x, t)) for t in targets) for x in set(column))",
            "Which share of all rows is it",
        ),
        (
            ALONE + "    rows = list(zip(column, targets))\n"
            "    shares = [max(rows.count((x, t)) for t in targets) / column.count(x)\n"
            "              for x in set(column)]\n"
            "    return sum(shares) / len(shares)",
            "a value with more rows counts more",
        ),
    ],
    "balanced": [
        (
            BALANCED + "    return sum(a == b for a, b in zip(right, answers)) / len(right)",
            "a frequent class counts more than a rare one",
        ),
        (
            BALANCED + "    shares = []\n"
            "    for name in set(right):\n"
            "        mine = [a for a, b in zip(right, answers) if b == name]\n"
            "        shares.append(mine.count(name) / max(len(mine), 1))\n"
            "    return sum(shares) / len(shares)",
            "Take the rows of each *right* class",
        ),
        (
            BALANCED + "    pairs = list(zip(right, answers))\n"
            "    return sum(pairs.count((c, c)) / right.count(c) for c in set(right))",
            "What is their mean",
        ),
        (
            BALANCED + "    pairs, classes = list(zip(right, answers)), {*right, *answers}\n"
            "    shares = [pairs.count((c, c)) / max(right.count(c), 1) for c in classes]\n"
            "    return sum(shares) / len(shares)",
            "Which share of their answers is a",
        ),
    ],
}

RIGHT_ANSWERS = {
    "filled": [
        "import numpy as np\n" + FILLED +
        "    numbers = np.array(training, float)\n"
        "    return np.where(np.array(column, float) == np.array(column, float),\n"
        "                    np.array(column, float), np.nanmean(numbers))",
        "from statistics import fmean\n" + FILLED +
        "    mean = fmean(x for x in training if x is not None)\n"
        "    return tuple(mean if x is None else x for x in column)",
    ],
    "alone": [
        "from collections import Counter\n" + ALONE +
        "    counts = Counter(zip(column, targets))\n"
        "    best = {}\n"
        "    for (x, t), count in counts.items():\n"
        "        best[x] = max(best.get(x, 0), count)\n"
        "    return sum(best.values()) / len(targets)",
    ],
    "balanced": [
        "import numpy as np\n" + BALANCED +
        "    right, answers = np.array(right), np.array(answers)\n"
        "    return np.mean([np.mean(answers[right == c] == c) for c in np.unique(right)])",
    ],
}
