"""An expression that is needed twice gets one line before both, and what nothing needs goes.

`ready.py` calls `shared`. A line counts as its expression, so that a line which repeats an earlier
one goes, and its readers read that one. No expression has a side effect.

For example, softmax and its loss both need the exponentials:

    loss = (top + np.log(np.exp(z - top).sum(-1)))     exp = np.exp(z - top)
    share = np.exp(z - top) / np.exp(z - top).sum(-1)  exp_sum = exp.sum(-1)
                                                       loss = top + np.log(exp_sum)
                                                       share = exp / exp_sum
"""

from collections import Counter
from collections.abc import Iterable, Set

from micrograd_notes.lifting.trace.tape import Start
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import Expression, Line, Program


def shared(program: Program) -> Program:
    """Returns the program without repeated and unneeded lines; `ready` drops the `alive` ones."""
    sharer = _Sharer(program)
    for line in program.lines:
        sharer.add(line)
    result = sharer.moved(program.result)
    grouping = program.grouping
    alive = {grouping.group_of[k] for k in grouping.recording.alive}
    last = [sharer.moved(ex.Read(line)) for line in program.lines if line.group in alive]
    needed = reached([result, *last, *[line.value for line in sharer.lines if line.derivative_of]])
    lines = [line for line in sharer.lines if line.derivative_of or line in needed]
    return Program(grouping, lines, result)


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
        self._starts, seen = starts_of(program), set[int]()
        grouping = program.grouping
        self._passed = {grouping.group_of[k] for k in grouping.recording.tape.passed}
        for line in program.lines:
            if line in self._starts or line.group in self._passed:
                self._number_of_line[line] = self._numbers.setdefault(line, len(self._numbers))
            else:
                self._number_of_line[line] = self._count(line.value, uses, seen)
        self._count(program.result, uses, seen)
        self._repeated = {number for number, count in uses.items() if count > 1}

    def _count(self, expression: Expression, uses: Counter[int], seen: set[int]) -> int:
        """Returns the number of an expression, and counts each operand of a new one as a use.

        So it does of one that gets no line: what is read again as W.reshape(12, 3).T is the shape.
        """
        number = self._number(expression)
        uses[number] += 1
        if number not in seen or not _is_worth_a_line(expression):
            seen.add(number)
            for operand in expression.operands:
                self._count(operand, uses, seen)
        return number

    def _number(self, expression: Expression) -> int:
        if isinstance(expression, ex.Read) and isinstance(expression.source, Line):
            return self._number_of_line[expression.source]
        if expression not in self._numbers:
            inside = tuple(map(self._number, expression.operands))
            key = type(expression), expression.with_operands([_NOTHING] * len(inside)), inside
            self._numbers[expression] = self._numbers.setdefault(key, len(self._numbers))
        return self._numbers[expression]

    def add(self, line: Line) -> None:
        """Adds a line, unless an earlier one has its expression."""
        number = self._number_of_line[line]
        if line.derivative_of is not None:
            line.value = self.moved(line.value)
            self.lines.append(line)
        elif number not in self._line_of:
            is_copy = isinstance(line.value, ex.Read)  # of a line that may be gone
            line.value = (self.moved if is_copy else self._inside)(line.value)
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
        return ex.Read(self._line_of[number])

    def _number_of(self, operand: Expression) -> Expression:
        """Returns the number that a line repeats, unless a loop changes it; others as they are."""
        match operand:
            case ex.Read(Line(ex.Spread(ex.Number() as number, _)) as line) if (
                line not in self._starts
            ):
                return number
        return operand

    def _inside(self, expression: Expression) -> Expression:
        made = expression.with_operands([*map(self.moved, expression.operands)])
        if isinstance(made, ex.Apply | ex.Total | ex.Where):  # they repeat a number
            alone = made.with_operands([*map(self._number_of, made.operands)])
            return alone if alone.shape == made.shape else made
        return made


_NOTHING = ex.Number(0.0)


def _is_worth_a_line(expression: Expression) -> bool:
    """Returns whether it takes work to compute, or a call to write."""
    if isinstance(expression, ex.Transpose):
        return expression.order != (1, 0)
    if isinstance(expression, ex.Apply) and all(isinstance(e, ex.Number) for e in expression.of):
        return False  # or steps with equal numbers of a schedule would read one line
    return not isinstance(expression, ex.Read | ex.Number | ex.Count | ex.Part)


def reached(roots: Iterable[Expression], known: Set[Line] = frozenset()) -> set[Line]:
    """Returns the lines that expressions read, and those that these lines read.

    `known` lines are returned, too, and what they read is among them.
    """
    found = {*known}
    waiting = list(roots)
    while waiting:
        for line in waiting.pop().lines():
            if line not in found:
                found.add(line)
                waiting.append(line.value)
    return found


def starts_of(program: Program) -> dict[Line, int]:
    """Returns the lines of what recurrences start with, and how many steps these have."""
    groups = program.grouping.groups
    made = [(line, groups[line.group].op) for line in program.lines if line.group is not None]
    return {line: op.steps for line, op in made if isinstance(op, Start) and op.steps}
