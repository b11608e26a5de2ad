"""Typical answers to the exercises of notebook 05: wrong ones with their hints, and right ones."""


def rolled(velocity: str, sign: str = "-") -> str:
    """Returns the stub of "rolled" with that velocity."""
    return (
        "def rolled(w, rate, momentum, steps):\n"
        "    velocity = 0.0\n"
        "    for _ in range(steps):\n"
        "        slope = 2 * (2 * w - 10) * 2\n"
        f"        velocity = {velocity}\n"
        f"        w = w {sign} rate * velocity\n"
        "    return w"
    )


def learn(*lines: str, sign: str = "-", result: str = "the_loss()", first: str = "pass") -> str:
    """Returns a training loop with these lines before the step, and that result."""
    body = "".join(f"        {line}\n" for line in lines)
    return (
        "def learn(model, points, targets, rate, steps):\n"
        "    def the_loss():\n"
        "        guesses = [model(point) for point in points]\n"
        "        return binary_cross_entropy_with_logits(guesses, targets)\n"
        f"    {first}\n"
        "    for _ in range(steps):\n"
        "        loss = the_loss()\n"
        f"{body}"
        "        for parameter in model.parameters():\n"
        f"            parameter.data = parameter.data {sign} rate * parameter.grad\n"
        f"    return {result}"
    )


def few(seed: str = "seed", examples: str = "held_out", options: str = "lifted=True") -> str:
    """Returns an answer to "with-few-neurons"."""
    return (
        "def with_few_neurons(hidden, seed):\n"
        f'    model = MLP(2, [hidden, 1], activation="tanh", seed={seed})\n'
        "    fit(model, train_set, optimizer=SGD(model.parameters(), lr=1.0), epochs=60,\n"
        f"        batch_size=10, progress=False, {options})\n"
        f"    return accuracy(model, {examples})"
    )


WRONG_ANSWERS = {
    "rolled": [
        (rolled("slope"), "gradient descent without a memory"),
        (rolled("velocity + slope"), "All of the velocity is kept"),
        (rolled("momentum * velocity + (1 - momentum) * slope"), "The new slope counts in full"),
        (rolled("momentum * velocity - slope"), "In the second step the velocity is"),
        (rolled("momentum * velocity + slope", sign="+"), "downhill"),
    ],
    "learn": [
        (learn("model.zero_grad()", "loss.backward()", sign="+"), "You went uphill"),
        (learn("model.zero_grad()", "loss.backward()", result="loss"), "before the last step"),
        (learn("loss.backward()", "model.zero_grad()"), "Nothing has moved"),
        (learn("loss.backward()"), "The model came with gradients"),
        (learn("loss.backward()", first="model.zero_grad()"), "in *every* step"),
        (
            "def learn(model, points, targets, rate, steps):\n"
            "    for _ in range(steps):\n"
            "        for point, target in zip(points, targets):\n"
            "            loss = binary_cross_entropy_with_logits(model(point), target)\n"
            "            model.zero_grad()\n"
            "            loss.backward()\n"
            "            for parameter in model.parameters():\n"
            "                parameter.data = parameter.data - rate * parameter.grad\n"
            "    return loss",
            "the guesses of all points",
        ),
    ],
    "with-few-neurons": [
        (few(examples="train_set"), "That is the training set"),
        (
            "def with_few_neurons(hidden, seed):\n"
            '    model = MLP(2, [hidden, 1], activation="tanh", seed=seed)\n'
            "    return accuracy(model, held_out)",
            "It has not learned anything yet",
        ),
        (few(seed="0"), "Is it the seed that was given?"),
    ],
}

RIGHT_ANSWERS = {
    "rolled": [
        "def rolled(w, rate, momentum, steps):\n"
        "    from micrograd_notes import SGD\n"
        "    weight = Value(w)\n"
        "    optimizer = SGD([weight], lr=rate, momentum=momentum)\n"
        "    for _ in range(steps):\n"
        "        optimizer.zero_grad()\n"
        "        ((2 * weight - 10) ** 2).backward()\n"
        "        optimizer.step()\n"
        "    return weight",
        "def rolled(w, rate, momentum, steps):\n"  # the step itself is kept, not the velocity
        "    step = 0.0\n"
        "    for _ in range(steps):\n"
        "        step = momentum * step - rate * (8 * w - 40)\n"
        "        w += step\n"
        "    return w",
    ],
    "learn": [
        learn("model.zero_grad()", "loss.backward()", result="the_loss().data"),
        "def learn(model, points, targets, rate, steps):\n"
        "    optimizer = SGD(model.parameters(), lr=rate)\n"
        "    for _ in range(steps):\n"
        "        optimizer.zero_grad()\n"
        "        binary_cross_entropy_with_logits([model(p) for p in points], targets).backward()\n"
        "        optimizer.step()\n"
        "    return binary_cross_entropy_with_logits([model(p) for p in points], targets)",
    ],
    "with-few-neurons": [few(options="lifted=True, seed=0")],
}
