# %% after chain-by-nudging
assert (u, y, dy_du, du_dx * dy_du) == (3.0, 9.0, 6.0, 18.0)

# %% after neurons-in-a-row
assert f"{of_y / 0.4:.2f}" == "0.23"
assert min(arrows.values()) == 1 - y**2
assert f"{travelled:.4f}" == f"{ratio:.4f}" == "0.5224"

# %% after paths-picture
assert (u.data, v.data, y_of_paths.data) == (4.0, 5.0, 20.0)

# %% after paths-by-hand
assert sum(paths.values()) == 36
assert f"{ratio:.3f}" == "36.000"

# %% after count-paths
assert 300 < years < 400  # more than three centuries

# %% after sweep-by-hand
assert (gradient["u"], gradient["v"], gradient["x"]) == (9.0, 4.0, 36.0)

# %% after final-picture
assert (y_of_paths.grad, v.grad, u.grad, x_of_paths.grad) == (1.0, 4.0, 9.0, 36.0)

# %% after network-stepper
from micrograd_notes import sweep

assert [step.total for step in sweep(y_of_paths)] == [5.0, 4.0, 9.0, 18.0, 36.0]
assert [
    x.name for x in (x1, x2, h1, h2) if sum(step.operand is x for step in sweep(answer)) > 1
] == ["x1", "x2"]

# %% after cost
assert counted([8, 1]) == (8 * 3 + 9, 8 * 5 + 16, 88) == (33, 56, 88)
assert 33 * 56 == 1848
output = MLP(2, [8, 1], activation="tanh", seed=0)([1.0, -0.5])
assert sum(len(node.operands) for node in topological_order(output)) == 104 == 88 + 8 * 2
assert parameters * operations > 500 * arrows
assert 1.5 < 88 / 56 < arrows / operations < 2

# %% after fifty
assert (x.grad, steps) == (2**50, 100)

# %% after check-again-and-again
import math

for w, x in [(0.5, 1.0), (1.5, 0.1), (3.0, 0.1), (-2.0, 0.1)]:
    h, gradient, sizes = x, 1.0, []
    for _ in range(200):
        h = math.tanh(w * h)
        gradient *= w * (1 - h * h)
        sizes.append(abs(gradient))
    assert sizes[-1] < 1e-50  # it always dies away in the end
    assert (max(sizes) > 1) == (abs(w) > 1)  # and grows first if w is above 1
