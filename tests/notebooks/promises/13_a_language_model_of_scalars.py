# %% after names
assert (len(data.city_names()), len(short), len(learn_from), len(tokens)) == (467, 314, 194, 29)

# %% after counting
assert f"{blind_guess:.2f} {exp(blind_guess):.1f}" == "3.37 29.0"
assert f"{letters_alone:.2f} {exp(letters_alone):.1f}" == "2.96 19.3"

# %% after bigrams
assert best_k == 20
assert f"{pairs_counted:.2f} {exp(pairs_counted):.1f}" == "2.76 15.8"
assert max(tokens, key=lambda letter: pair_chance(".q", letter)) == "t"

# %% after embedding
assert (len(moved), len(model.embedding), len(model.parameters())) == (5, 29, 1360)
assert f"{len(topological_order(one)):,}" == "13,066"
assert 3.3 < one.data < 3.4

# %% after norm
assert [round(number, 3) for number in rms_norm([6.0, 0.0])] == [1.414, 0.0]

# %% after by-hand
assert [f"{share:.2f}" for share in shares] == ["0.05", "0.89", "0.05"]
assert [f"{number:.2f}" for number in mean] == ["0.11", "0.95"]

# %% after attention-graph
assert query.grad > 0

# %% after lift
assert f"{lifted_loss:.6f}" == f"{one.data:.6f}"
assert "np.where(causal" in lines[first]

# %% after training
assert lowest[0] < 200
assert best_steps == 100

# %% after six-splits
assert f"{np.mean(table_losses):.2f} {np.mean(gpt_losses):.2f}" == "2.76 2.62"
assert f"{exp(np.mean(table_losses)):.1f} {exp(np.mean(gpt_losses)):.1f}" == "15.8 13.7"
assert all(gpt < pairs for gpt, pairs in zip(gpt_losses, table_losses, strict=True))

# %% after inventing
assert (fit_in, copied) == ([19, 46], [])

# %% after attention-picture
assert "tehran" in judge_by
assert f"{sharpness(model):.2f}" == "0.31"

# %% after blindfolded
assert f"{np.mean(blind_losses):.2f}" == "2.63"
assert abs(np.mean(blind_losses) - np.mean(gpt_losses)) < 0.01
assert f"{heart[0]:.1f} {heart[1]:.1f}" == "2.0 2.2"

# %% after placeless
assert f"{np.mean(placeless_losses):.2f}" == "2.75"

# %% after by-heart
assert len(copied) == 22
assert unseen > 4 > blind_guess

# %% after attention-by-heart
assert "prague" in learn_from
assert f"{sharpness(larger):.1f}" == "0.8"

# %% after temperatures
assert len(set(invented(model, 50, 0.1))) < 25 < len(set(invented(model, 50, 1.0))) == 50

# %% after check-by-place
assert f"{mean_loss(by_searching):.2f}" == "2.68"
