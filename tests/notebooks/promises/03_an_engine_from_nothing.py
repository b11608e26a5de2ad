# %% after push-once
assert (a.grad, b.grad) == (3.0, 2.0)

# %% after wrong-turn-1
assert (a.grad, b.grad, c.grad) == (3.0, 2.0, 1.0)
assert x.grad == 56.0

# %% after stepper-wrong-order
assert (u.data, v.data, y.data) == (4.0, 5.0, 20.0)

# %% after wrong-turn-1b
assert x.grad == 20.0

# %% after topological-order
assert [node.data for node in topological_order(y)] == [2.0, 4.0, 1.0, 5.0, 20.0]
assert (y.operands[0].grad, x.grad) == (9.0, 36.0)  # u and x

# %% after neuron-again
assert f"{w1.grad:.4f} {x2.grad:.4f}" == "1.5729 -1.1797"
assert x.grad == 36.0

# %% after wrong-turn-2
assert x.grad == 8.0

# %% after wrong-turn-3
assert (v.grad, u.grad, 2 * 2 * u.grad) == (8.0, 22.0, 88.0)
assert x.grad == 36.0 + 88.0 == 124.0

# %% after fixed
assert x.grad == 72.0

# %% after sin
assert f"{x.grad:.6f}" == f"{math.cos(1) + math.sin(1):.6f}"

# %% after wrong-turn-4
assert outcome == "RecursionError"
assert x.grad == 1.0

# %% after package-engine
assert slopes == {"reference": 36.0, "fast": 36.0}

# %% after agreement
assert f"{farthest:.0e}" == "4e-15"  # 14 zeros after the point
