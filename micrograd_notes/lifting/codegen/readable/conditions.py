"""Conditions where NumPy takes them for 0 and 1, and products and sums as people write them.

In the typed program, a condition never stands for a number. Here it does, as a factor, or where it
is taken from a number:

    np.where(z > 0, 1.0, 0.0) * dhidden    ->  dhidden * (z > 0)
    dhidden * -np.where(z > 0, 1.0, 0.0)   ->  -dhidden * (z > 0)
    p - np.where(y == indices, 1.0, 0.0)   ->  p - (y == indices)
    p + -z * dlosses                       ->  p - z * dlosses

`printable.py` calls `with_plain_conditions`, and `plain` once more after lines have moved.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import Expression, Line, Program
from micrograd_notes.lifting.typed.picks import is_flag


def condition_of(expression: Expression) -> Expression | None:
    """Returns the c of where(c, 1, 0); None for anything else."""
    if not is_flag(expression) or expression.condition.kind is not ex.Kind.CONDITION:
        return None
    return expression.condition


def with_plain_conditions(program: Program) -> Program:
    """Returns the program with c for where(c, 1, 0) as a factor, or taken from a number.

    There, NumPy counts True as 1. One of two factors stays a number.
    """
    lines = list(ex.lines_of(program.steps))
    own = [line for line in lines if (line.target, line.again) == (None, None)]
    flags = {line: c for line in own if (c := condition_of(line.value)) is not None}
    for line in lines:
        flags.pop(line.again, None)  # type: ignore[arg-type]  # it changes in a loop
    for expression in [program.result, *[line.value for line in lines]]:
        flags.pop(_viewed(expression), None)  # type: ignore[arg-type]
        for parent in expression.walk():
            for place, operand in enumerate(parent.operands):
                seen = _viewed(operand)
                if seen in flags and not _takes_conditions(parent, place, flags):
                    del flags[seen]
    for line in lines:
        line.value = flags[line] if line in flags else plain(line.value, flags)
    program.result = plain(program.result, flags)
    return program


def plain(
    expression: Expression, flags: Mapping[Line, Expression] = MappingProxyType({}),
    may_be_one: bool = False,
) -> Any:
    """Returns an expression with conditions where they do instead of numbers.

    `flags` are lines that become conditions, and `may_be_one` says whether the reader of this
    expression takes a condition.
    """
    operands = []
    for place, operand in enumerate(expression.operands):
        takes = _takes_conditions(expression, place, flags)
        if isinstance(expression, ex.View):
            takes = place == 0 and may_be_one
        condition = condition_of(operand) if takes else None
        operands.append(plain(operand if condition is None else condition, flags, takes))
    made = expression.with_operands(operands)
    if isinstance(made, ex.Total):
        made = ex.total(_reshaped_at_once(made.of))
    if isinstance(made, ex.Total):
        first, *rest = ex.total([*map(_with_sign_first, made.of)]).operands
        is_float = not _is_flag(first, flags) and not _is_whole(first)
        return ex.Total((first, *map(_taken_away, rest))) if is_float else made
    if isinstance(made, ex.Apply) and made.function == "multiply":
        left, right = made.of
        for one, other in ((left, right), (right, left)):
            if _is(one, "divide") and one.operands[0] == ex.Number(1.0):
                return ex.Apply("divide", (other, one.operands[1]))
        if isinstance(right, ex.Number) and not isinstance(left, ex.Number):
            left, right = right, left
        return _with_condition_last(ex.Apply("multiply", (left, right)), flags)
    return made


def _reshaped_at_once(terms: Sequence[Expression]) -> list[Expression]:
    """Returns the terms of a sum with (a + b).reshape(2, 3) for two that are reshaped alike."""
    alike: dict[Any, list[Expression]] = {}
    for term in terms:
        kind = (term.of.shape, term.to) if isinstance(term, ex.Reshape) else len(alike)
        alike.setdefault(kind, []).append(term)
    return [
        each[0] if len(each) == 1 else
        ex.Reshape(ex.total([term.operands[0] for term in each]), each[0].shape)
        for each in alike.values()
    ]


def _with_sign_first(term: Expression) -> Expression:
    """Returns -(a * b) for -a * b, and -(a.sum()) for (-a).sum(): no bit of the numbers changes."""
    if isinstance(term, ex.View | ex.Sum) or _is(term, "multiply", "divide"):
        inside = [_with_sign_first(operand) for operand in term.operands]
        plain = [each.operands[0] if _is(each, "negative") else each for each in inside]
        is_negative = [_is(each, "negative") for each in inside].count(True) % 2 == 1
        moved = term.with_operands(plain)
        return ex.Apply("negative", (moved,)) if is_negative else moved
    return term


def _is(expression: Expression, *functions: str) -> bool:
    return isinstance(expression, ex.Apply) and expression.function in functions


def _taken_away(term: Expression) -> Expression:
    """Returns -c for -where(c, 1, 0), after other terms: x - c."""
    condition = condition_of(term.operands[0]) if _is(term, "negative") else None
    return term if condition is None else ex.Apply("negative", (condition,))


def _with_condition_last(made: ex.Apply, flags: Mapping[Line, Expression]) -> Expression:
    """Returns x * c for c * x, and -x * c for x * -where(c, 1, 0)."""
    left, right = made.of
    for one, other in ((left, right), (right, left)):
        if one.kind is ex.Kind.CONDITION and other.kind is not ex.Kind.CONDITION:
            return ex.Apply("multiply", (other, one))
        sign, of = (-1.0, one.operands[0]) if _is(one, "negative") else (1.0, one)
        condition = condition_of(of) if sign < 0.0 else None
        if condition is not None and not _is_flag(other, flags):
            return ex.Apply("multiply", (ex.Apply("negative", (other,)), condition))
        match of:  # x * (0.2 * c)
            case ex.Apply("multiply", (ex.Number(size), condition)) if (
                condition.kind is ex.Kind.CONDITION and not _is_flag(other, flags)
            ):
                scaled = ex.Apply("multiply", (ex.Number(sign * size), other))
                return ex.Apply("multiply", (scaled, condition))
    return made


def _viewed(expression: Expression) -> Line | None:
    """Returns the line of an array that is only reshaped, transposed or indexed."""
    source = ex.source_of(expression, ex.Reshape | ex.Transpose | ex.Part)
    return source if isinstance(source, Line) else None


def _is_flag(expression: Expression, flags: Mapping[Line, Expression]) -> bool:
    """Returns whether an expression is, or may become, a condition."""
    while isinstance(expression, ex.View) or _is(expression, "negative"):
        expression = expression.operands[0]
    is_one = expression.kind is ex.Kind.CONDITION or condition_of(expression) is not None
    return is_one or _viewed(expression) in flags


def _takes_conditions(parent: Expression, place: int, flags: Mapping[Line, Expression]) -> bool:
    """Returns whether an operand may be a condition instead of a number."""
    if isinstance(parent, ex.Reshape | ex.Transpose | ex.Part | ex.Where):
        return place == 0
    function = parent.function if isinstance(parent, ex.Apply) else ""
    is_taken = function in ("multiply", "divide") or (function, place) == ("subtract", 1)
    if isinstance(parent, ex.MatMul) or is_taken:
        other = parent.operands[1 - place]
        return not _is_flag(other, flags) and not _is_whole(other)
    return False


def _is_whole(expression: Expression) -> bool:
    """Returns whether it is a whole number, with which a condition would make whole numbers."""
    return isinstance(expression, ex.Number) and expression.value % 1 == 0
