"""Captions: formulas, and numbers in plain text.

The steps of the stepper call it, to write `s = w * x` and `2.0 * 0.5 = 1.0`. Read
`stepper/steps.py` next.
"""

from collections.abc import Sequence

from micrograd_notes.draw.text import short
from micrograd_notes.engine.op import Op

ROOT = "L"  # for loss: the name of a root without a name
_MOST_OPERANDS = 4  # that are written out, of an operation with any number of them


def written(number: float) -> str:
    """Returns the number as a formula shows it: about four digits, and a float looks like one.

    >>> written(2.0), written(0.0), written(-0.70710678), written(1.5e-7), written(float("nan"))
    ('2.0', '0', '-0.7071', '1.5e-7', 'nan')
    """
    digits = short(number)
    is_whole = digits.lstrip("-").isdigit() and number != 0
    return f"{digits}.0" if is_whole else digits


def factor(number: float) -> str:
    """Returns the number as a factor: a negative one is in parentheses.

    >>> factor(-2.0), factor(2.0)
    ('(-2.0)', '2.0')
    """
    digits = written(number)
    return f"({digits})" if digits.startswith("-") else digits


def formula(op: Op, operands: Sequence[str]) -> str:
    """Returns the operation on its operands, in the notation of its row: `a * b`, `tanh(a)`.

    >>> from micrograd_notes.engine import ops
    >>> formula(ops.multiply, ["a", "b"]), formula(ops.neg, ["a"]), formula(ops.relu, ["a"])
    ('a * b', '-a', 'ReLU(a)')
    """
    is_sign = not any(character.isalnum() for character in op.symbol)
    if is_sign and len(operands) == 2:
        return f"{operands[0]} {op.symbol} {operands[1]}"
    if is_sign and len(operands) == 1:
        return f"{op.symbol}{operands[0]}"
    listed = list(operands)
    if len(listed) > _MOST_OPERANDS:
        listed[_MOST_OPERANDS - 1 : -1] = ["…"]
    return f"{op.symbol if op.symbol.isidentifier() else op.name}({', '.join(listed)})"


def listed(names: Sequence[str], most: int = 4) -> str:
    """Returns the names as a sentence lists them: of many, the first few and the last.

    >>> listed(["a"]), listed(["a", "b", "c"]), listed(list("abcdefg"))
    ('a', 'a, b and c', 'a, b, c, … and g')
    """
    if len(names) > most:
        names = [*names[: most - 1], "…", names[-1]]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def figures(op: Op, numbers: Sequence[float], result: float) -> str:
    """Returns the operation on its numbers, and the result.

    >>> from micrograd_notes.engine import ops
    >>> figures(ops.multiply, [2.0, -3.0], -6.0)
    '2.0 * (-3.0) = -6.0'
    """
    spelled = factor if op.arity == 2 else written
    return f"{formula(op, [spelled(number) for number in numbers])} = {written(result)}"


def product_in_figures(
    partial: float, adjoint: float, contribution: float, before: float, total: float
) -> str:
    """Returns the chain rule in numbers, with the old and the new sum.

    >>> product_in_figures(2.0, 0.5, 1.0, before=0.0, total=1.0)
    '2.0 * 0.5 = 1.0 (0 → 1.0)'
    """
    terms = f"{factor(partial)} * {factor(adjoint)} = {written(contribution)}"
    return f"{terms} ({written(before)} → {written(total)})"
