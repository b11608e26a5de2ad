"""Typical wrong answers to the exercises of notebook 13, and the hint that each gets."""

WRONG_ANSWERS = {
    "chances": [
        (
            "def chances_of(scores, temperature):\n"
            "    return [exp(score / temperature) for score in scores]",
            "They do not add up to 1 yet",
        ),
        (
            "def chances_of(scores, temperature):\n"
            "    return [score / sum(scores) for score in scores]",
            "Where is e to the power of them?",
        ),
        (
            "def chances_of(scores, temperature):\n"
            "    grown = [exp(score * temperature) for score in scores]\n"
            "    return [number / sum(grown) for number in grown]",
            "A low temperature makes the likely likelier",
        ),
        (
            "def chances_of(scores, temperature):\n"
            "    grown = [exp(score) for score in scores]\n"
            "    return [number / sum(grown) for number in grown]",
            "Where does the temperature come in?",
        ),
        (
            "def chances_of(scores, temperature):\n"
            "    grown = [exp(score) / temperature for score in scores]\n"
            "    return [number / sum(grown) + 0.1 for number in grown]",
            "First divide each score",
        ),
    ],
    "attend": [
        (
            "def attend(query, keys, values):\n"
            "    shares = softmax([dot(query, key) for key in keys])\n"
            "    return [dot(shares, column) for column in zip(*values)]",
            "divide by the root of the length",
        ),
        (
            "def attend(query, keys, values):\n"
            "    return softmax([dot(query, key) / len(query) ** 0.5 for key in keys])",
            "What do they take of the values?",
        ),
        (
            "def attend(query, keys, values):\n"
            "    return [sum(column) / len(values) for column in zip(*values)]",
            "That is the plain mean",
        ),
        (
            "def attend(query, keys, values):\n"
            "    scores = [dot(query, key) / len(query) ** 0.5 for key in keys]\n"
            "    return [dot(scores, column) for column in zip(*values)]",
            "Those are scores, not shares",
        ),
        (
            "def attend(query, keys, values):\n"
            "    shares = softmax([dot(query, key) / len(query) for key in keys])\n"
            "    return [dot(shares, column) for column in zip(*values)]",
            "Then for each column of the values, dot",
        ),
    ],
    "best-names": [
        (
            "def best_names(drafts, known, loss, count):\n"
            "    return sorted(dict.fromkeys(drafts), key=loss)[:count]",
            "in the list of known names",
        ),
        (
            "def best_names(drafts, known, loss, count):\n"
            "    return sorted([name for name in drafts if name not in known], key=loss)[:count]",
            "One of them is there twice",
        ),
        (
            "def best_names(drafts, known, loss, count):\n"
            "    new = [name for name in dict.fromkeys(drafts) if name not in known]\n"
            "    return sorted(new, key=loss, reverse=True)[:count]",
            "take the other end",
        ),
        (
            "def best_names(drafts, known, loss, count):\n"
            "    return [name for name in dict.fromkeys(drafts) if name not in known][:count]",
            "Which are the best?",
        ),
        (
            "def best_names(drafts, known, loss, count):\n"
            "    new = {name for name in drafts if name not in known}\n"
            "    return sorted(sorted(new, key=loss)[:count])[::-1]",
            "Leave out repeats and names that are known",
        ),
    ],
    "mixed": [
        (
            "def mixed(one, other, share):\n"
            "    return lambda before, letter: max(one(before, letter), other(before, letter))",
            "its low loss is cheated",
        ),
        (
            "def mixed(one, other, share):\n"
            "    return lambda before, letter: one(before, letter) + other(before, letter)",
            "These add up to 2",
        ),
        (
            "def mixed(one, other, share):\n"
            "    return lambda before, letter: (one(before, letter) + other(before, letter)) / 2",
            "Where does the share come in?",
        ),
        (
            "def mixed(one, other, share):\n"
            "    def chance(before, letter):\n"
            "        return (1 - share) * one(before, letter) + share * other(before, letter)\n"
            "\n"
            "    return chance",
            "The share is that of the first table",
        ),
        (
            "def mixed(one, other, share):\n"
            "    def chance(before, letter):\n"
            "        return one(before, letter) ** share * other(before, letter) ** (1 - share)\n"
            "\n"
            "    return chance",
            "The chance of one, times its share",
        ),
    ],
}

RIGHT_ANSWERS = {
    "chances": [
        "def chances_of(scores, temperature):\n"
        "    grown = np.exp(np.array(scores) / temperature)\n"
        "    return grown / grown.sum()",
        "def chances_of(scores, temperature):\n"
        "    return softmax([Value(score / temperature) for score in scores])",
    ],
    "attend": [
        "def attend(query, keys, values):\n"
        "    scores = np.array(keys) @ np.array(query) / len(query) ** 0.5\n"
        "    shares = np.exp(scores) / np.exp(scores).sum()\n"
        "    return shares @ np.array(values)",
    ],
    "best-names": [
        "def best_names(drafts, known, loss, count):\n"
        "    return sorted({*drafts} - {*known}, key=loss)[:count]",
        "def best_names(drafts, known, loss, count):\n"
        "    new = []\n"
        "    for name in sorted(drafts, key=loss):\n"
        "        if name not in known and name not in new:\n"
        "            new.append(name)\n"
        "    return tuple(new[:count])",
    ],
    "mixed": [
        "def mixed(one, other, share):\n"
        "    return lambda before, letter: (\n"
        "        other(before, letter) + share * (one(before, letter) - other(before, letter))\n"
        "    )",
    ],
}
