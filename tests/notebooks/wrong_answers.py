"""What learners typically write into the exercises, and a part of the hint that each should get.

The keys are those of the notebooks' cells: `stub-both` is the exercise "both".
"""

WRONG_ANSWERS = {
    # ---- 01 --------------------------------------------------------------------------------------
    "neuron-of-any-size": [
        (
            "def neuron_of_any_size(x, w, b):\n"
            "    return sum(xi * wi for xi, wi in zip(x, w)) + b",
            "The activation is missing",
        ),
        (
            "def neuron_of_any_size(x, w, b):\n"
            "    return tanh(sum(xi * wi for xi, wi in zip(x, w)))",
            "Is the bias in it?",
        ),
        ("def neuron_of_any_size(x, w, b):\n    return tanh(x[0] * w[0] + b)", "the first input"),
        ("def neuron_of_any_size(x, w, b):\n    return tanh(x * w + b)", "zip gives them"),
    ],
    "slope-of-weight": [
        ("def slope_of_weight(x, w, b):\n    return x", "How much of it gets through tanh?"),
        (
            "def slope_of_weight(x, w, b):\n    return 1 - tanh(x * w + b) ** 2",
            "Then comes the product",
        ),
        (
            "def slope_of_weight(x, w, b):\n    return (1 - tanh(x * w + b) ** 2) * w",
            "times the *other* operand",
        ),
        ("def slope_of_weight(x, w, b):\n    return tanh(x * w + b)", "Begin at y and go back"),
    ],
    "both": [
        (
            "def both(x1, x2):\n    return round(tanh(2.0 * x1 + 2.0 * x2 - 1.0))",
            "One weight alone must not outweigh the bias",
        ),
        (
            "def both(x1, x2):\n    return round(tanh(0.2 * x1 + 0.2 * x2 - 0.3))",
            "Make all three numbers larger",
        ),
    ],
    # ---- 02 --------------------------------------------------------------------------------------
    "slope": [
        ("def slope(x):\n    return 1 - math.tanh(x * x) ** 2", "the slope of tanh alone"),
        ("def slope(x):\n    return 2 * x", "the slope of the square alone"),
        ("def slope(x):\n    return (1 - math.tanh(x * x) ** 2) * x", "two arrows from x to u"),
        (
            "def slope(x):\n    return (1 - math.tanh(x) ** 2) * 2 * x",
            "The slope of tanh is taken at u",
        ),
        ("def slope(x):\n    return 1 - math.tanh(x * x) ** 2 + 2 * x", "Along a chain slopes"),
        ("def slope(x):\n    return math.tanh(x * x)", "Two slopes multiply"),
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
            "            partial * slopes[operand] for operand, partial in arrows.items()\n"
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
            "            partial * slopes[operand] for operand, partial in arrows\n"
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
            "the sum of partial * slopes[operand]",
        ),
    ],
    # ---- 03 --------------------------------------------------------------------------------------
    "slope-of-b": [
        (
            "def slope_of_b(w, b, x, target):\n    return 2 * (target - (w * x + b))",
            "Should b grow here, or shrink?",
        ),
        (
            "def slope_of_b(w, b, x, target):\n    return w * x + b - target",
            "The square has a slope of its own",
        ),
        (
            "def slope_of_b(w, b, x, target):\n    return 2 * (w * x + b - target) * x",
            "the slope with respect to w",
        ),
        (
            "def slope_of_b(w, b, x, target):\n    return (w * x + b - target) ** 2",
            "That is the loss itself",
        ),
        ("def slope_of_b(w, b, x, target):\n    return 2 * b", "The chain rule"),
    ],
    "descended": [
        (
            "def descended(w, rate, steps):\n"
            "    for _ in range(steps):\n"
            "        w = w + rate * 2 * (2 * w - 6) * 2\n"
            "    return w",
            "You went uphill",
        ),
        (
            "def descended(w, rate, steps):\n"
            "    for _ in range(steps):\n"
            "        w = w - rate * 2 * (2 * w - 6)\n"
            "    return w",
            "Is the slope complete?",
        ),
        (
            "def descended(w, rate, steps):\n"
            "    for _ in range(steps):\n"
            "        w = w - 2 * (2 * w - 6) * 2\n"
            "    return w",
            "without the rate",
        ),
        (
            "def descended(w, rate, steps):\n"
            "    return w - rate * 2 * (2 * w - 6) * 2",
            "Go against it",
        ),
    ],
    "rolled": [
        (
            "def rolled(w, rate, momentum, steps):\n"
            "    for _ in range(steps):\n"
            "        w = w - rate * 2 * (2 * w - 6) * 2\n"
            "    return w",
            "gradient descent without a memory",
        ),
        (
            "def rolled(w, rate, momentum, steps):\n"
            "    velocity = 0.0\n"
            "    for _ in range(steps):\n"
            "        velocity = velocity + 2 * (2 * w - 6) * 2\n"
            "        w = w - rate * velocity\n"
            "    return w",
            "All of the velocity is kept",
        ),
        (
            "def rolled(w, rate, momentum, steps):\n"
            "    velocity = 0.0\n"
            "    for _ in range(steps):\n"
            "        slope = 2 * (2 * w - 6) * 2\n"
            "        velocity = momentum * velocity + (1 - momentum) * slope\n"
            "        w = w - rate * velocity\n"
            "    return w",
            "The new slope counts in full",
        ),
        (
            "def rolled(w, rate, momentum, steps):\n"
            "    velocity = 0.0\n"
            "    for _ in range(steps):\n"
            "        velocity = momentum * velocity - 2 * (2 * w - 6) * 2\n"
            "        w = w - rate * velocity\n"
            "    return w",
            "In the second step the velocity is",
        ),
    ],
}
