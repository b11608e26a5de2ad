# %% after chain-by-nudging
assert (u, y, dy_du, du_dx * dy_du) == (6.0, 36.0, 12.0, 36.0)

# %% after neurons-in-a-row
assert min(arrows.values()) == 1 - y**2
assert f"{travelled:.4f}" == f"{nudged:.4f}" == "0.5224"

# %% after paths-picture
assert (u.data, v.data, y_of_paths.data) == (4.0, 5.0, 20.0)

# %% after paths-by-hand
assert sum(paths.values()) == 36
assert f"{nudged:.3f}" == "36.000"

# %% after count-paths
assert f"{2**50 / 1e6 / 60 / 60 / 24 / 365:.1f}" == "35.7"

# %% after sweep-by-hand
assert (gradient["u"], gradient["v"], gradient["x"]) == (9.0, 4.0, 36.0)

# %% after sweep
assert totals == [5.0, 4.0, 9.0, 18.0, 36.0]

# %% after final-picture
assert (y_of_paths.grad, v.grad, u.grad, x_of_paths.grad) == (1.0, 4.0, 9.0, 36.0)

# %% after network-stepper
assert [
    x.name for x in (x1, x2, h1, h2) if sum(step.operand is x for step in sweep(answer)) > 1
] == ["x1", "x2"]

# %% after cost
assert (parameters, operations) == (8 * 3 + 9, 8 * 5 + 16) == (33, 56)
assert (parameters * operations, arrows) == (1848, 88)
assert sum(len(node.operands) for node in topological_order(output)) == 104 == 88 + 8 * 2

# %% after fifty
assert (x.grad, steps) == (2**50, 100)
