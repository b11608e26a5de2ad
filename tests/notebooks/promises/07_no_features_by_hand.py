# %% after line
assert f"{accuracy(line, new_circles):.2f}" == "0.52"

# %% after network
assert f"{knows:.2f} {accuracy(network, new_circles):.2f}" == "1.00 0.99"

# %% after lines-numbers
rounded = {count: [f"{share:.2f}" for share in found] for count, found in enclosing.items()}
assert (rounded[2][0], rounded[2][-1]) == ("0.74", "0.76")
assert rounded[3] == ["0.76", "0.94", "0.94", "0.94", "0.94"]
assert set(rounded[16]) == {"0.99"}
assert (rounded[4][0], rounded[4][-1]) == ("0.94", "0.97")

# %% after far-away
assert far[2] == far[10] == [60] * 10
assert [sum(count == 60 for count in far[distance]) for distance in (100, 1000)] == [4, 0]
assert min(far[1000]) == 31
far_answers = [y.data for y in ten[0].layers[0]([600.0, 800.0])]
assert all(1 - y * y < 0.001 for y in far_answers)

# %% after six-numbers
means = {name: f"{mean(lines[name]):.2f} {mean(networks[name]):.2f}" for name in sets}
assert (means["circles"], means["xor"]) == ("0.49 0.99", "0.50 1.00")
assert (means["spirals"], means["moons"]) == ("0.46 0.95", "0.88 0.98")
assert (means["digits"], means["iris"]) == ("0.84 0.93", "0.96 0.94")
assert leads["iris"][-1] <= 0 < leads["moons"][0]
assert leads["digits"][0] > 0
assert len(sets["iris"]) == 150

# %% after how-many
middles = {name: f"{median(found):.3f}" for name, found in right.items()}
assert middles == {
    "by hand, 10": "0.998",
    "network, 10": "0.831",
    "network, 20": "0.955",
    "network, 80": "0.986",
}
ten_examples = right["network, 10"]
assert f"{min(ten_examples):.3f} {max(ten_examples):.3f}" == "0.765 0.880"
twenty = right["network, 20"]
assert f"{min(twenty):.3f} {max(twenty):.3f}" == "0.850 0.975"
assert f"{min(told):.3f}" == "0.975"

# %% after millimetres
ends = {name: f"{found[0]:.2f} {found[-1]:.2f}" for name, found in held_out.items()}
assert ends["as given", "network"] == "0.72 0.72"
assert ends["standardized", "network"] == "0.99 0.99"
assert ends["as given", "linear model"] == "0.73 0.83"
assert f"{flat['as given']:.2f}" == "0.98"

# %% after film-numbers
assert best + 1 == 5
assert f"{first['validation_loss']:.2f} {first['validation_accuracy']:.2f}" == "0.44 0.81"
assert f"{last['loss']:.2f} {last['validation_loss']:.2f}" == "0.14 1.05"
assert f"{last['accuracy']:.2f} {last['validation_accuracy']:.2f}" == "0.93 0.71"
assert f"{accuracy(flat, noisy):.2f} {accuracy(flat, held_out):.2f}" == "0.77 0.79"

# %% after ten-samples
assert (turned_at.count(5), max(turned_at), len(turned_at)) == (5, 102, 10)
assert (sank, below) == (8, 7)
assert (f"{mean(by_heart):.2f}", by_heart.count(1.0)) == ("0.97", 6)
assert f"{mean(when_best):.2f} {mean(at_the_end):.2f}" == "0.84 0.82"

# %% after coins
assert f"{on_the_40:.2f} {on_others:.2f}" == "0.72 0.50"
