# %% after one-step
assert (guess.data, loss.data, w.grad) == (2.0, 64.0, -32.0)

# %% after ten-steps
assert f"{weights[1]:.1f} {weights[-1]:.2f}" == "2.6 4.96"

# %% after four-rates
assert [round(1 - 8 * rate, 2) for rate in (0.01, 0.1, 0.24, 0.26)] == [0.92, 0.2, -0.92, -1.08]
assert losses == sorted(losses)  # that of 0.26, the last one, rises with each step
assert f"{curves['rate 0.01'][-1]:.3f}" == f"{curves['rate 0.24'][-1]:.3f}" == "0.508"

# %% after wrong-turn
assert f"{lowest:.1f} {highest:.1f}" == "0.8 9.2"

# %% after data
assert (len(train_set), len(held_out)) == (100, 300)

# %% after cross-entropy
slopes = {}
for name, of in losses_by_name.items():
    logit = Value(-5.0)
    of(logit).backward()
    slopes[name] = f"{logit.grad:.3f}"
assert slopes == {"cross-entropy": "-0.993", "squared error": "-0.013"}
assert f"{binary_cross_entropy_with_logits(0.0, 1):.3f}" == "0.693"
assert f"{binary_cross_entropy_with_logits(-5.0, 1):.3f}" == "5.007"
assert abs((1 + Value(0.3 / 2).tanh().data) / 2 - sigmoid(0.3)) < 1e-15

# %% after training-loop
from micrograd_notes import MLP, SGD, fit

ours, theirs = (MLP(2, [8, 1], activation="tanh", seed=0) for _ in range(2))
train(ours, train_set, rate=1.0, epochs=2)
options = {"epochs": 2, "batch_size": 10, "progress": False}
fit(theirs, train_set, optimizer=SGD(theirs.parameters(), lr=1.0), **options)
assert ours.state_dict() == theirs.state_dict()  # `fit` is our loop, to the last digit

# %% after film
assert len(network.parameters()) == 33
assert history["validation_loss"][-1] > 2 * history["loss"][-1]

# %% after after
assert f"{accuracy(linear, held_out):.2f} {accuracy(early, held_out):.2f}" == "0.87 0.87"
assert f"{accuracy(network, held_out):.2f} {right / len(held_out):.2f}" == "0.97 0.97"
assert accuracy(network, train_set) >= 0.99
assert f"{linear_losses[-1]:.2f} {history['loss'][-1]:.2f}" == "0.27 0.03"
assert abs(history["loss"][4] - linear_losses[4]) < 0.05
assert f"{history['loss'][4]:.1f} {linear_losses[4]:.1f}" == "0.3 0.3"

# %% after seeds
assert [f"{end(found['60 epochs']):.2f}" for end in (min, max)] == ["0.97", "0.98"]
assert [f"{end(found['120 epochs']):.2f}" for end in (min, max)] == ["0.95", "0.96"]
assert losses[1] < losses[0] / 2

# %% after whole-network-picture
order = sorted(range(8), key=lambda which: -abs(products[which]))
assert order[:3] == [3, 5, 0]
assert [f"{products[which]:+.2f}" for which in order[:3]] == ["-3.71", "+3.26", "+2.90"]
assert f"{1 - hidden(point)[3].data ** 2:.2f}" == "0.00"
assert min(without) == without[0]
assert f"{without[0]:.2f}" == "0.86"
assert all(abs(without[which] - accuracy(network, held_out)) < 0.01 for which in (2, 4, 6, 7))

# %% after trial-and-error
tried = MLP(2, [8, 1], activation="tanh", seed=3)
with_values = binary_cross_entropy_with_logits(
    [tried(point) for point in train_set.inputs], train_set.targets
)
assert abs(with_values.data - loss_on_training_set(numbers_of(tried))) < 1e-12
by_pushes = {name: losses for name, losses in by_trial.items() if name.startswith("pushes")}
assert sum(map(len, by_pushes.values())) == 40
assert {f"{median(losses):.2f}" for losses in by_pushes.values()} == {"0.19", "0.20", "0.22"}
assert all(median(losses) < linear_losses[-1] for losses in by_pushes.values())
assert f"{min(map(min, by_pushes.values())):.2f}" == "0.10"
assert f"{median(by_trial['gradients']):.2f} {max(by_trial['gradients']):.2f}" == "0.02 0.03"
assert f"{median(by_trial['300 pushes of 0.2']):.2f}" == "0.14"
at_once = [median(by_trial[f"all at once, rate {rate}"]) for rate in (1, 2, 4)]
assert [f"{loss:.2f}" for loss in at_once] == ["0.23", "0.17", "0.09"]

# %% after trials-by-size
assert f"{typical[32] / typical[8]:.1f} {typical[128] / typical[32]:.1f}" == "4.5 4.0"
assert [steps_to_the_bottom(size) for size in (8, 128)] == [11, 11]
