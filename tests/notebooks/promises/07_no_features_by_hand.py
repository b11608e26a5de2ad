# %% after line
assert f"{accuracy(line, new_circles):.2f}" == "0.52"

# %% after network
assert f"{knows:.2f} {accuracy(network, new_circles):.2f}" == "1.00 0.99"

# %% after six-numbers
assert len(sets["iris"]) == 2 * 75 == 150
assert (found["moons"], found["circles"]) == ("0.85 0.98", "0.46 0.96")
assert (found["xor"], found["spirals"]) == ("0.55 1.00", "0.45 0.95")
assert (found["iris"], found["digits"]) == ("0.97 0.93", "0.85 0.91")
assert round((shares["iris"][0] - shares["iris"][1]) * 75) == 3

# %% after how-many
assert [f"{ours:.2f}" for ours, _ in means.values()] == ["0.99", "1.00", "0.99", "1.00"]
assert [f"{found:.2f}" for _, found in means.values()] == ["0.85", "0.95", "0.96", "0.99"]

# %% after millimetres
assert f"{as_given:.2f} {standardized:.2f}" == "0.72 0.99"

# %% after film-numbers
assert best + 1 == 5
assert f"{first['validation_loss']:.2f} {first['validation_accuracy']:.2f}" == "0.44 0.81"
assert f"{last['loss']:.2f} {last['validation_loss']:.2f}" == "0.14 1.05"
assert f"{last['accuracy']:.2f} {last['validation_accuracy']:.2f}" == "0.93 0.71"
assert f"{accuracy(flat, noisy):.2f} {accuracy(flat, held_out):.2f}" == "0.77 0.79"

# %% after coins
assert f"{on_the_40:.2f} {on_others:.2f}" == "0.72 0.50"
