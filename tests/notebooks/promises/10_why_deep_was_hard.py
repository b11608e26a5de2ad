# %% after chain
assert f"{x.grad:.4f}" == "0.0096"
assert f"{start.grad:.0e}" == "3e-07"

# %% after by-layer-picture
factors = {name: column[-1] / column[0] for name, column in sizes.items()}
assert f"{factors['sigmoid, plain']:.1e} {factors['sigmoid, times 4']:.1e}" == "7.6e+06 2.3e+03"
assert max(sizes["tanh, small"]) < 0.00001
assert max(sizes["tanh, well scaled"]) < 7 * min(sizes["tanh, well scaled"])
assert f"{factors['tanh, small']:.1f} {factors['tanh, well scaled']:.1f}" == "3.7 5.3"
assert f"{sizes['tanh, small'][-1]:.0e}" == "7e-06"

# %% after gains
assert f"{measured['sigmoid', 1.0][1]:.0e} {measured['sigmoid', 4.0][1]:.2g}" == "4e-12 0.00016"
assert f"{measured['sigmoid', 4.0][1] / measured['sigmoid', 1.0][1] / 1e7:.0f}" == "4"
chosen = {name: measured[name, TABLE[name].gain] for name in ACTIVATIONS}
assert all(1 / 4 < answers < 4 for answers, _ in chosen.values())
assert all(1 / 20.5 < back < 20 for name, (_, back) in chosen.items() if name != "sigmoid")
assert min(ACTIVATIONS, key=lambda name: measured[name, 1.0][1]) == "sigmoid"
assert 0.7 < measured["sigmoid", 1.0][0] < 1

# %% after spread
assert f"{spread_by['up to 0.2'][-1]:.6f}" == "0.000013"
assert [f"{spread_by['well scaled'][i]:.2f}" for i in (0, -1)] == ["0.79", "0.65"]
assert f"{spread_by['up to 3'][-1]:.2f}" == "0.89"
assert f"{through['up to 3']:.2f} {through['well scaled']:.2f}" == "0.16 0.57"

# %% after trained-deep, whose numbers depend on last bits
middles = [f"{median(found):.2f}" for found in moon_scores.values()]
assert middles.pop(3) in ("0.98", "0.99")
assert middles == ["0.50", "0.80", "0.50", "0.87", "0.98", "0.89", "0.98"]
in_part = moon_scores["sigmoid, times 4, SGD"]
assert f"{min(in_part):.2f} {max(in_part):.2f}" == "0.57 0.93"
assert {*moon_scores["sigmoid, plain, SGD"], *moon_scores["tanh, small, SGD"]} == {0.5}

# %% after trained-longer
assert {share for found in longer.values() for share in found} == {0.5}

# %% after thirty-layers
assert [f"{share:.1g}" for share, _ in thirty.values()] == ["1e-19", "0.4", "1"]
assert thirty["no skips"][1] == [0.5] * 3
assert {f"{score:.2f}" for score in thirty["skips"][1]} == {"0.89", "0.90"}
assert f"{median(thirty['skips'][1]):.2f} {line:.2f}" == "0.89 0.88"
assert [f"{score:.2f}" for score in thirty["around 0"][1]] == ["0.99", "0.93", "0.97"]
