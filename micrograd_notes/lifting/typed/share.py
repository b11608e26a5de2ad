"""An expression that is needed twice gets one line before both, and what nothing needs goes.

`emit.py` calls `shared`. A line counts as its expression, so that a line which repeats an earlier
one goes, and its readers read that one. No expression has a side effect.

For example, softmax and its loss both need the exponentials:

    loss = (top + np.log(np.exp(z - top).sum(-1)))     exp = np.exp(z - top)
    share = np.exp(z - top) / np.exp(z - top).sum(-1)  exp_sum = exp.sum(-1)
                                                       loss = top + np.log(exp_sum)
                                                       share = exp / exp_sum
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from micrograd_notes.lifting.typed.expressions import (
    Apply,
    Count,
    Expression,
    Kind,
    Line,
    MatMul,
    Number,
    Part,
    Program,
    Read,
    Reshape,
    Sum,
    Total,
    Transpose,
    View,
    Where,
    total,
)


def shared(program: Program) -> Program:
    """Returns the program without repeated and unneeded lines."""
    sharer = _Sharer(program)
    for line in program.lines:
        sharer.add(line)
    result = sharer.moved(program.result)
    return with_plain_conditions(_needed(Program(program.grouping, sharer.lines, result)))


class _Sharer:
    """Rebuilds expressions from the lines so far.

    `numbers` has the same number for equal expressions, with lines written out.
    """

    def __init__(self, program: Program) -> None:
        self.lines: list[Line] = []
        self._numbers: dict[object, int] = {}
        self._number_of_line: dict[Line, int] = {}
        self._line_of: dict[int, Line] = {}
        uses: Counter[int] = Counter()
        seen: set[int] = set()
        for line in program.lines:
            self._number_of_line[line] = self._count(line.value, uses, seen)
        self._count(program.result, uses, seen)
        self._repeated = {number for number, count in uses.items() if count > 1}

    def _count(self, expression: Expression, uses: Counter[int], seen: set[int]) -> int:
        """Returns the number of an expression, and counts each operand of a new one as a use."""
        number = self._number(expression)
        uses[number] += 1
        if number not in seen:
            seen.add(number)
            for operand in expression.operands:
                self._count(operand, uses, seen)
        return number

    def _number(self, expression: Expression) -> int:
        if isinstance(expression, Read) and isinstance(expression.source, Line):
            return self._number_of_line[expression.source]
        key: object = expression
        if expression.operands:
            inside = tuple(map(self._number, expression.operands))
            key = (type(expression), expression.with_operands([_NOTHING] * len(inside)), inside)
        return self._numbers.setdefault(key, len(self._numbers))

    def add(self, line: Line) -> None:
        """Adds a line, unless an earlier one has its expression."""
        number = self._number_of_line[line]
        if line.derivative_of is not None:
            line.value = self.moved(line.value)
            self.lines.append(line)
        elif number not in self._line_of:
            value = self._inside(line.value)
            if isinstance(value, Read) and isinstance(value.source, Line):
                self._line_of[number] = value.source
                return
            line.value = value
            self._line_of[number] = line
            self.lines.append(line)

    def moved(self, expression: Expression) -> Expression:
        """Returns the expression, with a line to read for each part that is repeated."""
        number = self._number(expression)
        if number not in self._line_of:
            inside = self._inside(expression)
            if number not in self._repeated or not _is_worth_a_line(expression):
                return inside
            self._line_of[number] = Line(inside)
            self.lines.append(self._line_of[number])
        return Read(self._line_of[number])

    def _inside(self, expression: Expression) -> Expression:
        return expression.with_operands([*map(self.moved, expression.operands)])


_NOTHING = Number(0.0)


def _is_worth_a_line(expression: Expression) -> bool:
    """Returns whether it takes work to compute, or a call to write."""
    if isinstance(expression, Transpose):
        return expression.order != (1, 0)
    return not isinstance(expression, Read | Number | Count | Part)


def _needed(program: Program) -> Program:
    """Returns the program without lines that no result needs."""
    results = [line.value for line in program.lines if line.derivative_of]
    needed = reached([program.result, *results])
    lines = [line for line in program.lines if line.derivative_of or line in needed]
    return Program(program.grouping, lines, program.result)


def reached(roots: Iterable[Expression]) -> set[Line]:
    """Returns the lines that expressions read, and those that these lines read."""
    found: set[Line] = set()
    waiting = list(roots)
    while waiting:
        for line in waiting.pop().lines():
            if line not in found:
                found.add(line)
                waiting.append(line.value)
    return found


# ---- conditions ----------------------------------------------------------------------------------


def condition_of(expression: Expression) -> Expression | None:
    """Returns the c of where(c, 1, 0); None for anything else."""
    if not isinstance(expression, Where) or expression.condition.kind is not Kind.CONDITION:
        return None
    is_flag = (expression.yes, expression.no) == (Number(1.0), Number(0.0))
    return expression.condition if is_flag else None


def with_plain_conditions(program: Program) -> Program:
    """Returns the program with c for where(c, 1, 0) as a factor, or taken from a number.

    There, NumPy counts True as 1. One of two factors stays a number.
    """
    flags = {line: c for line in program.lines if (c := condition_of(line.value)) is not None}
    for expression in [program.result, *[line.value for line in program.lines]]:
        if (line := _viewed(expression)) in flags:
            del flags[line]
        for parent in expression.walk():
            for place, operand in enumerate(parent.operands):
                line = _viewed(operand)
                if line in flags and not _takes_conditions(parent, place, flags):
                    del flags[line]
    for line in program.lines:
        line.value = flags[line] if line in flags else plain(line.value, flags)
    return Program(program.grouping, program.lines, plain(program.result, flags))


def plain(
    expression: Expression,
    flags: Mapping[Line, Expression] = MappingProxyType({}),
    may_be_one: bool = False,
) -> Any:
    """Returns an expression with conditions where they do instead of numbers.

    `flags` are lines that become conditions, and `may_be_one` says whether the reader of this
    expression takes a condition.
    """
    operands = []
    for place, operand in enumerate(expression.operands):
        takes = _takes_conditions(expression, place, flags)
        if isinstance(expression, View):
            takes = place == 0 and may_be_one
        condition = condition_of(operand) if takes else None
        operands.append(plain(operand if condition is None else condition, flags, takes))
    made = expression.with_operands(operands)
    if isinstance(made, Total):
        first, *rest = total([*map(_with_sign_first, made.of)]).operands
        is_float = not _is_flag(first, flags) and not _is_whole(first)
        return Total((first, *map(_taken_away, rest))) if is_float else made
    if isinstance(made, Apply) and made.function == "multiply":
        left, right = made.of
        if isinstance(right, Number) and not isinstance(left, Number):
            return Apply("multiply", (right, left))
        return _with_condition_last(made, flags)
    return made


def _with_sign_first(term: Expression) -> Expression:
    """Returns -(a * b) for -a * b, and -(a.sum()) for (-a).sum(): no bit of the numbers changes."""
    if isinstance(term, View | Sum) or _is(term, "multiply", "divide"):
        inside = [_with_sign_first(operand) for operand in term.operands]
        plain = [each.operands[0] if _is(each, "negative") else each for each in inside]
        is_negative = [_is(each, "negative") for each in inside].count(True) % 2 == 1
        moved = term.with_operands(plain)
        return Apply("negative", (moved,)) if is_negative else moved
    return term


def _is(expression: Expression, *functions: str) -> bool:
    return isinstance(expression, Apply) and expression.function in functions


def _taken_away(term: Expression) -> Expression:
    """Returns -c for -where(c, 1, 0), after other terms: x - c."""
    condition = condition_of(term.operands[0]) if _is(term, "negative") else None
    return term if condition is None else Apply("negative", (condition,))


def _with_condition_last(made: Apply, flags: Mapping[Line, Expression]) -> Expression:
    """Returns x * c for c * x, and -x * c for x * -where(c, 1, 0)."""
    left, right = made.of
    for one, other in ((left, right), (right, left)):
        if one.kind is Kind.CONDITION and other.kind is not Kind.CONDITION:
            return Apply("multiply", (other, one))
        condition = condition_of(one.operands[0]) if _is(one, "negative") else None
        if condition is not None and not _is_flag(other, flags):
            return Apply("multiply", (Apply("negative", (other,)), condition))
    return made


def _viewed(expression: Expression) -> Line | None:
    """Returns the line of an array that is only reshaped, transposed or indexed."""
    while isinstance(expression, Reshape | Transpose | Part):
        expression = expression.of
    source = expression.source if isinstance(expression, Read) else None
    return source if isinstance(source, Line) else None


def _is_flag(expression: Expression, flags: Mapping[Line, Expression]) -> bool:
    """Returns whether an expression is, or may become, a condition."""
    while isinstance(expression, View) or _is(expression, "negative"):
        expression = expression.operands[0]
    is_one = expression.kind is Kind.CONDITION or condition_of(expression) is not None
    return is_one or _viewed(expression) in flags


def _takes_conditions(parent: Expression, place: int, flags: Mapping[Line, Expression]) -> bool:
    """Returns whether an operand may be a condition instead of a number."""
    if isinstance(parent, Reshape | Transpose | Part | Where):
        return place == 0
    function = parent.function if isinstance(parent, Apply) else ""
    is_taken = function in ("multiply", "divide") or (function, place) == ("subtract", 1)
    if isinstance(parent, MatMul) or is_taken:
        other = parent.operands[1 - place]
        return not _is_flag(other, flags) and not _is_whole(other)
    return False


def _is_whole(expression: Expression) -> bool:
    """Returns whether it is a whole number, with which a condition would make whole numbers."""
    return isinstance(expression, Number) and expression.value % 1 == 0
