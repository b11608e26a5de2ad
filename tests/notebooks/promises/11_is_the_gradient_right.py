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

# %% after gradcheck
assert str(found.verdict) == "WRONG RULE"
assert f"{found.inputs[0].numeric:.2g}" == "6.1e-06"

# %% after textbook
assert str(found.verdict) == "INACCURATE"
assert found.inputs[0].engine == 0.0
assert f"{found.inputs[0].numeric:.2g}" == "1.7e-17"

# %% after across-a-kink
assert f"{central(abs, 0.001, 0.01):.3f}" == "0.100"

# %% after kink-verdicts
assert str(cancelled.verdict) == "INTERIOR KINK"
assert (cancelled.inputs[0].engine, cancelled.inputs[0].numeric) == (0.0, 1.0)

# %% after wrong-rule
assert str(check_operation(bad).verdict) == "WRONG RULE"
assert gradcheck(bad, 0.0).verdict.fails is False

# %% after opcheck
assert str(check_operation(softsign).verdict) == "VALUE UNCHECKED"

# %% after shrunk
assert len(smallest.instructions) == len(smallest.inputs) == 1

# %% after dual
assert (y.data, y.slope) == (12.0, 7.0)

# %% after both-roads
assert len(weights) == 33
assert farthest < 1e-15

# %% after work-counted
assert work[1] == (33, 90, 2970)
