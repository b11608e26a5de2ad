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
            "def epoch_to_keep(losses, patience):\n    return patience + 1",
            "Remember the best epoch so far",
        ),
    ],
}
