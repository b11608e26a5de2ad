"""The lines of a source: what moves into the line that reads it, and how each line is written.

`emit.py` calls `moved` and `written`. A line that is read once moves to its reader, if that stays
short; one that would be too long is cut in two. Read `spelled.py` next.
"""

from collections import Counter
from collections.abc import Sequence

from micrograd_notes.lifting.codegen.numpy.spelled import is_call, spelled, text, wrapped
from micrograd_notes.lifting.typed.expressions import (
    Empty,
    Expression,
    Line,
    Loop,
    Part,
    Program,
    Read,
    Reduce,
    Reshape,
    Shape,
    Spread,
    Transpose,
    lines_of,
)
from micrograd_notes.lifting.typed.names import Names

WIDTH = 84  # of a line that something is moved into
LIMIT = 100  # of any line
INDENT = "    "
Steps = list[Line | Loop]


def moved(program: Program, names: Names) -> Program:
    """Returns the program with what is read once where it is read."""
    _Mover(program, names).run()
    return program


def written(steps: Sequence[Line | Loop], names: Names) -> list[str]:
    """Returns the source of lines and loops."""
    rows: list[str] = []
    for step in steps:
        if isinstance(step, Line):
            rows += assignment(step, names)
        else:
            rows.append(f"for {names.counter} in {_range(step.counts)}:")
            rows += [INDENT + row for line in step.lines for row in assignment(line, names)]
    return rows


def assignment(line: Line, names: Names) -> list[str]:
    """Returns the source of a line, with the shape of its array."""
    is_plain = line.shape == () or isinstance(line.value, Empty)
    shape = "" if is_plain else f"  # {spelled_shape(line.shape)}"
    value = line.value
    if isinstance(value, Spread) and line.target is not None:
        value = value.of  # NumPy repeats it
    tree = spelled(value, names)
    sign = "+=" if line.adds else "="
    return wrapped(f"{_target(line, names)} {sign}", tree, shape, LIMIT - 2 * len(INDENT))


def _target(line: Line, names: Names) -> str:
    if line.target is not None:
        return text(line.target, names)
    if line.derivative_of is None:
        return names(line)
    return f"d{line.derivative_of.name}[...]"


class _Mover:
    def __init__(self, program: Program, names: Names) -> None:
        self.program, self.names = program, names

    def run(self) -> None:
        """Moves lines within each half."""
        program, result = self.program, self.program.result
        every = list(lines_of(program.steps))
        for line in every:
            self.names(line)
        self.names.count_anew(every, self.program.stands_for)  # not by how many steps there were
        roots = [result, *[line.value for line in every]]
        self.uses = Counter(each for root in roots for each in root.lines())
        self.uses.update([line.again for line in every for _ in range(2) if line.again is not None])
        program.forward, program.result = self._half(program.forward, result)
        program.backward, _ = self._half(program.backward, program.result)

    def _half(self, steps: Steps, result: Expression) -> tuple[Steps, Expression]:
        moved: Steps = []
        block: list[Line] = []
        for step in [*steps, None]:
            if isinstance(step, Line):
                block.append(step)
                continue
            before, result = self._settled(block, result)
            moved, block = [*moved, *before], []
            if step is not None:
                step.lines, result = self._settled(step.lines, result)
                moved.append(step)
        return moved, result

    def _settled(self, lines: list[Line], result: Expression) -> tuple[list[Line], Expression]:
        """Returns lines and the result, with a line that is read once inside of its reader."""
        roots = [result, *[line.value for line in lines]]
        read_here = {each for root in roots for each in root.lines()}
        kept: list[Line] = []
        waiting: dict[Line, None] = {}  # in their order

        def settled(expression: Expression) -> Expression:
            """Returns an expression with the waiting lines inside, or written before it."""
            for line in expression.lines():
                if line not in waiting:
                    continue
                del waiting[line]
                moved = _with_line_inside(expression, line)
                if moved is None or len(text(moved, self.names)) > WIDTH:
                    kept.append(line)
                else:
                    expression = moved
            return expression

        for line in lines:
            line.value = settled(line.value)
            for other in [each for each in waiting if line.again in each.value.lines()]:
                del waiting[other]  # it reads what this line replaces
                kept.append(other)
            is_own = (line.derivative_of, line.target, line.again) == (None, None, None)
            may_move = is_own and self.uses[line] == 1 and line not in self.names.spoken
            if may_move and line in read_here:
                waiting[line] = None
            else:
                kept.append(line)
        result = settled(result)
        return [each for line in kept for each in self._in_short_lines(line)], result

    def _in_short_lines(self, line: Line) -> list[Line]:
        """Returns the line, after lines for what makes it too long."""
        before: list[Line] = []
        while max(map(len, assignment(line, self.names))) > LIMIT - 2 * len(INDENT):
            parts = [each for each in line.value.walk() if each is not line.value and each.operands]
            lengths = [len(text(each, self.names)) for each in parts]
            short = [n for n in lengths if 2 * n < LIMIT] or lengths[-1:]
            if not parts:
                break
            before.append(Line(parts[lengths.index(max(short))]))
            line.value = _substituted(line.value, before[-1].value, Read(before[-1]))
        return [*before, line]


def _with_line_inside(expression: Expression, line: Line) -> Expression | None:
    """Returns an expression with a line's own instead of its name; None if that reads badly.

    x[:, 0] and x.T need a name before them, or at least a call.
    """
    read = Read(line)
    for parent in expression.walk():
        if isinstance(parent, Part) and parent.of == read:
            return None
        if isinstance(parent, Transpose | Reduce | Reshape) and parent.of == read:
            return None if not is_call(line.value) else _substituted(expression, read, line.value)
    return _substituted(expression, read, line.value)


def _substituted(expression: Expression, part: Expression, new: Expression) -> Expression:
    """Returns the expression with another one wherever a part of it stands."""
    if expression == part:
        return new
    inside = [_substituted(operand, part, new) for operand in expression.operands]
    made = expression.with_operands(inside)
    if isinstance(made, Reshape) and isinstance(made.of, Reshape):
        return Reshape(made.of.of, made.to)
    return made


def _range(counts: range) -> str:
    if counts.step == 1:
        return f"range({counts.start}, {counts.stop})" if counts.start else f"range({counts.stop})"
    return f"reversed({_range(counts[::-1])})"


def spelled_shape(shape: Shape) -> str:
    """Returns a shape as Python writes a tuple."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
