"""Faults planted into each pass of the compiler, to see that the net under `lift` catches them.

    python -m tests.lifting.planted 2000

A fault changes what one pass hands to the next: a sign, the operands of a difference, a transposed
product, another axis, a dropped term, a derivative that goes to another parameter. Passes are
replaced by functions that call them and then change one thing of what they made. A fault that
changes no number, on all of the data and at other parameters, is none.
"""

import ast
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np

from micrograd_notes import MLP, Value, lift
from micrograd_notes.engine import functions, ops
from micrograd_notes.engine.functions import pick
from micrograd_notes.engine.op import Op
from micrograd_notes.engine.ops import logsumexp, relu, tanh
from micrograd_notes.lifting import CannotLift, compiled, per_shape
from micrograd_notes.lifting.codegen.numpy.emit import Printed
from micrograd_notes.lifting.trace.columns import Columns
from micrograd_notes.lifting.typed.expressions import (
    Apply,
    Expression,
    MatMul,
    Number,
    Sum,
    Transpose,
)

RNG = np.random.default_rng(0)


class Work(NamedTuple):
    """A loss with its parameters, and data for it."""

    name: str
    loss: Callable[..., Any]
    parameters: list[Value]
    data: tuple[Any, ...]


def works() -> Iterator[Work]:
    """Yields losses as learners write them."""
    classifier = MLP(4, [5, 3], seed=0)

    def cross_entropy(x: Any, y: Any) -> Any:
        logits = classifier(x)
        return logsumexp(logits) - pick(logits, y)

    labels = np.array([0, 1, 2, 0, 1, 2, 0])
    yield Work("classifier", cross_entropy, classifier.parameters(), (numbers(7, 4), labels))
    regression = MLP(3, [4, 4, 1], activation="tanh", seed=1)

    def decayed(x: Any, y: Any) -> Any:
        penalty = sum(p * p for p in regression.parameters())
        return (regression(x) - y) ** 2 + 0.01 * penalty

    yield Work("regression", decayed, regression.parameters(), (numbers(6, 3), numbers(6)))
    zeros = [Value(0.0) for _ in range(5)]
    yield Work(
        "logistic regression that starts at 0",
        lambda x, y: ops.softplus(-y * sum(w * v for w, v in zip(zeros, [*x, 1.0], strict=True))),
        zeros,
        (numbers(6, 4), np.array([1.0, -1.0, 1.0, 1.0, -1.0, -1.0])),
    )
    q, k, v = matrix(3, 3), matrix(3, 3), matrix(2, 3)
    w = [Value(x) for x in RNG.normal(size=2)]

    def attention(rows: Any, y: Any) -> Any:
        queries, keys, values = [[apply(m, row) for row in rows] for m in (q, k, v)]
        total = 0.0
        for t, query in enumerate(queries):
            scores = [dot(query, key) * 0.5 for key in keys[: t + 1]]
            shares = functions.softmax(scores)
            seen = [sum(s * u[j] for s, u in zip(shares, values, strict=False)) for j in range(2)]
            total = total + (dot(w, seen) - y[t]) ** 2
        return total

    yield Work("attention", attention, flat(q, k, v, w), (numbers(4, 3, 3), numbers(4, 3)))
    p = [Value(x) for x in RNG.normal(size=4)]
    yield Work(
        "pairs",
        lambda x: sum(
            tanh((p[i] - p[j]) * x[i]) * x[j] for i in range(4) for j in range(4) if i != j
        ),
        p,
        (numbers(5, 4),),
    )
    inner, outer, head = matrix(3, 2), matrix(3, 3), [Value(x) for x in RNG.normal(size=3)]

    def recurrence(xs: Any, y: Any) -> Any:
        state: list[Any] = [0.0] * 3
        for x in xs:
            state = [
                tanh(dot(inner[i], x) + dot(outer[i], state)) for i in range(3)
            ]
        return (dot(head, state) - y) ** 2

    yield Work("recurrence", recurrence, flat(inner, outer, head), (numbers(5, 4, 2), numbers(5)))
    table = matrix(4, 2)
    scale = [Value(0.5), Value(-0.3)]
    yield Work(
        "embedding",
        lambda tokens, y: (sum(dot(scale, pick(table, t)) for t in tokens) - y) ** 2,
        flat(table, scale),
        (RNG.integers(0, 4, (6, 3)), numbers(6)),
    )
    kernel = [Value(x) for x in RNG.normal(size=3)]
    yield Work(
        "convolution",
        lambda x: sum(relu(sum(k * x[i + j] for j, k in enumerate(kernel))) ** 2 for i in range(4)),
        kernel,
        (numbers(5, 6),),
    )


def numbers(*shape: int) -> Any:
    return RNG.normal(size=shape)


def matrix(rows: int, columns: int) -> list[list[Value]]:
    return [[Value(x) for x in row] for row in RNG.normal(size=(rows, columns))]


def flat(*parts: Any) -> list[Value]:
    return [x for p in parts for row in p for x in (row if isinstance(row, list) else [row])]


def dot(these: Any, those: Any) -> Any:
    return sum(a * b for a, b in zip(these, those, strict=True))


def apply(m: Any, row: Any) -> list[Any]:
    return [dot(line, row) for line in m]


# ---- faults --------------------------------------------------------------------------------------


def on_a_tape(made: Any, generator: random.Random) -> Any:
    """Returns a recording with one operation of its tape, or one derivative, changed."""
    recording = getattr(made, "recording", made)
    tape = recording.tape
    is_there = np.ones(len(tape), dtype=bool)
    reached = Columns.of(tape).reached(np.array(recording.roots), is_there)
    tape.columns = None  # they would be as the tape was
    places = [i for i in np.flatnonzero(reached).tolist() if isinstance(tape.ops[i], Op)]
    known = [flat for flat, at in enumerate(recording.gradient) if at >= 0]
    kind = generator.choice(["operation", "operands", "term", "derivative", "sign"])
    i = generator.choice(places)
    if kind == "operation":
        same = [
            op for op in (ops.add, ops.multiply, ops.subtract, ops.sin, ops.cos, ops.tanh, ops.neg)
            if op.arity == len(tape.operands[i]) and op is not tape.ops[i]
        ]
        if same:
            tape.ops[i] = generator.choice(same)
    elif kind == "operands":
        _replace(tape, i, tape.operands[i][::-1])
    elif kind == "term" and len(tape.operands[i]) > 1 and tape.ops[i] is ops.add:
        _replace(tape, i, tape.operands[i][:-1])
    elif kind == "derivative" and len(known) > 1:
        a, b = generator.sample(known, 2)
        recording.gradient[a], recording.gradient[b] = recording.gradient[b], recording.gradient[a]
    elif known:
        flat_index = generator.choice(known)
        recording.gradient[flat_index] = tape.append(
            ops.neg, (recording.gradient[flat_index],)
        )
    return made


def _replace(tape: Any, i: int, operands: tuple[int, ...]) -> None:
    """Gives a number of a tape other operands."""
    old, tape.operands = tape.operands, type(tape.operands)()
    for k in range(len(tape)):
        tape.operands.append(operands if k == i else old[k])


def on_a_tree(tree: Any, generator: random.Random) -> Any:
    """Returns Python's tree of an expression, or of a program, with one thing in it changed."""
    changes: list[Callable[[], None]] = []

    def later(node: Any, **fields: Any) -> None:
        changes.append(lambda: [setattr(node, name, new) for name, new in fields.items()])  # type: ignore[arg-type, func-returns-value]

    for node in ast.walk(tree):
        for field, child in ast.iter_fields(node):
            for place, part in enumerate(child) if isinstance(child, list) else [(None, child)]:
                if isinstance(part, ast.Attribute) and part.attr == "T":
                    _put(changes, node, field, place, part.value)  # not transposed
                if isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.USub):
                    _put(changes, node, field, place, part.operand)  # no sign
                if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Add | ast.Sub):
                    _put(changes, node, field, place, part.left)  # a term is dropped
                    _put(changes, node, field, place, part.right)
                if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mult | ast.Div):
                    _put(changes, node, field, place, part.left)  # a factor is dropped
        if isinstance(node, ast.BinOp):
            if isinstance(node.op, ast.Add | ast.Sub):
                later(node, op=ast.Sub() if isinstance(node.op, ast.Add) else ast.Add())
            elif isinstance(node.op, ast.MatMult):
                later(node, left=node.right, right=node.left)
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Gt):
            later(node, ops=[ast.Lt()])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            axes = [a for a in node.args if isinstance(a, ast.Constant | ast.UnaryOp)]
            if node.func.attr in ("sum", "max", "min") and axes:
                later(node, args=[ast.Constant(0 if ast.unparse(axes[0]) != "0" else -1)])
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            later(node, value=node.value + 0.5)
    if changes:
        generator.choice(changes)()
    return tree


def _put(changes: list[Any], node: Any, field: str, place: int | None, new: Any) -> None:
    if place is None:
        changes.append(lambda: setattr(node, field, new))
    else:
        changes.append(lambda: getattr(node, field).__setitem__(place, new))


def on_statements(made: Any, generator: random.Random) -> Any:
    """Returns an arrangement with one line changed, or the derivative of one array dropped."""
    line = generator.choice(made.lines)
    if line.derivative_of is not None and generator.random() < 0.2:
        made.lines.remove(line)
        return made
    changes = [(part, new) for part in line.value.walk() for new in instead_of(part)]
    if changes:
        line.value = replaced(line.value, *generator.choice(changes))
    return made


def instead_of(part: Expression) -> Iterator[Expression]:
    """Yields wrong expressions to put in the place of one."""
    match part:
        case Transpose(of):
            yield of
        case MatMul(left, right):
            yield MatMul(right, left)
        case Apply("negative", (of,)):
            yield of
        case Apply("add" | "subtract" as function, (left, right)):
            yield Apply("subtract" if function == "add" else "add", (left, right))
            yield left
            yield right
        case Apply("multiply" | "divide", (left, _)):
            yield left
        case Apply("greater", operands):
            yield Apply("less", operands)
        case Sum(of, (axis,)):
            yield Sum(of, (0 if axis else len(of.shape) - 1,))
        case Number(value):
            yield Number(value + 0.5)


def replaced(whole: Expression, part: Expression, new: Expression) -> Expression:
    """Returns an expression with a part replaced wherever it stands."""
    if whole is part:
        return new
    return whole.with_operands([replaced(operand, part, new) for operand in whole.operands])


def on_source(source: str, generator: random.Random) -> str:
    """Returns the source of a program with one thing in it changed."""
    return ast.unparse(ast.fix_missing_locations(on_a_tree(ast.parse(source), generator)))


def on_printed(made: Printed, generator: random.Random) -> Printed:
    """Returns what `emit` returns, with one thing in its source changed."""
    return made._replace(source=on_source(made.source, generator))


FAULTS: dict[str, Callable[[Any, random.Random], Any]] = {
    "record": on_a_tape,
    "simplify": on_a_tape,
    "group": on_a_tape,
    "arranged": lambda made, generator: (made[0], on_statements(made[1], generator)),
    "emit": on_printed,
}


# ---- are they caught? ----------------------------------------------------------------------------


def shorter(work: Work) -> list[tuple[Any, ...]]:
    """Returns data of two other shapes: the first one or two positions of each example."""
    return [tuple(a[:, :size] if a.ndim > 1 else a for a in work.data) for size in (1, 2)]


def outcome(work: Work, which: str, seed: int, earlier: Sequence[tuple[Any, ...]] = ()) -> str:
    """Returns "caught", "escaped", or "no fault" if no number is another.

    The programs for `earlier` data are without the fault.
    """

    def lifted(check: bool) -> Any:
        generator = random.Random(seed)
        module = next(each for each in (compiled, per_shape) if hasattr(each, which))
        made = getattr(module, which)

        def with_a_fault(*arguments: Any, **options: Any) -> Any:
            return FAULTS[which](made(*arguments, **options), generator)

        found = lift(work.loss, parameters=work.parameters, check=check)
        for data in earlier:
            found.value_and_grad(found.parameters(), *data)
        with patch.object(module, which, with_a_fault):
            return found.value_and_grad(found.parameters(), *work.data)

    try:
        lifted(True)
    except CannotLift:
        return "caught"
    right = lift(work.loss, parameters=work.parameters)
    value, gradient = right.value_and_grad(right.parameters(), *work.data)
    got, derivatives = lifted(False)
    size = max(abs(gradient).max(), 1e-9)
    is_same = abs(got - value) <= 1e-9 * (1 + abs(value))
    return "no fault" if is_same and abs(derivatives - gradient).max() <= 1e-9 * size else "escaped"


def main(count: int) -> int:
    """Plants so many faults into each pass, and prints how many are caught."""
    every = list(works())
    escaped = 0
    for which in FAULTS:
        outcomes = []
        for seed in range(count):
            outcomes.append(outcome(every[seed % len(every)], which, seed))
            if outcomes[-1] == "escaped":
                print(f"escaped: {which}, {every[seed % len(every)].name}, seed {seed}")
        tally = {word: outcomes.count(word) for word in ("caught", "escaped", "no fault")}
        print(f"{which:9}", ", ".join(f"{n:5,} {word}" for word, n in tally.items()))
        escaped += tally["escaped"]
    return escaped


if __name__ == "__main__":
    sys.exit(min(main(int(sys.argv[1]) if len(sys.argv) > 1 else 80), 1))
