# %% after valley
assert (round(1 - 0.09 * 1, 2), round(1 - 0.09 * 20, 2)) == (0.91, -0.8)
assert f"{valley(*plain[-1]):.3f}" == "0.028"

# %% after valley-rates
assert {round(abs(b), 9) for _, b in walk(descent(0.1))} == {1.0}  # back and forth
assert valley(*walk(descent(0.11))[-1]) > 1000 * valley(-4.0, 1.0)

# %% after momentum-paths
assert heights == ["0.028", "3.9e-08", "0.64"]

# %% after three-ways
assert (best["Adam"], best["gradient descent"]) == (0.2, 0.09)
assert f"{valley(*walk(ways['Adam'](0.2))[-1]):.1g}" == "0.1"
assert f"{valley(*walk(descent(0.09))[-1]):.2g}" == "0.028"

# %% after steeper
assert [name for name in differences if differences[name] < 1e-6] == ["Adam"]

# %% after adam
typical = {name.split(",")[0]: f"{median(losses):.3f}" for name, losses in after_20.items()}
assert typical == {"Adam": "0.025", "momentum 0.9": "0.057", "gradient descent": "0.081"}
ends = {name: f"{each[0]:.2f} {each[-1]:.2f}" for name, each in held_out_after_20.items()}
assert [name.split(", ")[1] for name in after_20] == ["2.0", "0.2", "0.2"]
assert ends["gradient descent"] == "0.95 0.96"
assert (ends["momentum 0.9"], ends["Adam"]) == ("0.97 0.98", "0.95 0.97")

# %% after network-rates
assert counts == {0.01: (10, 0), 1.0: (10, 10), 30.0: (0, 0)}
assert all(min(losses) > 1 for _, losses in runs[30.0])
assert all(share < 0.9 for share in shares[0.01])  # the straight line gets 0.87

# %% after saturated
assert max(through[30.0]) < 0.01
assert not runs_away
from micrograd_notes import binary_cross_entropy_with_logits

logits, slopes = [-40.0, -1.0, 0.0, 1.0, 40.0], []
for number in logits:
    logit = Value(number)
    binary_cross_entropy_with_logits(logit, 1).backward()
    slopes.append(abs(logit.grad))
assert max(slopes) <= 1

# %% after check-with-few-neurons
shares = {
    hidden: [with_few_neurons_by_hand(hidden, seed) for seed in range(10)] for hidden in (2, 3, 4)
}
assert max(shares[2]) < 0.914
assert sum(share > 0.965 for share in shares[3]) == 7
assert {f"{share:.2f}" for share in shares[3] if share <= 0.965} == {"0.87", "0.88"}
assert min(shares[4]) > 0.965
