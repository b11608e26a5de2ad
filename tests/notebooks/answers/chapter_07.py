"""Typical wrong answers to the exercises of notebook 07, and the hint that each gets."""

WRONG_ANSWERS = {
    "laziest": [
        (
            "def laziest(targets):\n    return max(targets.count(each) for each in targets)",
            "Which share of all is it?",
        ),
        ("def laziest(targets):\n    return max(targets, key=targets.count)", "the class itself"),
        ("def laziest(targets):\n    return 1 / len(set(targets))", "A blind guess"),
        ("def laziest(targets):\n    return len(targets)", "targets.count(0) counts zeros"),
        (
            "def laziest(targets):\n    return targets.count(targets[0]) / len(targets)",
            "need not be the first one",
        ),
        (
            "def laziest(targets):\n"
            "    return targets.count(sorted(targets)[len(targets) // 2]) / len(targets)",
            "The class in the middle",
        ),
    ],
    "scaled": [
        (
            "def scaled(column, training):\n"
            "    mean = sum(column) / len(column)\n"
            "    deviation = (sum((x - mean) ** 2 for x in column) / len(column)) ** 0.5\n"
            "    return [(x - mean) / deviation for x in column]",
            "You peeked",
        ),
        (
            "def scaled(column, training):\n"
            "    mean = sum(training) / len(training)\n"
            "    return [x - mean for x in column]",
            "Its deviation is not yet 1",
        ),
        (
            "def scaled(column, training):\n"
            "    mean = sum(training) / len(training)\n"
            "    squares = sum((x - mean) ** 2 for x in training) / len(training)\n"
            "    return [(x - mean) / squares for x in column]",
            "The deviation is the root of it",
        ),
        (
            "def scaled(column, training):\n    return [x / max(training) for x in column]",
            "Subtract the mean of `training`",
        ),
        (
            "from statistics import mean, stdev\n\n\n"
            "def scaled(column, training):\n"
            "    return [(x - mean(training)) / stdev(training) for x in column]",
            "You divided by n - 1",
        ),
    ],
    "epoch-to-keep": [
        (
            "def epoch_to_keep(losses, patience):\n    return losses.index(min(losses))",
            "It has stopped before the 0.1 comes",
        ),
        (
            "def epoch_to_keep(losses, patience):\n"
            "    best = 0\n"
            "    for epoch, loss in enumerate(losses):\n"
            "        if loss < losses[best]:\n"
            "            best = epoch\n"
            "        if epoch - best >= patience:\n"
            "            break\n"
            "    return epoch",
            "That is where it stops",
        ),
        (
            "def epoch_to_keep(losses, patience):\n    return sorted(losses)[1]",
            "Which epoch has it?",
        ),
        (
            "def epoch_to_keep(losses, patience):\n"
            "    epoch = 0\n"
            "    while epoch + 1 < len(losses) and losses[epoch + 1] < losses[epoch]:\n"
            "        epoch += 1\n"
            "    return epoch",
            "It has lost its patience too soon",
        ),
        (
            "def epoch_to_keep(losses, patience):\n    return 0",
            "Remember the best epoch so far",
        ),
        (
            "def epoch_to_keep(losses, patience):\n"
            "    best = worse = 0\n"
            "    for epoch, loss in enumerate(losses):\n"
            "        if loss < losses[best]:\n"
            "            best = epoch\n"
            "        elif epoch:\n"
            "            worse += 1\n"
            "        if worse >= patience:\n"
            "            break\n"
            "    return best",
            "It has lost its patience too soon",  # the counter is never reset
        ),
        (
            "def epoch_to_keep(losses, patience):\n"
            "    best = worse = 0\n"
            "    for epoch, loss in enumerate(losses):\n"
            "        worse = worse + 1 if epoch and loss > losses[epoch - 1] else 0\n"
            "        best = epoch if loss < losses[best] else best\n"
            "        if worse >= patience:\n"
            "            break\n"
            "    return best",
            "lower than the epoch before, is not enough",
        ),
        (
            "def epoch_to_keep(losses, patience):\n"
            "    best = 0\n"
            "    for epoch, loss in enumerate(losses):\n"
            "        if loss <= losses[best]:\n"
            "            best = epoch\n"
            "        if epoch - best >= patience:\n"
            "            break\n"
            "    return best",
            "Being as low",
        ),
    ],
}

RIGHT_ANSWERS = {
    "laziest": [
        "from statistics import mode\n\n\n"
        "def laziest(targets):\n    return targets.count(mode(targets)) / len(targets)",
        "import numpy as np\n\n\n"
        "def laziest(targets):\n    return np.bincount(targets).max() / len(targets)",
    ],
    "scaled": [
        "import numpy as np\n\n\n"
        "def scaled(column, training):\n"
        "    return (np.array(column) - np.mean(training)) / np.std(training)",
        "from statistics import mean, pstdev\n\n\n"
        "def scaled(column, training):\n"
        "    return tuple((x - mean(training)) / pstdev(training) for x in column)",
    ],
    "epoch-to-keep": [
        "def epoch_to_keep(losses, patience):\n"
        "    best, waited = 0, 0\n"
        "    for epoch in range(1, len(losses)):\n"
        "        if losses[epoch] < losses[best]:\n"
        "            best, waited = epoch, 0\n"
        "        else:\n"
        "            waited += 1\n"
        "        if waited == patience:\n"
        "            return best\n"
        "    return best",
    ],
}
