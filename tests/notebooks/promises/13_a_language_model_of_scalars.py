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
assert any("np.where(causal" in line and "/ 2" in line for line in lines[first : last + 1])

# %% after loop
def agrees_with_the_scalars(net, arrays):
    """Returns whether the program for names that are filled up finds what the engine finds."""
    names, parameters = ["ab", "abcdefgh"], net.parameters()
    by_arrays, gradient = arrays.value_and_grad(arrays.parameters(), *rows_of(names))
    net.zero_grad()
    by_scalars = sum(net.loss(*question_and_answer(name)) for name in names) / len(names)
    by_scalars.backward()
    slopes = [parameter.grad for parameter in parameters]
    net.zero_grad()
    return np.allclose([by_arrays, *gradient], [by_scalars.data, *slopes], rtol=1e-9, atol=1e-12)

# %% after training
assert agrees_with_the_scalars(model, program)
assert lowest[0] < 200
assert best_steps == 100

# %% after six-splits
assert f"{np.mean(pairs_losses):.2f} {np.mean(gpt_losses):.2f}" == "2.76 2.62"
assert f"{exp(np.mean(pairs_losses)):.1f} {exp(np.mean(gpt_losses)):.1f}" == "15.8 13.7"
assert all(gpt < pairs for gpt, pairs in zip(gpt_losses, pairs_losses, strict=True))

# %% after fair
assert f"{np.mean(fair_losses):.2f}" == "2.61"
for before in [".", ".s", ".sa", ".zurich"]:
    assert abs(sum(fair_table(before, letter) for letter in tokens) - 1) < 1e-9

# %% after blindfolded
assert agrees_with_the_scalars(blindfolded, blind_program)
assert f"{np.mean(blind_losses):.2f}" == "2.63"
assert abs(np.mean(blind_losses) - np.mean(gpt_losses)) < 0.01

# %% after by-heart
assert agrees_with_the_scalars(larger, larger_program)
assert {size: copied for size, (copied, _) in by_heart.items()} == {
    (8, 100): 0, (8, 1200): 0, (16, 100): 0, (16, 1200): 22,
}
assert f"{by_heart[16, 1200][1]:.2f}" == "7.17"
assert by_heart[16, 1200][1] > 2 * blind_guess
assert max(loss for (_, steps), (_, loss) in by_heart.items() if steps == 100) < by_heart[8, 1200][1]

# %% after first-names
assert (len(data.first_names()), len(learn_first)) == (5163, 3896)
assert f"{curve[1][1] - curve[2][1]:.2f} {curve[2][1]:.2f}" == "0.02 2.05"
assert f"{curve[2][1] - curve[2][0]:.2f}" == "0.19"
assert curve[0][1] > curve[1][1] > curve[2][1]
assert len(larger.parameters()) == 4256

# %% after writing
assert (len(sixty), len(known), len(copied)) == (60, 15, 14)
assert {"lena", "lisa"} <= {*copied}
new = {*sixty} - {*known}
assert len(new) == 45
assert {"henella", "beriania", "lissony", "deelina", "lourette", "corgale"} <= new
assert {"kerg", "britnha"} <= new

# %% after ladder
assert agrees_with_the_scalars(eyes_shut, eyes_shut_program)
gpt, blind = (f"GPT{words}, 2000 steps" for words in ("", ", blindfolded"))
for count in range(4):
    together = sum(by_last(learn_first, count)(".ma", letter) for letter in tokens)
    assert abs(together - 1) < 1e-9
ends = with_ends(by_last(learn_first, 2), learn_first)
assert abs(sum(ends(".ma", letter) for letter in tokens) - 1) < 1e-9
assert [f"{means[what]:.2f}" for what in best] == ["2.09", "2.14", "2.03", "2.01"]
pairs_of_losses = zip(found[gpt], found["quadruples"], strict=True)
assert all(loss > table for loss, table in pairs_of_losses)
assert f"{means[gpt] - means['quadruples']:.2f}" == "0.03"
assert f"{means[blind] - means[gpt]:.2f}" == "0.11"
assert [f"{by_steps[steps]:.3f}" for steps in (2000, 4000)] == ["2.066", "2.062"]
assert f"{found['quadruples'][0]:.3f}" == "2.038"
pairs_of_losses = zip(found[gpt], found[blind], strict=True)
assert all(seeing < blindfold for seeing, blindfold in pairs_of_losses)
longer = [surprise(by_last(learn_first, count), choose_first) for count in (3, 4, 5)]
assert f"{longer[0] - longer[1]:.2f}" == "0.02"
assert longer[2] > longer[1]
for count in (1, 2, 3):  # ends help pairs and triples, and k = 16 is a good choice
    table = by_last(learn_first, count)
    helps = surprise(with_ends(table, learn_first), choose_first) < surprise(table, choose_first)
    assert helps == (count < 3)
    losses = [surprise(by_last(learn_first, count, k), choose_first) for k in (4, 16, 64)]
    assert losses[1] < min(losses) + 0.001

def half(before, letter):
    return (ends(before, letter) + quadruples(before, letter)) / 2


def cheated(before, letter):
    return max(ends(before, letter), quadruples(before, letter))


quadruples = by_last(learn_first, 3)  # what the solution of exercise 4 says of these tables
mixtures = [half, ends, quadruples, cheated]
assert [f"{surprise(table, judge_first):.3f}" for table in mixtures] == [
    "2.028", "2.108", "2.038", "1.880",
]
assert f"{sum(cheated('.ma', letter) for letter in tokens):.3f}" == "1.119"

# %% after attention-picture
assert "athena" in judge_first
heads = looks(larger, "athena")
assert min(heads[4][0][3], heads[6][0][5]) > 0.98
assert heads[5][2][0] > 0.9

# %% after temperatures
highest = [max(next_chances(larger, "ma", temperature)) for temperature in temperatures]
assert highest[0] > highest[1] > highest[2]
