"""Typical wrong answers to the exercises of notebook 03, and the hint that each gets."""

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
    ],
    "reciprocal-partial": [
        ("def reciprocal_partial(y, x):\n    return y * y", "If x grows, does 1/x grow?"),
        ("def reciprocal_partial(y, x):\n    return -y", "The slope falls faster"),
        ("def reciprocal_partial(y, x):\n    return math.log(x)", "That is the integral"),
        ("def reciprocal_partial(y, x):\n    return -x * x", "Say it with y"),
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
    ],
}
