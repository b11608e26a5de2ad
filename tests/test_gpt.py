"""The small GPT: lifted it is what it is eagerly, it learns, and what it draws is reproducible."""

import random
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes.gpt import GPT, Past, spell_cities, train  # noqa: E402
from micrograd_notes.lifting import lift  # noqa: E402
from micrograd_notes.nn.vectors import linear, rms_norm  # noqa: E402
from tests.lifting.test_networks import close, is_whole  # noqa: E402


def test_it_lifts_to_whole_array_operations_for_every_length() -> None:
    model = GPT("abcd", positions=5, width=4, heads=2, seed=1)
    program = lift(model.loss, model)
    generator = np.random.default_rng(0)
    for batch, length in ((1, 3), (2, 5), (3, 1)):
        tokens = generator.integers(0, 5, (batch, length + 1))
        close(program, model.loss, model.parameters(), tokens[:, :-1], tokens[:, 1:])
        assert is_whole(program.source)


def test_the_source_is_attention_as_a_book_has_it() -> None:
    model = GPT("abcd", positions=8, width=8, heads=2, seed=1)
    program = lift(model.loss, model)
    source = program.source_for([[0, 1, 2]], [[1, 2, 0]])
    assert "causal = np.tri(3, dtype=bool)" in source
    assert "position[:3] + embedding[tokens]" in source
    assert "softmax = exponentials / exponentials_sum[..., None]" in source
    assert "softmax * (dsoftmax - np.vecdot(softmax, dsoftmax)[..., None])" in source
    assert "dlogits = 1 / 3 * (logits_softmax - targets_one_hot)" in source
    assert source.count("causal") == 2  # made once, used once


def test_a_step_forward_goes_on_from_the_past() -> None:
    model = GPT("abcd", positions=8, width=8, heads=2, seed=1)
    tokens = model.tokens("cab")
    past: Past = ([], [], [])
    for token, logits in zip(tokens, model(tokens), strict=True):
        alone = model.next(token, past)
        assert [z.data for z in alone] == [z.data for z in logits]
    shares = past[2][-1]
    for head in shares:
        assert len(head) == len(tokens)
        assert sum(share.data for share in head) == pytest.approx(1.0, abs=4 * 2**-53)


def test_it_learns_and_what_it_invents_is_reproducible() -> None:
    model = GPT("ab", positions=6, width=4, heads=2, seed=0)
    losses = train(model, ["abab", "aaa", "bb"], steps=150)
    assert sum(losses[-15:]) < 0.5 * sum(losses[:15])
    assert model.invent(random.Random(1)) == model.invent(random.Random(1))
    drawn = {model.invent(random.Random(seed), temperature=0.3) for seed in range(20)}
    assert drawn & {"abab", "aaa", "bb"}


def test_what_it_invents_has_letters() -> None:
    model = GPT("a", positions=4, width=4, heads=2)  # the end is half as likely as not
    assert all(model.invent(random.Random(seed), temperature=1.0) for seed in range(20))


def test_rows() -> None:
    with pytest.raises(ValueError, match="argument 2 is longer"):
        linear([1.0, 2.0], [[1.0]])
    row = rms_norm([3.0, 4.0])
    assert sum(x * x for x in row) / 2 == pytest.approx(1.0, abs=1e-6)  # 1e-5 of 12.5


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda model: model([0] * 5), "tokens must have 1 to 4 items, got 5"),
        (lambda model: model([0, 3]), "token must be a whole number from 0 to 2, got 3"),
        (lambda model: model.loss([0, 1], [1]), "targets must have 2 items, as tokens, got 1"),
        (lambda model: model.invent(random.Random(0), 0.0), "temperature must be .*, 0.001 or m"),
        (lambda model: model.tokens("abc"), "text must consist of the letters 'ab', got 'abc'"),
        (lambda model: train(model, [], 1), "texts must hold one or more texts, got none"),
        (
            lambda model: train(model, ["ab"], 1, say=3),  # type: ignore[arg-type]
            "say must be a function of a text, got 3",
        ),
        (lambda model: spell_cities(say=3), "say must be a function"),  # type: ignore[arg-type]
        (lambda model: GPT("ab", width=6), "must be a multiple of heads, got width=6, heads=4"),
    ],
)
def test_what_it_can_not_learn_from_is_refused(wrong: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        wrong(GPT("ab", positions=4, width=4, heads=2))
