# %% after thrice
assert (y.data, slope.data, bend.data, third.data) == (8.0, 12.0, 12.0, 6.0)

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

# %% after perfect
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
