# %% after thrice
assert (y.data, slope.data, bend.data, third.data) == (8.0, 12.0, 12.0, 6.0)

# %% after slope-graph
from micrograd_notes import topological_order

assert f"{y.data:.3f} {slope.data:.3f} {bend.data:.3f}" == "0.762 0.840 -2.559"
assert len(topological_order(slope)) == len(topological_order(y)) + 1  # one box for y, two for it
assert u in topological_order(y)
assert u in topological_order(slope)

# %% after parabola
assert at - slope.data / bend.data > bottom
assert f"{at - slope.data / bend.data:.2f} {bottom:.2f}" == "0.95 0.69"

# %% after newton-in-one
assert f"{log(2):.3f}" == "0.693"
assert f"{abs(newton[1] - log(2)):.2f}" == "0.25"
assert abs(newton[5] - log(2)) < 1e-12

# %% after map
assert off(by_newton[5]) < 1e-14
assert f"{off(by_descent[5]):.1f}" == "0.3"

# %% after errors
assert off(by_newton[5]) < 1e-8 < off(by_newton[4])
assert need == 81

# %% after tuned
assert (len(rates), len(settings) // len(rates)) == (16, 11)
assert (best_rate, best_pair) == (0.16, (0.16, 0.2))
assert [count for count, _, _ in rivals.values()] == [5, 81, 47, 22]
assert steps_of_descent(0.1) == 81
assert (with_table, with_slopes) == (399, 127)
assert (5 * with_table, 22 * with_slopes) == (1995, 2794)

# %% after perfect
# By hand: where all errors are zero, it is twice the sum of the products of the fit's slopes.
by_a = [exp(-0.7 * x) for x in XS]
by_b = [-2.0 * x * exp(-0.7 * x) for x in XS]
by_hand = [
    [2 * sum(p * q for p, q in zip(u, v, strict=True)) for v in (by_a, by_b)] for u in (by_a, by_b)
]
assert slopes == [0.0, 0.0]
assert all(abs(table[i][j] - by_hand[i][j]) < 1e-12 for i in range(2) for j in range(2))
assert f"{table[0][0]:.4f} {table[0][1]:.4f} {table[1][1]:.4f}" == "3.9133 -3.5028 8.6260"

# %% after skipping-engine
assert (bend_by(False, 2.0), bend_by(True, 2.0)) == (18.0, 0.0)
assert round(bend_by(False, 2.001), 9) == round(bend_by(True, 2.001), 9) == 18.0

# %% after astray
assert p * s - q * r < 0
assert f"{p:.1f} {q:.1f} {r:.1f} {s:.1f}" == "3.2 0.7 0.7 -0.9"
assert [f"{b:.1f}" for _, b in astray] == ["1.0", "3.2", "5.2", "7.2"]
assert f"{loss(*astray[0]):.2f} {loss(*astray[-1]):.2f}" == "2.46 3.67"
assert loss(*steady[-1]) < 1e-6
d, e = astray[1][0] - ASTRAY[0], astray[1][1] - ASTRAY[1]
flat = [u + p * d + q * e, v + r * d + s * e]  # the slopes of what Newton sees, where it goes
assert max(map(abs, flat)) < 1e-12

# %% after hundred-starts
assert newton_arrives.startswith("arrives from 78 of 100 starts, from 65 to 81 in ten draws")
assert momentum_arrives.startswith("arrives from 100 of 100 starts, from 95 to 100 in ten draws")
runaways = kinds[1][2]
assert all(b > 0.45 and a < 1.8 or b < 0.3 and a > 1.6 for a, b in runaways)  # two corners

# %% after guard
assert [f"{x:.2f}" for x in without[1:]] == ["-3.37", "38.44"]
assert f"{with_guard[1]:.2f}" == "-0.94"
lower = list(zip(map(bowl, with_guard), map(bowl, with_guard[1:]), strict=False))
assert all(after < before for before, after in lower)
halved = (without[1] - without[0]) / 2
assert abs(with_guard[1] - with_guard[0] - halved) < 1e-12  # once, and then never again
for before, after in zip(with_guard[1:], with_guard[2:], strict=False):
    slope, bend = slope_and_bend(bowl, before)
    assert after == before - slope / bend
assert "from 100 of 100 starts, from 98 to 100 in ten draws" in guarded_arrives, guarded_arrives
assert guarded_arrives.endswith("in 5 steps"), guarded_arrives
