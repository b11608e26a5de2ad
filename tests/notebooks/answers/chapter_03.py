"""Typical wrong answers to the exercises of notebook 03, and the hint that each gets."""


def forward(leaf: str) -> str:
    """Returns an answer to "forward-slope" with this slope of a leaf."""
    return (
        "def forward_slope(root, x):\n"
        "    slopes = {}\n"
        "    for node in topological_order(root):\n"
        "        arrows = arrows_into(node)\n"
        "        through = sum(slope * slopes[operand] for operand, slope in arrows)\n"
        f"        slopes[node] = through if arrows else {leaf}\n"
        "    return slopes[root]"
    )


def walked(taken: str, seen: bool = True) -> str:
    """Returns an answer to "flat-order" that walks from the root, and turns the walk round."""
    return (
        "def flat_order(root):\n"
        "    order, waiting = [], [root]\n"
        "    while waiting:\n"
        f"        node = waiting.{taken}\n"
        + ("        if node not in order[-9:]:\n" if seen else "        if len(order) < 99:\n")
        + "            order.append(node)\n"
        "            waiting.extend(node.operands)\n"
        "    return order[::-1]"
    )


WRONG_ANSWERS = {
    "is-in-order": [
        (  # the first operand decides alone
            "def is_in_order(nodes):\n"
            "    before = set()\n"
            "    for node in nodes:\n"
            "        for operand in node.operands:\n"
            "            return operand in before\n"
            "        before.add(node)\n"
            "    return True",
            "Only at the end do you know",
        ),
        (  # any of the operands is enough
            "def is_in_order(nodes):\n"
            "    before = set()\n"
            "    for node in nodes:\n"
            "        if node.operands and not before.intersection(node.operands):\n"
            "            return False\n"
            "        before.add(node)\n"
            "    return True",
            "*all* of its operands",
        ),
        (  # nothing ever goes in
            "def is_in_order(nodes):\n"
            "    before = set()\n"
            "    return all(o in before for node in nodes for o in node.operands)",
            "Then it was seen",
        ),
        ("def is_in_order(nodes):\n    return True", "if *all* of its operands"),
        (  # looks only at the next node
            "def is_in_order(nodes):\n"
            "    for a, b in zip(nodes, nodes[1:]):\n"
            "        if b in a.operands:\n"
            "            return False\n"
            "    return True",
            "if *all* of its operands",
        ),
    ],
    "reciprocal-partial": [
        ("def reciprocal_partial(y, x):\n    return y * y", "If x grows, does 1/x grow?"),
        ("def reciprocal_partial(y, x):\n    return -y", "The slope falls faster"),
        ("def reciprocal_partial(y, x):\n    return math.log(x)", "That is the integral"),
        ("def reciprocal_partial(y, x):\n    return -x * x", "say it with y"),
    ],
    "forward-slope": [
        (
            "def forward_slope(root, x):\n"
            "    slopes = {}\n"
            "    for node in topological_order(root):\n"
            "        arrows = dict(arrows_into(node))\n"
            "        slopes[node] = float(node is x) + sum(\n"
            "            slope * slopes[operand] for operand, slope in arrows.items()\n"
            "        )\n"
            "    return slopes[root]",
            "There are two arrows from x to x*x",
        ),
        (
            "def forward_slope(root, x):\n"
            "    slopes = {}\n"
            "    for node in topological_order(root):\n"
            "        arrows = arrows_into(node)\n"
            "        slopes[node] = float(not arrows) + sum(\n"
            "            slope * slopes[operand] for operand, slope in arrows\n"
            "        )\n"
            "    return slopes[root]",
            "Does every leaf have 1?",
        ),
        (
            "def forward_slope(root, x):\n"
            "    slopes = {}\n"
            "    for node in topological_order(root):\n"
            "        slopes[node] = sum(partial for _, partial in arrows_into(node))\n"
            "    return slopes[root]",
            "the sum of slope * slopes[operand]",
        ),
        (  # a leaf is known by its number
            forward("1.0 if node.data == x.data else 0.0"),
            "Only one of them *is* x",
        ),
    ],
    "flat-order": [
        (
            "def flat_order(root):\n    return topological_order(root)",
            "Look at the last node that waits",  # RecursionError
        ),
        (walked("pop(0)"), "A node goes in after *all*"),
        (walked("pop()"), "A node goes in after *all*"),
        (walked("pop()", seen=False), "A node may wait in two places"),
        (
            "def flat_order(root):\n    return [root]",
            "The loop ends when no node waits",
        ),
    ],
}

RIGHT_ANSWERS = {
    "is-in-order": [
        "def is_in_order(nodes):\n"
        "    return all(set(n.operands) <= set(nodes[:i]) for i, n in enumerate(nodes))",
        "import numpy as np\n\n"
        "def is_in_order(nodes):\n"
        "    return np.all([set(n.operands) <= set(nodes[:i]) for i, n in enumerate(nodes)])",
    ],
    "reciprocal-partial": [
        "def reciprocal_partial(y, x):\n    return -1 / x**2",
        "import numpy as np\n\ndef reciprocal_partial(y, x):\n    return -np.square(y)",
    ],
    "forward-slope": [forward("float(node is x)")],
    "flat-order": [
        "def flat_order(root):\n"  # each node waits with a mark: are its operands in?
        "    order, seen, waiting = [], set(), [(root, False)]\n"
        "    while waiting:\n"
        "        node, is_ready = waiting.pop()\n"
        "        if is_ready:\n"
        "            order.append(node)\n"
        "        elif node not in seen:\n"
        "            seen.add(node)\n"
        "            waiting.append((node, True))\n"
        "            waiting += [(operand, False) for operand in node.operands]\n"
        "    return tuple(order)",
    ],
}
