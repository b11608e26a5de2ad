# %% after nudges
assert f"{abs(central(math.sin, 0.75, 0.01) - truth):.1e}" == "1.2e-05"
assert f"{abs(central(math.sin, 0.75, 0.001) - truth):.1e}" == "1.2e-07"
assert f"{abs(central(math.sin, 0.75, 0.00000000000001) - truth):.1e}" == "4.5e-03"

# %% after u-curve
assert f"{abs(error):.0e} {step:.0e}" == "1e-12 5e-06"

# %% after usual-check
assert f"{central(lazy, 12.0, 1e-6):.0e}" == "6e-06"
assert passes

# %% after ladder
assert abs(estimate.slope - truth) < estimate.error < 1e-12
assert (len(places), kept, len(claims)) == (61, 305, 305)

# %% after gradcheck
assert str(found.verdict) == "WRONG RULE"
assert f"{found.inputs[0].numeric:.2g}" == "6.1e-06"

# %% after textbook
assert str(found.verdict) == "INACCURATE"
assert found.inputs[0].engine == 0.0
assert f"{found.inputs[0].numeric:.2g}" == "1.7e-17"
assert 1.0 - 0.1 * found.inputs[0].numeric == 1.0

# %% after across-a-kink
assert [f"{central(abs, 0.001, h):.2f}" for h in (0.0005, 0.003, 0.01)] == ["1.00", "0.33", "0.10"]

# %% after kink-verdicts
assert str(cancelled.verdict) == "INTERIOR KINK"
assert (cancelled.inputs[0].engine, cancelled.inputs[0].numeric) == (0.0, 1.0)
from micrograd_notes import MLP

assert all(p.data == 0.0 for p in MLP(2, [3], seed=0).parameters()[2::3])  # biases begin at 0

# %% after wrong-rule
assert str(check_operation(bad).verdict) == "WRONG RULE"
assert gradcheck(bad, 0.0).verdict.fails is False

# %% after opcheck
assert str(check_operation(softsign).verdict) == "VALUE UNCHECKED"

# %% after all-verdicts
met = {"PASS", "INACCURATE", "WRONG RULE", "KINK", "INTERIOR KINK", "VALUE UNCHECKED"}
assert met < set(map(str, Verdict))

# %% after shrunk
assert (max(first), set(last)) == (8, {2})
leaf = Value(0.0)
assert pushed_too_early(smallest(leaf), [leaf]) == [6.0]
smallest(leaf).backward()
assert leaf.grad == 4.0
for single in (lambda x, y: x + x, lambda x, y: x * x, lambda x, y: x * y, lambda x, y: tanh(x)):
    pair = [Value(0.75), Value(-0.5)]
    single(*pair).backward()
    assert pushed_too_early(single(*pair), pair) == [leaf.grad for leaf in pair]

# %% after dual
assert (y.data, y.slope) == (12.0, 7.0)

# %% after both-roads
assert len(leaves) == 33
assert farthest < 1e-15

# %% after witnesses
blind_spots = {
    "control: softsign": [],
    "1 wrong rule": ["nudges", "fifty digits"],
    "2 lost digits": ["fifty digits"],
    "3 wrong traversal": ["nudges", "fifty digits", "forward"],
    "4 the same, faintly": ["fifty digits", "forward"],
}
for case, finders in blind_spots.items():
    assert [name for name in witnesses if found_by[case, name]] == finders, case
assert f"{by_forward_mode(bad, 0.75)[0]:.4f}" == f"{by_backward(bad, 0.75):.4f}" == "0.5714"
