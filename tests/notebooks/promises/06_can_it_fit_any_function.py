# %% after waves
assert f"{typical_error(ruler, waves):.2f}" == "0.54"

# %% after bump-picture
assert tanh(50 * (1.1 - 1.0)) > 0.999
assert [round(bump(x), 3) for x in (-2.0, 0.0, 2.0)] == [0.0, 1.0, 0.0]

# %% after staircase-errors
assert [f"{error:.3f}" for error in by_bumps.values()] == [
    "0.503",
    "0.267",
    "0.133",
    "0.066",
    "0.033",
]
assert all(1.95 < by_bumps[n] / by_bumps[2 * n] < 2.05 for n in (8, 16, 32))

# %% after joined-dots
assert f"{dots_off:.3f} {by_bumps[16]:.3f}" == "0.040 0.133"

# %% after widths-book
# Ten networks side by side learn as each of them learns alone.
alone = MLP(1, [1, 1], activation="tanh", seed=0)
alone_optimizer = Adam(alone.parameters(), lr=0.1)
for alone_rate in (0.1, 0.01):
    alone_optimizer.lr = alone_rate
    fit(
        alone,
        ([[x] for x in xs], list(map(waves, xs))),
        loss=mse_loss,
        optimizer=alone_optimizer,
        epochs=800,
        batch_size=31,
        progress=False,
        lifted=True,
    )
assert any(abs(typical_error(asked(alone), waves) - e) < 1e-6 for e in errors_of(by_width[1]))

# %% after widths
spread_of = {w: f"{errors_of(t)[0]:.3f} {errors_of(t)[-1]:.3f}" for w, t in by_width.items()}
assert spread_of[4] == "0.074 0.298"
assert spread_of[16] == "0.005 0.014"
assert errors_of(by_width[16])[-1] < dots_off < errors_of(by_relu)[0]
assert f"{errors_of(by_relu)[0]:.3f} {median(errors_of(by_relu)):.3f}" == "0.052 0.187"
# The widths differ most in the middle, and only with 8 and 16 does the middle one have the hill.
ranges = {width: errors_of(tried)[-1] - errors_of(tried)[0] for width, tried in by_width.items()}
assert max(ranges, key=ranges.get) == 4
hill_at = max(range(-30, -14), key=lambda i: waves(i / 10)) / 10
for width, tried in by_width.items():
    off_at_the_hill = abs(asked(tried[4][1])(hill_at).data - waves(hill_at))
    assert (off_at_the_hill < 0.03) == (width >= 8), (width, off_at_the_hill)

# %% after parts-book
assert abs(total(1.0) - network([1.0]).data) < 1e-12


def of_eight(x):
    return start + sum(part(x) for part in parts[:8])


assert typical_error(of_eight, waves, -3.0, -0.5) < 0.2 < typical_error(of_eight, waves, 1.0, 3.0)
assert abs(of_eight(1.0) - of_eight(3.0)) < 0.05
assert of_eight(0.2) > waves(0.2) + 0.2  # it overshoots

# %% after longer
said = ["0.111", "0.011", "0.010", "0.187", "0.132"]
assert [f"{median(found):.3f}" for found in groups.values()] == said
assert sum(error > dots_off for error in errors_of(patient_relu)) > 5
assert min(errors_of(hasty)) > dots_off

# %% after other-functions
assert [f"{median(found):.3f}" for found in errors.values()] == ["0.004", "0.086", "0.016"]
bells, corners, _ = errors.values()
assert f"{bells[-1]:.3f} {corners[-1]:.3f}" == "0.010 0.871"

# %% after jumps
assert [f"{typical:.4f}" for typical, _ in off.values()] == ["0.1598", "0.0416", "0.0000", "0.0000"]
assert {f"{largest:.0f}" for _, largest in off.values()} == {"1"}
# The zero is that of 201 places: with ever more of them, the root of the steepness.
fine = [i / 100000 for i in range(40000, 60001)]


def seen_finely(steepness):
    return sum((number(step(steepness, 0.5)(x)) - jump(x)) ** 2 for x in fine) ** 0.5


assert 9 < seen_finely(50) / seen_finely(5000) < 11

# %% after squares
for tried in cannot.values():
    assert {f"{error:.3f}" for error in errors_of(tried)} == {"0.539"}
    assert len(tried) == 10
assert f"{typical_error(parabola, waves):.3f}" == "0.539"

# %% after folds
assert folded(1)([0.75]).data == 2 * relu(0.75) - 4 * relu(0.25) == 0.5  # the tent, as a formula

# %% after tents
assert (count, len(deep.parameters()), bends) == (512, 61, 1023)
assert (neurons, 3 * neurons + 1) == (1024, 3073)

# %% after folds-learned
assert [sum(error < 0.01 for error in tried) for tried in found.values()] == [0, 4, 10, 10]
assert MLP(1, [2, 2, 1], activation="relu", seed=0).layers[0].neurons[0].b.data == 0.0

# %% after depth
assert [len(MLP(1, [*hidden, 1]).parameters()) for hidden in ([5, 5], [16])] == [46, 49]
assert f"{median(deep):.3f} {median(wide):.3f} {deep[-1]:.3f}" == "0.019 0.011 0.276"
assert deep[-2] < 0.1

# %% after outside
assert misses["tanh"] == ["1.13", "0.01", "1.18"]
assert misses["another tanh"] == ["1.20", "0.01", "1.30"]
assert (misses["relu"][0], misses["relu"][2]) == ("1.94", "4.51")
assert (misses["always 0"][0], misses["always 0"][2]) == ("0.80", "0.81")

# %% after few-examples
assert f"{at_five:.3f}" == "0.000"
middles = {count: f"{line:.2f} {median(found):.2f}" for count, (line, found) in table.items()}
assert middles == {5: "0.46 0.60", 9: "0.14 0.10", 13: "0.07 0.03"}

# %% after walls
assert {round(bump(x) + bump(y)) for x in (-2, 0, 2) for y in (-2, 0, 2)} == {0, 1, 2}
