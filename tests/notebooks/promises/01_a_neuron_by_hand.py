# %% after weighted-sum
assert s == 0.5

# %% after activation
assert f"{tanh(0.5):.4f}" == "0.4621"
assert 30 * w1 + x2 * w2 + b == 14.5

# %% after plane
assert answers == [1, 1, 1, -1, -1]
assert f"{verdict(days[0]):.4f}" == "0.4621"

# %% after picture-before
assert (len(picture.view.boxes), len(picture.view.arrows)) == (10, 9)

# %% after nudges
assert max(ratios, key=ratios.get) == "w1"
assert f"{ratios['w1']:.2f}" == "1.56"
assert [name for name in ratios if ratios[name] < 0] == ["x2"]

# %% after backward
assert f"{w1.grad:.4f}" == "1.5729"

# %% after smaller-nudges
assert all(9 < misses[i] / misses[i + 1] < 11 for i in range(3))

# %% after picture-after
assert [box.name for box in picture.view.boxes if box.grad.high < 0] == ["x2"]

# %% after gradients-by-hand
assert f"{s.grad:.4f}" == f"{through_tanh:.4f}" == "0.7864"
assert f"{w1.grad:.4f}" == f"{through_tanh * x1.data:.4f}" == "1.5729"
assert f"{x2.grad:.4f}" == f"{through_tanh * w2.data:.4f}" == "-1.1797"
assert y.grad == 1.0
assert b.grad == s.grad

# %% after promises
assert f"{keener(1.0):.4f}" == "0.9999"
assert promised > 3.7

# %% after curve
assert f"{1 - tanh(4.0) ** 2:.4f}" == "0.0013"

# %% after influence
assert influence[0.0] == 0.0
assert f"{influence[0.5]:.4f} {influence[1.0]:.4f}" == "0.3932 0.1807"
assert influence[4.0] < 0.0001

# %% after without-sun
assert f"{2 * influence[4.0]:.4f}" == "0.0000"
assert fall[4.0] == max(fall.values())
assert tanh(2.0 * 4.0 - 0.5) > 0.99 and tanh(-0.5) < 0  # from a sure yes to a no
assert fall[1.0] > fall[0.5]
assert influence[1.0] < influence[0.5]
