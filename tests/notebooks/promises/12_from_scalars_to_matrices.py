# %% after sums
assert table[2][1] == 7

# %% after product
assert (X @ W.T).tolist() == table
assert (X.shape, W.T.shape, (X @ W.T).shape) == ((4, 2), (2, 3), (4, 3))

# %% after lifted
assert len(by_arrays[1]) == 17
assert f"{by_arrays[0]:.6f}" == f"{by_scalars[0]:.6f}"
assert apart < 1e-14

# %% after show-source
assert len(products_in(program.source)) == 7

parameters = np.array([parameter.data for parameter in model.parameters()])
arrays_by_name = {}
exec(program.source, arrays_by_name)  # the table of names
first_weights, first_biases, second_weights, _ = arrays_by_name["unpack"](parameters)
hidden_layer, last_layer = model.layers
assert first_weights[1, 0] == hidden_layer.neurons[1].w[0].data
assert first_biases[1] == hidden_layer.neurons[1].b.data
assert second_weights[0, 2] == last_layer.neurons[0].w[2].data
assert "dsubtract = subtract * 2\n" in program.source
assert "dz1 = (dsubtract @ W2) * (1 / np.cosh(z1) ** 2)\n" in program.source

# %% after by-the-book
assert np.allclose(dW1, by_program, rtol=1e-12)
assert [f"{d:.3f}" for d in delta1] == ["-0.224", "-1.047", "0.002"]

# %% after scalar-graph
from micrograd_notes import topological_order as order_of

inner = order_of(one)
assert len(inner) == 57
assert [node.op.name for node in inner if node.op].count("tanh") == 3

# %% after pass-record
assert len(topological_order(one)) == 57
assert "record: 93 numbers" in passes[0]
assert "simplify: 82 are left" in passes[1]
assert "add(b1[0], %21, %22)" in passes[1]
assert left_to_right != right_to_left

# %% after pass-group
assert "g6: 6 x multiply(g0, g4)" in passes[2]
assert "g8: 3 x tanh(g7)" in passes[2]
assert 3 < numbers / arrays < 5

# %% after pass-arrange
assert passes[3].startswith("4. arrange: 13 lines")
assert "g7[n, 3] = g4 @ g0.T + g1" in passes[3]

# %% after shuffled
assert names_crossed_out(of_lists) == names_crossed_out(of_model)
assert len(of_lists) == 7
assert agree
assert all(number.grad != 0.0 for number in mixed_up)

# %% after hidden-from-it
assert len(products_in(with_a_gap.source)) == 6
assert "np.einsum" in with_a_gap.source
assert lines[4] < min(lines[2], lines[3])

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
