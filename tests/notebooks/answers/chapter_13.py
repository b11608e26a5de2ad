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
    "by-place": [
        ("def by_place(names, k):\n    return by_pairs(names, 20)", "Pairs, no places"),
        (
            "def by_place(names, k):\n"
            "    pairs, anywhere = by_pairs(names, 20), by_frequency(names)\n"
            "\n"
            "    def chance(before, letter):\n"
            "        there = [f'.{n}.'[len(before)] for n in names if len(n) + 2 > len(before)]\n"
            "        usual = anywhere(before, letter)\n"
            "        here = (there.count(letter) + k * usual) / (len(there) + k)\n"
            "        return pairs(before, letter) * here / usual\n"
            "\n"
            "    return chance",
            "then one over their sum",
        ),
        (
            "def by_place(names, k):\n"
            "    pairs, anywhere = by_pairs(names, 20), by_frequency(names)\n"
            "\n"
            "    def chance(before, letter):\n"
            "        place = len(before) - 1\n"
            "        there = [f'.{n}.'[place] for n in names if len(n) + 2 > place]\n"
            "        products = {x: pairs(before, x) * (there.count(x) + k * anywhere(before, x))\n"
            "                    / anywhere(before, x) for x in tokens}\n"
            "        return products[letter] / sum(products.values())\n"
            "\n"
            "    return chance",
            "at the place len(before)",
        ),
    ],
}
