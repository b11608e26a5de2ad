# %% after patches
assert [f"{each[27, 28]:.2f}" for each in pairs.values()] == ["0.39", "0.05", "0.05"]
assert apart < 0.002

# %% after oriented
assert [(median(c), min(c), max(c)) for c in counts.values()] == [(0, 0, 1), (22, 20, 23), (1, 0, 3)]

# %% after faces
assert "{:.2f} {:.2f} {:.2f}".format(*from_pixels) == "1.00 0.50 0.28"

# %% after face-probes
middles = {
    key: " ".join(f"{median(column):.2f}" for column in zip(*found, strict=True))
    for key, found in readings.items()
}
assert middles[1, "trained"] == "1.00 1.00 1.00"
assert middles[1, "untrained"] == "0.97 0.65 0.35"
assert middles[2, "trained"] == "0.73 0.90 1.00"
assert middles[2, "untrained"] == "0.82 0.58 0.30"
assert f"{median(named):.3f}" == "0.999"

# %% after favourite-faces
assert [f"{median(found):.0f}" for found in alike.values()] == ["22", "46"]

# %% after never-seen
assert [f"{median(found):.2f}" for found in never_seen.values()] == ["0.99", "0.09"]
assert f"{np.bincount(asked[3]).max() / 700:.2f}" == "0.28"

# %% after weights
assert f"{median(scores):.2f} {accuracy(line, held_out):.2f}" == "0.92 0.86"

# %% after favourite-digits
assert [f"{median(found):.0f}" for found in liked.values()] == ["43", "48", "72", "87"]
assert max(liked["same digit, untrained"]) > min(liked["same digit, trained"])
assert max(liked["one parity, untrained"]) < min(liked["one parity, trained"])

# %% after products
assert f"{products[0]:.2f} {products.sum():.2f} {products.sum() + bias:.2f}" == "-1.90 -5.46 -5.17"
assert which_digit[500] == 8
assert min(range(8), key=lambda i: without[i]) == min(range(8), key=lambda i: same[i]) == 0
assert [f"{without[i]:.2f}" for i in (0, 6, 7)] == ["0.87", "0.91", "0.91"]
assert (same[0], same[6], same[7]) == (25, 89, 90)
assert f"{max(without):.2f}" == "0.94"
assert max(range(8), key=lambda i: abs(outgoing[i])) == 0
