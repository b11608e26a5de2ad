# %% after one-step
assert (guess.data, loss.data, w.grad) == (2.0, 16.0, -16.0)

# %% after ten-steps
assert f"{weights[1]:.1f} {weights[-1]:.2f}" == "1.8 2.98"

# %% after four-rates
assert [round(1 - 8 * rate, 2) for rate in (0.01, 0.1, 0.24, 0.26)] == [0.92, 0.2, -0.92, -1.08]
assert losses == sorted(losses)  # that of 0.26, the last one, rises with each step
assert f"{curves['rate 0.01'][-1]:.3f}" == f"{curves['rate 0.24'][-1]:.3f}" == "0.127"

# %% after wrong-turn
assert f"{lowest:.1f} {highest:.1f}" == "0.9 5.1"

# %% after data
assert (len(train_set), len(held_out)) == (100, 300)

# %% after cross-entropy
assert f"{binary_cross_entropy_with_logits(0.0, 1):.3f}" == "0.693"
assert f"{binary_cross_entropy_with_logits(-5.0, 1):.3f}" == "5.007"

# %% after linear-model
assert f"{accuracy(linear, held_out):.2f}" == "0.87"

# %% after before
assert len(network.parameters()) == 33
assert f"{accuracy(network, train_set):.2f}" == "0.74"

# %% after early
assert f"{accuracy(early, held_out):.2f}" == "0.87"

# %% after curve
assert f"{linear_losses[-1]:.2f} {network_losses[-1]:.2f}" == "0.27 0.03"

# %% after after
assert f"{learned:.2f} {unseen:.2f}" == "0.99 0.97"

# %% after seeds
assert f"{min(found):.2f} {max(found):.2f}" == "0.97 0.98"

# %% after trial-and-error
assert f"{min(by_trial.values()):.2f} {loss:.2f}" == "0.18 0.03"
assert max(by_trial.values()) < linear_losses[-1]

# %% after trials-by-size
assert (typical[8], typical[32], typical[128]) == (75, 380, 1406)
assert f"{typical[32] / typical[8]:.1f} {typical[128] / typical[32]:.1f}" == "5.1 3.7"

# %% after fit
assert all(a.data == b.data for a, b in pairs)

# %% after lifted
assert farthest < 1e-12

# %% after valley
assert (round(1 - 0.09 * 1, 2), round(1 - 0.09 * 20, 2)) == (0.91, -0.8)
assert f"{valley(*plain[-1]):.4f}" == "0.0279"

# %% after three-ways
assert heights == ["0.028", "3.9e-08", "0.43", "0.64"]

# %% after adam
assert f"{accuracy(with_adam, held_out):.2f}" == "0.96"

# %% after film-numbers
assert f"{mean_size(0, 'weights', 'layers[1]'):.2f}" == "0.52"
assert f"{mean_size(39, 'weights', 'layers[1]'):.2f}" == "2.21"

# %% after network-rates
assert f"{accuracy(trained[0.01], held_out):.2f}" == "0.86"
assert min(curves["rate 30"]) > 1

# %% after saturated
assert through < 0.001  # for a rate of 30, the last one
assert max(abs(answer) for answer in answers) <= 1
