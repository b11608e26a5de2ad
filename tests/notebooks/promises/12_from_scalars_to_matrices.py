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

# %% after by-the-book
assert np.allclose(dW1, by_program, rtol=1e-12)
assert [f"{d:.3f}" for d in delta1] == ["-0.224", "-1.047", "0.002"]

# %% after pass-record
assert len(topological_order(one)) == 57
assert 80 < int(re.search(r"record: (\d+)", passes[0])[1]) < 100

# %% after pass-simplify
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

# %% after frozen
assert (kinked(-2.0), replayed(-2.0)) == (-0.2, -2.0)

# %% after refusals
assert list(refused) == ["with_an_if", "with_max", "with_data"]

# %% after speed
assert slow / fast > 1000
assert times[0][0] / times[0][1] > 20
assert sizes[-1] == 239421

# %% after pasted
assert f"{value:.6f}" == f"{by_scalars[0]:.6f}"
assert abs(weight_gradient - by_scalars[1][3]) < 1e-14
