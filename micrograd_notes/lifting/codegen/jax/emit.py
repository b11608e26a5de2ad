"""The source for JAX: two pure functions, the loss, and the loss with its gradient.

`in_jax.py` calls `emit`. The lines are those of NumPy's room, with `np` for `jax.numpy`. But no
array of JAX can be written to: what NumPy writes into an array makes a new one here, and a loop
passes on the arrays that it changes:

    h[t] = np.tanh(z)                       def step(t, carry):
                                                (h,) = carry
                                     ->         h = h.at[t].set(np.tanh(z))
                                                return (h,)

                                            carry = (h,)
                                            (h,) = jax.lax.fori_loop(1, 5, step, carry)

`jit` compiles such a loop once, and not once per step.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from micrograd_notes.lifting.codegen import CannotPrint, erfc
from micrograd_notes.lifting.codegen.numpy.emit import spelled_constant, unpack_source
from micrograd_notes.lifting.codegen.numpy.spelled import (
    WINDOWS,
    parse,
    spelled,
    spelled_shape,
    text,
)
from micrograd_notes.lifting.codegen.readable.printable import printable
from micrograd_notes.lifting.codegen.rows import INDENT, LIMIT, asserted, headed, listed, wrapped
from micrograd_notes.lifting.trace.tape import Array
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import Expression, Line, Loop, Program, lines_of

SPECIAL = {"erf": "erf", "lgamma": "gammaln"}  # functions of math in jax.scipy
WINDOWS_SOURCE = f'''
def {WINDOWS}(x, sizes, axis):
    """Returns all windows of these sizes along some axes, whose places are the last axes."""
    both = (sizes, axis) if isinstance(axis, tuple) else ((sizes,), (axis,))
    for size, k in zip(*both):
        first = np.arange(x.shape[k] - size + 1)
        x = np.moveaxis(np.take(x, first[:, None] + np.arange(size), axis=k), k + 1, -1)
    return x
'''  # NumPy has it, and JAX does not
TIED = """
def tied(a, b):
    \"\"\"Returns where a is the maximum b, which XLA may round in another way, computed anew.\"\"\"
    return (a == b) | (abs(a - b) <= 8 * np.finfo(b.dtype).eps * abs(b))
"""


def emit(program: Program, title: str) -> str:
    """Returns the source; CannotPrint if JAX lacks a function of the program."""
    return _Emitter(program, title).run()


class _Emitter:
    def __init__(self, program: Program, title: str) -> None:
        self.printable = printable(program)
        self.program, self.names, self.constants = self.printable
        lines = lines_of(self.program.steps)
        self.extremes = frozenset([  # the names of maxima and minima
            self.names(line) for line in lines if isinstance(line.value, ex.Reduce)
        ])
        self.title = title
        self.digits = "theta.dtype" if self.program.parameters else "float"

    def run(self) -> str:
        program = self.program
        blocks = [f'"""{self.title}"""\n', "import jax\nimport jax.numpy as np\n"]
        if program.parameters:
            blocks.append("\n" + unpack_source(program))
        what, is_loss = self.printable.returned, program.is_loss
        blocks.append(self._function("loss" if is_loss else "forward", f"{what}.", False))
        if is_loss:
            blocks.append(self._function("loss_and_gradient", f"{what}, and its gradient.", True))
        if any("tied(" in block for block in blocks):
            blocks.insert(2, TIED)
        if any(WINDOWS in block for block in blocks):
            blocks.insert(2, WINDOWS_SOURCE)
        return "\n".join(blocks)

    # ---- functions -------------------------------------------------------------------------------

    def _function(self, name: str, what: str, with_gradient: bool) -> str:
        program = self.program
        written = [line for line in lines_of(program.forward) if line.derivative_of is not None]
        early = [*self._zeros(written)] if with_gradient else []  # what a loop adds up on its way
        rows = [*early, *self._rows(program.forward, with_gradient)]
        target = "loss =" if program.is_loss else "return"
        rows += wrapped(target, self._tree(program.result), "", LIMIT - len(INDENT))
        if with_gradient:
            written += lines_of(program.backward)
            late = [row for row in self._zeros(written) if row not in early]
            rows += ["", "# backward", *late, *self._rows(program.backward)]
            rows += self._gradient(written)
        checked = [array for array in program.inputs if array.below is not None]
        if program.is_loss and checked:
            inside = [f"(({a.name} >= 0) & ({a.name} < {a.below})).all()" for a in checked]
            rows.append("# a compiled program can't refuse a label that is out of range")
            right = parse(f"np.where({' & '.join(inside)}, 1.0, np.nan)")
            rows += wrapped("right =", right, "", LIMIT - len(INDENT))
        right = " * right" if program.is_loss and checked else ""
        if program.is_loss:
            rows.append(f"return loss{right}" + (f", dtheta{right}" if with_gradient else ""))
        body = "\n".join([f'"""Returns {what}"""', *self._first_rows("\n".join(rows)), *rows])
        head = headed(name, self.printable.given)
        return "\n".join(["", *head, textwrap.indent(body, INDENT), ""])

    def _first_rows(self, body: str) -> Iterator[str]:
        program, count = self.program, len(self.program.grouping.recording.gradient)
        if program.parameters:
            yield "theta = np.asarray(theta, np.result_type(theta, float))"
        for array in program.inputs:
            shape = spelled_shape(ex.Read(array).shape)
            if array.is_batched and array is program.inputs[0]:
                yield f"n = len({array.name})"
            yield from asserted(f"{array.name}.shape == {shape}", f"{array.name}.shape")
            if array.below is None:
                as_floats = parse(f"np.asarray({array.name}, {self.digits})")
                yield from wrapped(f"{array.name} =", as_floats, "", LIMIT - len(INDENT))
        if program.parameters:
            yield f"assert theta.shape == ({count},), theta.shape"
            yield from listed("", [array.name for array in program.parameters], " = unpack(theta)")
        for constant in self.constants:
            name = self.names(constant)
            if name in body:
                row = spelled_constant(constant, name, self.digits, LIMIT - len(INDENT))
                yield from row.split("\n")
        if "ones" in body:
            yield f"ones = np.ones(n, {self.digits})"

    def _zeros(self, written: Sequence[Line]) -> Iterator[str]:
        """Yields a row for each array of derivatives that is written in parts."""
        for name, array in _in_parts(written).items():
            size = spelled_shape(array.shape)
            yield f"{name} = np.zeros({size}, theta.dtype)"

    def _gradient(self, written: Sequence[Line]) -> Iterator[str]:
        """Yields the rows that join the derivatives of all parameters."""
        names, parts = {*map(_written_to, written)}, []
        for array in self.program.parameters:
            name, part = f"d{array.name}", f"np.zeros({array.size}, theta.dtype)"
            if name in names:
                part = f"np.broadcast_to({name}, {spelled_shape(array.shape)}).reshape(-1)"
            parts.append(part)
        joined = "\n".join([f"{INDENT}{part}," for part in parts])
        more = " + dtheta" if "dtheta" in names else ""
        over = " / n" if self.program.is_mean else ""
        of = f"np.concatenate([\n{joined}\n])"
        yield from f"dtheta = ({of}{more}){over}".split("\n")

    # ---- lines -----------------------------------------------------------------------------------

    def _rows(self, steps: Sequence[Line | Loop], with_gradient: bool = True) -> Iterator[str]:
        for step in steps:
            if isinstance(step, Line):
                yield from self._row(step)
            else:
                own = [e for e in step.lines if with_gradient or e.derivative_of is None]
                yield from self._loop(step, own)

    def _row(self, line: Line) -> list[str]:
        name, tree = self._name(line), self._tree(line.value)
        comment = f"  # {spelled_shape(line.shape)}" if line.shape else ""
        if line.target is not None:
            index = _with_arrays(spelled(line.target, self.names).slice)
            verb = "add" if line.adds else "set"
            place = ast.Subscript(ast.Attribute(ast.Name(name), "at"), index)
            tree = ast.Call(ast.Attribute(place, verb), [tree], [])
        elif line.adds:
            tree = ast.BinOp(ast.Name(name), ast.Add(), tree)
        return wrapped(f"{name} =", tree, comment, LIMIT - 3 * len(INDENT))

    def _name(self, line: Line) -> str:
        """Returns the name of the array that a line makes or changes."""
        if line.target is not None or line.derivative_of is not None:
            return _written_to(line) or text(line.target.of, self.names)  # type: ignore[union-attr]
        return self.names(line)

    def _loop(self, loop: Loop, lines: Sequence[Line]) -> Iterator[str]:
        """Yields a loop over lines of it; its step gets and returns all arrays that it changes."""
        own = set(lines)
        read_later = {
            each for step in [*self.program.steps, Line(self.program.result)] if step is not loop
            for line in lines_of([step]) for value in (line.value, line.target) if value
            for each in value.lines() if each in own
        }
        carried, starts = list[str](), list[str]()
        for line in lines:
            name = self._name(line)
            is_changed = line.target is not None or line.again is not None
            is_carried = is_changed or line.derivative_of is not None or line in read_later
            if is_carried and name not in carried:
                start = name
                if not is_changed and line.derivative_of is None:
                    start = f"np.zeros({spelled_shape(line.shape)}, theta.dtype)"
                elif line.shape == () and line.target is None:
                    start = f"np.asarray({name}, theta.dtype)"
                carried.append(name)
                starts.append(start)
        counts, t = loop.counts, self.names.counter
        down = counts.step < 0
        yield ""
        yield f"def step({'back' if down else t}, carry):"
        if down:
            yield f"{INDENT}{t} = {counts.start} - back"
        width = LIMIT - 2 * len(INDENT)
        yield from [INDENT + row for row in listed("", carried, " = carry", width)]
        for line in lines:
            yield from [INDENT + row for row in self._row(line)]
        yield from [INDENT + row for row in listed("return ", carried, "", width)]
        yield ""
        yield from listed("carry = ", starts, "")
        ends = f"0, {len(counts)}" if down else f"{counts.start}, {counts.stop}"
        yield from listed("", carried, f" = jax.lax.fori_loop({ends}, step, carry)")

    def _tree(self, expression: Expression) -> ast.expr:
        tree: ast.expr = _InJax(self.digits, self.extremes).visit(spelled(expression, self.names))
        return tree


def _parts_of(index: ast.expr) -> list[Any]:
    return index.elts if isinstance(index, ast.Tuple) else [index]


def _is_whole(part: Any) -> bool:
    return isinstance(part, ast.Slice) and part.lower is part.upper is part.step is None


def _with_arrays(index: ast.expr) -> ast.expr:
    """Returns an index to write at, with t + np.arange(2) for the places of t:t + 2."""
    parts = _parts_of(index)
    for k, each in enumerate(parts):
        if stretch := getattr(each, "of", None):
            count, by = stretch.count, stretch.by
            several = f"np.arange({count})" if by == 1 else f"np.arange(0, {by * count}, {by})"
            parts[k] = ast.BinOp(each.lower, ast.Add(), parse(several))
    return ast.Tuple(parts) if len(parts) > 1 else parts[0]


class _InJax(ast.NodeTransformer):
    """Replaces what JAX has elsewhere, in trees of which parts are shared."""

    def __init__(self, digits: str, extremes: frozenset[str]) -> None:
        self.digits, self.extremes = parse(digits), extremes

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Reads a cut that moves with t by its first place and its length, as `jit` needs it."""
        of, index, axis = self.visit(node.value), list[Any](), 0
        for each in _parts_of(node.slice):
            new = each
            if stretch := getattr(each, "of", None):
                length = (stretch.count - 1) * stretch.by + 1
                given = of, each.lower, ast.Constant(length), ast.Constant(axis)
                of = ast.Call(parse("jax.lax.dynamic_slice_in_dim"), [*given], [])
                new = ast.Slice(None, None, each.step)
            index.append(self.visit(new))
            axis += not (isinstance(each, ast.Constant) and each.value is None)
        is_whole = of is not node.value and all(map(_is_whole, index))
        return of if is_whole else ast.Subscript(of, ast.Tuple(index) if index[1:] else index[0])

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """Writes `x == x.max()` as a call of `tied`."""
        read = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        called = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
        new = ast.Compare(node.left, node.ops, [*node.comparators])
        self.generic_visit(new)
        if isinstance(node.ops[0], ast.Eq) and (called & {"max", "min"} or read & self.extremes):
            return ast.Call(ast.Name("tied"), [new.left, *new.comparators], [])
        return new

    def visit_Call(self, node: ast.Call) -> ast.AST:
        new = ast.Call(node.func, node.args, node.keywords)
        self.generic_visit(new)
        if ast.unparse(node.func) == "np.concatenate":  # JAX joins arrays alone, not lists
            pieces: Any = new.args[0]
            joined = [ast.Call(parse("np.asarray"), [each, self.digits], [])
                      if isinstance(each, ast.List) else each for each in pieces.elts]
            return ast.Call(new.func, [ast.List(joined)], new.keywords)
        if ast.unparse(node.func) in ("np.empty", "np.zeros"):  # with the digits of the parameters
            return ast.Call(new.func, new.args, [ast.keyword("dtype", self.digits)])
        if isinstance(node.func, ast.Name) and node.func.id == erfc.NAME:
            return ast.Call(parse("jax.scipy.special.erfc"), new.args, [])
        inner = node.func
        if isinstance(inner, ast.Call) and ast.unparse(inner.func) == "np.vectorize":
            name = ast.unparse(inner.args[0]).removeprefix("math.")
            if name not in SPECIAL:
                raise CannotPrint(f"math.{name} is not in jax.scipy.special")
            return ast.Call(parse(f"jax.scipy.special.{SPECIAL[name]}"), new.args, [])
        return new


def _written_to(line: Line) -> str:
    """Returns the name of the array of derivatives that a line writes to; or ""."""
    if line.target is not None and isinstance(line.target.of, ex.Read):
        source = line.target.of.source
        return source.name if isinstance(source, Array) else ""
    return f"d{line.derivative_of.name}" if line.derivative_of else ""


def _in_parts(written: Sequence[Line]) -> dict[str, Array]:
    """Returns arrays of derivatives of which lines write parts, or to which they add."""
    found: dict[str, Array] = {}
    for line in written:
        if line.derivative_of is not None and (line.target is not None or line.adds):
            name = _written_to(line)
            own = line.derivative_of
            if line.target is not None and name == "dtheta":
                own = line.target.of.source  # type: ignore[attr-defined]
            found[name] = own
    return found
