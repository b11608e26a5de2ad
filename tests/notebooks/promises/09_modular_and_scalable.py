# %% after exclusive
assert len(Exclusive(seed=0).parameters()) == 9

# %% after train-parts
assert (shares.count(1.0), shares.index(min(shares))) == (7, 7)

# %% after parity
assert len(tree.parameters()) == 9

# %% after whole-task-networks
assert all(a == 1.0 and b < 0.35 for a, b in networks)
assert [f"{a:.2f}" for a, _ in trees] == ["0.66", "0.69", "0.69"]
assert all(b < 0.5 for _, b in trees)

# %% after widths
assert means == ["0.53", "0.87", "0.92", "0.95"]
assert gains == [0.34, 0.05, 0.03]

# %% after five-layers
assert means == ["0.95", "0.96", "0.96", "0.90"]
assert [f"{share:.2f}" for share in by_depth[5][1]] == ["0.96", "0.75", "0.97"]
assert losses == ["0.13", "0.05", "0.04", "0.14"]

# %% after folds
assert (counts[6] - 1, 2**10 - 1, 2 * 10) == (63, 1023, 20)  # bends: 6 folds, and 10
assert counts == {1: 2, 2: 4, 3: 8, 4: 16, 5: 32, 6: 64}

# %% after fold-learned
assert f"{baseline:.3f}" == "0.088"
assert by_hand == 0.0
assert all(0.080 < error < 0.0885 for found in errors.values() for error in found)

# %% after chain
assert f"{x.grad:.4f}" == "0.0096"
assert f"{start.grad:.0e}" == "3e-07"

# %% after by-layer-picture
assert 1e6 < sizes["sigmoid"][-1] / sizes["sigmoid"][0] < 2e6
assert max(sizes["tanh, small weights"]) < 0.00005
assert 5 < sizes["tanh, suited weights"][-1] / sizes["tanh, suited weights"][0] < 10

# %% after spread
assert f"{factor:.2f} {factor**10:.5f}" == "0.33 0.00001"
assert f"{spread_by['up to 0.2'][0]:.1f}" == "0.2"
assert f"{spread_by['up to 0.2'][-1]:.5f}" == "0.00002"
assert (f"{spread_by['suited'][0]:.1f}", f"{spread_by['suited'][-1]:.1f}") == ("0.8", "0.8")
assert f"{through['suited']:.2f} {through['up to 3']:.2f}" == "0.40 0.17"

# %% after trained-deep
assert moon_scores["sigmoid"] == moon_scores["tanh, small weights"] == [0.5, 0.5]
assert min(moon_scores["tanh, suited weights"]) > 0.9

# %% after check-with-skips
assert plain[-1] < 1e-7 < 1 < skipped[-1]
