# %% after file
assert len(bottles) == 178
assert len(rows[140:]) == 38

# %% after reading
assert read().startswith("refused: wine.csv, line ")

# %% after leak
medians = {name: f"{median(found):.3f}" for name, found in right.items()}
assert [*medians.values()] == ["0.986", "0.871", "0.971"]

# %% after unscaled
assert history_as_given["loss"][-1] > math.log(3)
assert history["loss"][-1] < 0.01

# %% after diagnosis
assert [finding.fault for finding in findings] == [
    "data that are not scaled",
    "saturated units",
    "gradients that vanish",
    "a loss at the level of chance",
]
assert "proline" in findings[0].evidence
assert "16 of 16 units" in findings[1].evidence

# %% after compared
assert [f"{median(each):.3f}" for each in found.values()][1:] == ["0.971", "0.971", "0.371"]
assert median(found["network, as given"]) < 0.7  # which run ends where, the last bits decide
assert min(found["network, as given"]) <= found["laziest"][0]
assert 10 * len(held_out) == 350

# %% after confusion
grignolino = names.index("Grignolino")
assert all(grignolino in pair for pair in mistakes)
assert len(mistakes) == 12

# %% after train-command
network, linear, laziest = [line.split()[-1] for line in report.splitlines()[2:5]]
assert float(linear) < float(network)
assert "diagnosis" not in report

# %% after next-weeks-bottles
assert in_python == given
assert hits == 38
