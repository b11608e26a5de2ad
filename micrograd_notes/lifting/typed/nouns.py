"""Nouns for arrays, by the expressions that compute them: a total, or the sum of another array.

`names.py` asks, where neither the learner's function nor another one has a name for the array.
"""

from typing import Any

from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import Expression, Line, Part, Read, Sum
from micrograd_notes.lifting.typed.picks import compared_in

NOUNS = {  # of functions, whose own names say what they do
    "add": "total", "subtract": "difference", "multiply": "product", "divide": "ratio",
    "ieee_divide": "ratio", "neg": "negative", "negative": "negative", "where": "chosen",
    "at_least": "larger", "at_most": "smaller", "greater": "is_greater", "equal": "is_equal",
    "pick": "picked", "maximum": "larger", "minimum": "smaller", "max": "largest",
    "min": "smallest", "exp": "exponentials", "exp_difference": "exponentials",
    "power_less": "power", "chain": "product", "plus": "total", "minus": "difference",
    "times": "product",
}
MADE = {
    Sum: "total", ex.Counting: "each", ex.Reshape: "reshaped", ex.Transpose: "turned",
    ex.Windows: "windows", ex.Padded: "padded",
}


def noun_of(value: Expression) -> str:
    """Returns the noun for an expression, whatever it is made of."""
    match value:
        case Read(ex.Constant() as constant) if constant.kind is ex.Kind.CONDITION:
            return "causal" if constant.where == "lower" else "mask"
        case Read(ex.Constant() as constant) if constant.counts:
            return "indices"
        case Read(ex.Constant() as constant):
            return "places" if constant.kind is ex.Kind.CHOICE else "K"
        case ex.Reduce(function) | ex.Apply(function):
            function = function.removeprefix("math.")
            return NOUNS.get(function, function)
    return MADE.get(type(value), "shared")


def made_of(value: Expression) -> tuple[str, Any] | None:
    """Returns the words for what is made of one array, with {} for its name, and that array.

    A mean is named without its array. None for anything else.
    """
    if (compared := compared_in(value)) is not None:
        return "{}_one_hot", compared[0][0]
    if isinstance(value, ex.Where) and isinstance(value.no, ex.Number):
        value = value.yes  # where a mask is
    words, of = "", value
    match value:
        case Sum():
            words = "{}_sum"
        case ex.Reduce(function):
            words = f"{{}}_{function}"
        case ex.Reshape(ex.Windows(), (_, _)):
            words = "{}_patches"
        case ex.Reshape(_, to):
            words = "{}_rows" if len(to) == 2 else "{}_split"
        case ex.Transpose():
            words = "{}"
        case ex.Windows():
            words = "{}_windows"
        case ex.Padded():
            words = "{}_padded"
        case ex.Inner(left, right) | ex.Apply("multiply", (left, right)) if left == right:
            words, of = "{}_squared", left
        case ex.Apply("multiply", (ex.Number(c), ex.Inner(left, _))) if left.shape[-1] == 1.0 / c:
            return "mean", None
        case ex.Apply("divide", (ex.Number(1.0), under)):
            words, of = "{}_inverse", under
        case ex.Apply("divide", (over, Read(Line(Sum(whole))) | Part(Read(Line(Sum(whole))), _))):
            is_share = _shown(over) == _shown(whole)
            words, of = ("{}_share", whole) if is_share else ("", over)
    source = _seen(of)
    return (words, source) if words and source is not None else None


def _shown(expression: Expression) -> Any:
    """Returns what an expression reads, also through a line that only moves it."""
    seen = _seen(expression)
    is_moved = isinstance(seen, Line) and isinstance(seen.value, ex.View)
    return _shown(seen.value) if is_moved else seen


def _seen(expression: Expression) -> Any:
    """Returns what an expression reads, if that is only moved, cut or added up; None otherwise."""
    return ex.source_of(expression, ex.View | ex.Padded | Sum | ex.Reduce)
