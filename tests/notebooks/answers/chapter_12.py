"""Typical wrong answers to the exercises of notebook 12, and the hint that each gets."""

WRONG_ANSWERS = {
    "matrix-product": [
        (
            "def matrix_product(A, B):\n"
            "    return [[a * b for a, b in zip(r, s)] for r, s in zip(A, B)]",
            "A row meets a whole column",
        ),
        (
            "def matrix_product(A, B):\n"
            "    return [[sum(a * b for a, b in zip(r, s)) for s in B] for r in A]",
            "Those are rows with rows",
        ),
        (
            "def matrix_product(A, B):\n"
            "    return [[sum(a * b for a, b in zip(r, c)) for r in A] for c in zip(*B)]",
            "which loop is the outer one?",
        ),
        (
            "def matrix_product(A, B):\n    return [[sum(r) * sum(c) for c in zip(*B)] for r in A]",
            "Row i of A with column j of B",
        ),
        (
            "def matrix_product(A, B):\n    return np.array(B) @ np.array(A)",
            "That is B @ A",
        ),
    ],
    "back-through-a-layer": [
        (
            "def back_through_a_layer(x, W, dz):\n    return dz.T @ x, dz.sum(0), dz @ W",
            "That is for a row per neuron",
        ),
        (
            "def back_through_a_layer(x, W, dz):\n    return dz.T @ x, dz.sum(0), dz @ W.T",
            "dW is turned over",
        ),
        (
            "def back_through_a_layer(x, W, dz):\n    return x.T @ dz, dz.sum(0), dz @ W",
            "each input collects from all neurons",
        ),
        (
            "def back_through_a_layer(x, W, dz):\n    return x.T @ dz, dz.sum(0), W @ dz.T",
            "dx is turned over",
        ),
        (
            "def back_through_a_layer(x, W, dz):\n    return x.T @ dz, dz.sum(1), dz @ W.T",
            "add up over the examples",
        ),
        (
            "def back_through_a_layer(x, W, dz):\n    return x @ dz, dz.sum(0), dz @ W.T",
            "which axis of x is that?",
        ),
        (
            "def back_through_a_layer(x, W, dz):\n    return x.T @ dz, dz.mean(0), dz @ W.T",
            "db is a sum over the examples, not a mean",
        ),
        (
            "def back_through_a_layer(x, W, dz):\n"
            "    n = len(x)\n"
            "    return x.T @ dz / n, dz.sum(0) / n, dz @ W.T",
            "A sum, not a mean",
        ),
        (
            "def back_through_a_layer(x, W, dz):\n    return x.T @ dz",
            "Read dW1, db1 and the first half of dz1",
        ),
        (
            "def back_through_a_layer(x, W, dz):\n    return x.T @ dz, dz, dz @ W.T",
            "Read dW1, db1 and the first half of dz1",
        ),
    ],
    "huber": [
        (
            "def huber(error):\n"
            "    if abs(error) < 1:\n"
            "        return error * error / 2\n"
            "    return abs(error) - 0.5",
            "where(condition, a, b) is a where the condition holds",
        ),
        (
            "def huber(error):\n"
            "    return where(greater(abs(error), 1.0), error * error / 2, abs(error) - 0.5)",
            "The two sides have changed places",
        ),
        ("def huber(error):\n    return abs(error) - 0.5", "And the small errors?"),
        (
            "def huber(error):\n"
            "    return where(greater(1.0, abs(error)), error * error, abs(error) - 0.5)",
            "so that both sides meet at 1",
        ),
    ],
    "key": [
        (
            "def key(name, tape):\n    return tape[name][0] if name in tape else name",
            "The operation alone mixes both layers",
        ),
        (
            "def key(name, tape):\n"
            "    if name not in tape:\n"
            "        return name\n"
            "    operation, *operands = tape[name]\n"
            "    return (operation, *[key(operand, tape) for operand in operands])",
            "Nothing is alike",
        ),
        (
            "def key(name, tape):\n"
            "    if name not in tape:\n"
            "        return name.partition('[')[0]\n"
            "    operation, *operands = tape[name]\n"
            "    return (operation, *[key(operand, tape) for operand in operands])",
            "A frozenset forgets the order",
        ),
        (
            "def key(name, tape):\n"
            "    if name not in tape:\n"
            "        return name.partition('[')[0]\n"
            "    operation, *operands = tape[name]\n"
            "    return (operation, frozenset(key(operand, tape) for operand in operands))",
            "x - y is not y - x",
        ),
    ],
}

RIGHT_ANSWERS = {
    "matrix-product": [
        "def matrix_product(A, B):\n    return np.array(A) @ np.array(B)",
        "def matrix_product(A, B):\n    return np.dot(A, B).tolist()",
        "def matrix_product(A, B):\n"
        "    C = [[0.0] * len(B[0]) for _ in A]\n"
        "    for i in range(len(A)):\n"
        "        for j in range(len(B[0])):\n"
        "            for k in range(len(B)):\n"
        "                C[i][j] += A[i][k] * B[k][j]\n"
        "    return C",
    ],
    "back-through-a-layer": [
        "def back_through_a_layer(x, W, dz):\n"
        "    return x.T @ dz, dz.sum(0, keepdims=True), dz @ W.T",
        "def back_through_a_layer(x, W, dz):\n"
        "    return [x.T @ dz, np.ones(len(x)) @ dz, dz @ W.T]",
        "def back_through_a_layer(x, W, dz):\n"
        "    return np.einsum('ni,nj->ij', x, dz), dz.sum(axis=0), (W @ dz.T).T",
    ],
    "huber": [
        "from micrograd_notes import minimum\n"
        "def huber(error):\n"
        "    small = minimum(abs(error), 1.0)\n"
        "    return small * small / 2 + abs(error) - small",
        "def huber(error):\n"
        "    return where(greater(abs(error), 1.0), abs(error) - 0.5, 0.5 * error**2)",
        "def huber(error):\n"
        "    return where(abs(error) < 1, error * error / 2, abs(error) - 0.5)",
    ],
    "key": [
        "def key(name, tape):\n"
        "    if name not in tape:\n"
        "        return name.split('[')[0]\n"
        "    keys = [key(operand, tape) for operand in tape[name][1:]]\n"
        "    return tape[name][0], tuple(sorted(set(map(repr, keys))))\\\n"
        "        if tape[name][0] == 'add' else tuple(keys)",
    ],
}
