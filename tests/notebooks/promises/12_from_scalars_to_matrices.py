# %% after sums
assert table[2][1] == 7

# %% after product
assert (X @ W).tolist() == table
assert (X.shape, W.shape, (X @ W).shape) == ((4, 2), (2, 3), (4, 3))

# %% after lifted
assert len(by_arrays[1]) == 17
assert f"{by_arrays[0]:.6f}" == f"{by_scalars[0]:.6f}"
assert apart < 1e-14

# %% after show-source
assert len(products_in(program.source)) == 7
quoted = """
z1 = x @ W1 + b1
hidden1 = np.tanh(z1)
answer = hidden1 @ W2 + b2
error = answer - target
loss = np.vecdot(error, error).mean()
derror = 2 * error
dW2[...] = hidden1.T @ derror
db2[...] = ones @ derror
dz1 = (derror @ W2.T) / np.cosh(z1) ** 2
dW1[...] = x.T @ dz1
db1[...] = ones @ dz1
dtheta /= n
"""  # the tables explain all lines between the comments, and these are all
halves = program.source.partition("# forward\n")[2].partition("return loss")[0].splitlines()
without_comments = [line.partition("#")[0].strip() for line in halves]
assert [line for line in without_comments if line] == quoted.split("\n")[1:-1]
assert program.source.count("assert") == 3
assert "divided by n at the end\n    derror" in program.source

# %% after columns
assert W1_names[0, 1] == "neurons[1].w[0]"
assert b1_names[1] == "neurons[1].b"
assert np.shares_memory(unpack(in_a_row)[0], in_a_row)
kinds = (W1_names.shape, b1_names.shape)
assert kinds == ((2, 3), (3,))
broadcast = program.source.replace("    assert target", "    # ")  # what the checks prevent
unchecked = {}
exec(broadcast, unchecked)
arguments = program.parameters(), np.array(inputs)
row = np.array(targets[0])
assert np.isfinite(unchecked["loss_and_gradient"](*arguments, row)[0])
try:
    written["loss_and_gradient"](*arguments, row)
    raise LookupError("a target of another shape was accepted")
except AssertionError:
    pass

# %% after by-the-book
assert np.allclose(dW1, by_program, rtol=1e-12)
assert np.allclose(dW1[1], -0.5 * dW1[0], rtol=1e-12)
assert 0.75 < abs(delta1[1]) / abs(delta1).sum() < 0.85
assert [f"{d:.3f}" for d in delta1] == ["-0.224", "-1.047", "0.002"]

# %% after scalar-graph
from micrograd_notes import topological_order as order_of

inner = order_of(one)
assert len(inner) == 57
assert [node.op.name for node in inner if node.op].count("tanh") == 3

# %% after pass-record
assert len(topological_order(one)) == 57
assert "record: 95 numbers" in passes[0]
assert "simplify: 83 are left" in passes[1]
assert "add(b1[0], %21, %22)" in passes[1]
assert left_to_right != right_to_left

# %% after pass-group
assert "g6: 6 x multiply(g0, g4)" in passes[2]
assert "g8: 3 x tanh(g7)" in passes[2]
assert 3 < numbers / arrays < 5

# %% after pass-arrange
assert passes[3].startswith("4. arrange: 13 lines")
assert "g7[n, 3] = x @ W1 + b1\n" in passes[3]

# %% after two-lines
first_of_forward, end_of_tape = "z1 = x @ W1 + b1  # (n, 3)", "dW1[...] = x.T @ dz1  # (2, 3)"
assert passes[0].rstrip().endswith("%94 = chain(%92, x[0])")
assert passes[1].rstrip().endswith("%82 = multiply(x[0], %80)")
assert "g6: 6 x multiply(g0, g4)" in passes[2] and "g7: 3 x add(g1, g6)" in passes[2]
assert "g21: 6 x multiply(g4, g20)" in passes[2]
assert "dW1[2, 3] = x.T @ g20\n" in passes[3]
assert first_of_forward in passes[4] and end_of_tape in passes[4]

# %% after shuffled
named_by_us = {"first": "W1.T", "second": "W2.T", "tanh": "hidden1", "total": "z1"}
named_by_us |= {"dtotal": "dz1"}
turned_too = []
for product in of_lists:
    left, right = (
        named_by_us.get(each.removesuffix(".T"), each.removesuffix(".T")) + each[-2:] * (".T" in each)
        for each in product.split(" @ ")
    )
    turned_over = f"{right}.T @ {left}.T"
    both = [f"{left} @ {right}", turned_over]
    turned_too.append({each.replace(".T.T.T", ".T").replace(".T.T", "") for each in both})
assert len(of_lists) == len(of_model) == 7
assert all(product in both for product, both in zip(of_model, turned_too, strict=True))
assert agree
assert all(number.grad != 0.0 for number in mixed_up)

# %% after hidden-from-it
products = [len(products_in(lifted.source)) for lifted in changes.values()]
assert products == [7, 7, 9]
assert changes["with a gap"].source.count("np.where(mask, ") == 2
assert lines_in(changes["with a relu"]) > lines_in(changes["unchanged"])
assert list(lines.values()) == [21, 21, 21]

# %% after frozen
assert (kinked(-2.0), replayed(-2.0)) == (-0.2, -2.0)

# %% after refusals
assert list(refused) == ["with_an_if", "with_data"]
try:
    lift(lambda x: max(w * x, 0.0), parameters=[w])([-4.0])
    raise AssertionError("Python's max was lifted")
except CannotLift:
    pass

# %% after speed
assert ratios[-1] > 500
assert ratios[-1] > 2 * ratios[0] > 20
assert len({lines_in(whole), 20}) == 1
assert sizes[-1] == 239421

# %% after pasted
assert f"{value:.6f}" == f"{by_scalars[0]:.6f}"
assert abs(weight_gradient - by_scalars[1][3]) < 1e-14
