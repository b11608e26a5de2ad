"""Lines that are read once, inside of their reader: hidden1 = np.maximum(x @ W1 + b1, 0).

`printable.py` calls `moved`. Such a line stays where it is if its reader would become too long or
hard to read, or its derivative has a line: where there is doutput, there is output. A line that is
too long on its own is cut in two. Lengths are those of NumPy's spelling, which JAX shares.
"""

from collections import Counter

from micrograd_notes.lifting.codegen.numpy.lines import assignment
from micrograd_notes.lifting.codegen.numpy.spelled import is_call, text
from micrograd_notes.lifting.codegen.readable.conditions import plain
from micrograd_notes.lifting.codegen.rows import INDENT, LIMIT
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import Expression, Line, Loop, Program, lines_of
from micrograd_notes.lifting.typed.names import Names
from micrograd_notes.lifting.typed.nouns import NOUNS

WIDTH = 84  # letters in a line that something is moved into
Steps = list[Line | Loop]


def moved(program: Program, names: Names) -> Program:
    """Returns the program with what is read once where it is read."""
    _Mover(program, names).run()
    return program


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
        self.primals = set[Line]()
        program.backward, _ = self._half(program.backward, result)
        wanted = [self.names.wanted.get(line, ("", None)) for line in lines_of(program.backward)]
        primals = {of for words, of in wanted if words == "d{}" and isinstance(of, Line)}
        nouns = {*NOUNS.values()}  # an operation is not much of a name
        self.primals = {of for of in primals if self.names(of).rstrip("0123456789") not in nouns}
        program.forward, program.result = self._half(program.forward, result)

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

        def settled(expression: Expression, reader: Line | None = None) -> Expression:
            """Returns an expression with the waiting lines inside, or written before it."""
            for line in expression.lines():
                if line not in waiting:
                    continue
                del waiting[line]
                moved = _with_line_inside(expression, line)
                if moved is None or not (_is_sign(line) or self._is_short(moved, reader)):
                    kept.append(line)
                else:
                    expression = moved
            return expression

        for line in lines:
            line.value = settled(line.value, line)
            into = {*line.writes_to}
            for other in [each for each in waiting if not into.isdisjoint(each.value.lines())]:
                del waiting[other]  # it reads what this line writes to
                kept.append(other)
            is_known = line in self.names.spoken or line in self.primals
            is_named = is_known and not isinstance(line.value, ex.Read)
            may_move = line.is_own and self.uses[line] == 1 and not is_named
            if may_move and line in read_here:
                waiting[line] = None
            else:
                kept.append(line)
        result = settled(result)
        return [each for line in kept for each in self._in_short_lines(line)], result

    def _is_short(self, value: Expression, reader: Line | None) -> bool:
        """Returns whether a value is written in one row, or row by row as a sum."""
        if reader is None or isinstance(value, ex.Total):
            return len(text(value, self.names)) <= WIDTH
        before, reader.value = reader.value, plain(value)
        rows = assignment(reader, self.names)
        reader.value = before
        return len(rows) == 1

    def _in_short_lines(self, line: Line) -> list[Line]:
        """Returns the line, after lines for what makes it too long."""
        before: list[Line] = []
        while max(map(len, assignment(line, self.names, False))) > LIMIT - 2 * len(INDENT):
            inside = [each for each in line.value.walk() if each is not line.value]
            parts = [each for each in inside if each.operands and not isinstance(each, ex.View)]
            lengths = [len(text(each, self.names)) for each in parts]
            short = [n for n in lengths if 2 * n < LIMIT] or lengths[-1:]
            if not parts:
                break
            before.append(Line(parts[lengths.index(max(short))]))
            line.value = ex.substituted(line.value, before[-1].value, ex.Read(before[-1]))
        return [*before, line]


def _is_sign(line: Line) -> bool:
    """Returns whether a line is another one, or a part of it, with a minus: -x is as short as y."""
    match line.value:
        case ex.Apply("negative", (ex.Read() | ex.Part(ex.Read()),)):
            return True
    return False


def _with_line_inside(expression: Expression, line: Line) -> Expression | None:
    """Returns an expression with a line's own instead of its name; None if that reads badly.

    x[:, 0] and x.T need a name before them, or at least a call.
    """
    read = ex.Read(line)
    if isinstance(line.value, ex.Read):
        return ex.substituted(expression, read, line.value)
    for parent in expression.walk():
        if isinstance(parent, ex.Part) and parent.of == read:
            return None
        if isinstance(parent, ex.Transpose | ex.Reduce | ex.Reshape) and parent.of == read:
            return None if not is_call(line.value) else ex.substituted(expression, read, line.value)
    return ex.substituted(expression, read, line.value)
