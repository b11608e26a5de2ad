# %% after by-hand
for pair, target in zip(PAIRS, DIFFER, strict=True):
    answer = and_so([either(pair), not_both(pair)]).data
    assert (answer > 0) == (target > 0)
    assert abs(answer) > 0.98

# %% after train-parts
assert shares.count(1.0) == 13
assert f"{max(abs(p.grad) for p in last.parameters()):.3f}" == "0.005"
assert len(last.parameters()) == 9
assert min(shares) == 0.5

# %% after parity
assert [found.count(1.0) for found in grown.values()] == [13, 12, 12, 12]
assert f"{weakest[worst]:.2f} {min(others):.2f}" == "0.58 0.85"
assert len(trees) == 13
assert len(tree.parameters()) == 9
assert all((trees[worst](pair).data > 0) == (y > 0) for pair, y in zip(PAIRS, DIFFER, strict=True))

# %% after tree-picture
assert odd.data > 0.9

# %% after whole-task-networks
assert all(a == 1.0 for a, _ in networks)
rest = [b for _, b in networks]
assert f"{median(rest):.2f} {min(rest):.2f} {max(rest):.2f}" == "0.39 0.25 0.56"
assert share_right(tree, *halves(0)[1]) == 1.0

# %% after trees, whose numbers depend on last bits
assert 1 <= solved <= 6  # two to four, in eleven runs that began a last bit apart
assert median(b for _, b in held if b < 1) <= 0.5

# %% after widths
widths_end = {name: median(looks[-1] for _, looks in found) for name, found in by_width.items()}
assert [f"{share:.2f}" for share in widths_end.values()] == ["0.62", "0.81", "0.97"]
assert [len(found[0][0].parameters()) for found in by_width.values()] == [9, 33, 97]

# %% after depths, whose numbers depend on last bits
early, late = ({name: f"{ys[EPOCHS.index(when)]:.2f}" for name, ys in looks.items()}
               for when in (100, 500))
assert [*early.values()][:3] == ["0.68", "0.93", "0.91"]
assert [*late.values()][:2] == ["0.97", "0.96"]
assert 0.915 <= float(late["6+6+6"]) <= 0.945  # 0.92 to 0.94 in eleven runs
five = looks["4+4+4+4+4"]  # they go up and down a little
assert 0.57 < min(five) < max(five) < 0.75
assert abs(five[-1] - five[0]) < 0.1
assert all(95 <= len(found[0][0].parameters()) <= 110 for found in by_depth.values())

# %% after boundaries, whose numbers depend on last bits
assert max(ends["4+4+4+4+4"]) < median(ends["24"])  # at most 0.91 and at least 0.97
