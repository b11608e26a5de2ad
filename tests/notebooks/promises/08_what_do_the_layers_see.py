# %% after linear
assert f"{min(ink[d] for d in (0, 4, 6, 8)):.2f} {max(ink[1::2]):.2f}" == "0.67 0.34"
assert linear.layers[0].neurons[0].w[8 * 5 + 2].data < -2
assert (len(learn), len(held_out)) == (500, 1297)
assert f"{accuracy(linear, held_out):.2f}" == "0.86"

# %% after weights-numbers
assert f"{share:.2f} {alike_before:.2f} {alike(network):.2f}" == "0.92 0.06 0.38"

# %% after favourite-numbers
assert (kinds[7], kinds[6], kinds[4]) == ((1, 90, 90), (4, 89, 1), (3, 55, 100))
assert (kinds[5], [shown[i] for i in orders[5][:100]].count(1)) == ((6, 59, 22), 22)
assert [shown[i] for i in orders[3][-10:]] == [4] * 10

# %% after untrained-favourites
assert [max(counts) for counts in most.values()] == [78, 90]
assert [f"{sum(counts) / 8:.0f}" for counts in most.values()] == ["49", "55"]

# %% after probes
assert [f"{x:.2f}" for x in pixels] == ["0.87", "0.90"]
assert [f"{x:.2f} {y:.2f}" for x, y in knows["trained"]] == ["0.92 0.76", "0.93 0.54"]
assert [f"{x:.2f} {y:.2f}" for x, y in knows["untrained"]] == ["0.79 0.71", "0.78 0.64"]
assert round(500 * more) == 4
assert f"{share:.2f} {accuracy(deep, held_out):.2f}" == "0.92 0.93"

# %% after whole-picture
assert f"{which_digit[500]} {logit:+.1f}" == "8 -5.2"

# %% after check-knocked-out
assert " ".join(right_without(neuron) for neuron in range(8)) == left
