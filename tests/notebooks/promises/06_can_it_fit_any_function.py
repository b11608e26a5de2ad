# %% after waves
assert f"{typical_error(ruler, waves):.2f}" == "0.54"

# %% after steps
assert tanh(50 * (1.1 - 1.0)) > 0.999

# %% after bump-picture
assert [round(bump(x), 3) for x in (-2.0, 0.0, 2.0)] == [0.0, 1.0, 0.0]

# %% after bump-stepper
assert math.isclose(x.grad, through_up + through_down)
assert f"{through_up:.2f} {through_down:.4f}" == "1.37 -0.0001"

# %% after staircase-errors
assert [f"{error:.3f}" for error in by_bumps.values()] == [
    "0.503",
    "0.267",
    "0.133",
    "0.066",
    "0.033",
]
assert len(MLP(1, [2 * 64, 1]).parameters()) == 385
assert all(1.95 < by_bumps[n] / by_bumps[2 * n] < 2.05 for n in (8, 16, 32))

# %% after widths
assert best == ["0.38", "0.30", "0.18", "0.07", "0.06"]
assert f"{by_width[16][1][0]:.2f} {by_bumps[16]:.3f}" == "0.10 0.133"

# %% after other-errors
assert f"{off_typically:.3f} {off_at_the_jump:.0f}" == "0.000 1"
assert [f"{error:.3f}" for error in errors["bell"]] == ["0.287", "0.004", "0.004"]
assert [f"{error:.3f}" for error in errors["corner"]] == ["0.724", "0.116", "0.032"]
assert [f"{error:.3f}" for error in errors["jump"]] == ["0.154", "0.154", "0.136"]

# %% after squares
assert [f"{error:.2f}" for error, _ in cannot.values()] == ["0.59", "0.54", "0.54"]

# %% after folds
assert once([0.75]).data == 2 * relu(0.75) - 4 * relu(0.25) == 0.5  # the tent, as a formula

# %% after tents
assert (count, len(deep.parameters()), bends) == (512, 61, 1023)
assert (neurons, 3 * neurons + 1) == (1024, 3073)

# %% after folds-learned
assert {f"{error:.2f}" for error in found} == {f"{off(lambda x: mean):.2f}"} == {"0.29"}
assert off(lambda x: two_tents([x])) == 0.0

# %% after depth
assert [len(MLP(1, [*hidden, 1]).parameters()) for hidden in ([11], [4, 4])] == [34, 33]
assert f"{by_layers['waves', 1][1]:.2f} {by_layers['waves', 2][1]:.2f}" == "0.09 0.27"
assert f"{by_layers['waves', 2][0]:.2f}" == "0.05"
assert f"{by_layers['jump', 1][1]:.2f} {by_layers['jump', 2][1]:.2f}" == "0.14 0.09"

# %% after outside
assert misses["tanh"] == "0.06 1.26"
assert misses["another tanh"].endswith("1.63")
assert misses["relu"].endswith("2.95")
assert misses["always 0"].endswith("0.81")

# %% after five-examples
assert f"{at_five:.3f} {typical_error(sparse, waves):.2f}" == "0.000 0.58"
