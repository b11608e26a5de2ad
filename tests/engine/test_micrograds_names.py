"""Names of micrograd's lecture that differ here are met with an error that says ours."""

from typing import Any

import pytest

from micrograd_notes import Value


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("label", "name"), ("_prev", "operands"), ("_op", "op"), ("_backward", "op.partials")],
)
def test_an_attribute_of_micrograds_is_refused_with_ours(theirs: str, ours: str) -> None:
    x: Any = Value(2.0)
    for ask in (lambda: getattr(x, theirs), lambda: setattr(x, theirs, "x")):
        with pytest.raises(AttributeError, match=f"micrograd's `{theirs}` is `{ours}` here"):
            ask()


@pytest.mark.parametrize(
    ("keyword", "advice"),
    [("label", "write name="), ("_children", r"write a \+ b"), ("_op", r"write a \+ b"),
     ("nmae", "nmae=$")],
)
def test_a_keyword_of_micrograds_is_refused_with_ours(keyword: str, advice: str) -> None:
    make: Any = Value
    with pytest.raises(TypeError, match=f"Value.. has data, name and requires_grad, got.*{advice}"):
        make(2.0, **{keyword: "x"})
