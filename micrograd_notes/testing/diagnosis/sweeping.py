"""Does `backward` carry gradients as it should? It is compared with sums of our own.

`gradcheck` and `opcheck` call `sweep_fault`. The local partials are those of the table, so a wrong
rule looks right here. Each gradient must be the sum over its users of adjoint times partial, each
user once. The second backward pass of a graph must add to what the leaves hold.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from micrograd_notes.engine import Value, helper_ops
from micrograd_notes.engine.accurate import total
from micrograd_notes.testing.diagnosis.report import Fault
from micrograd_notes.testing.diagnosis.subject import Run
from micrograd_notes.testing.diagnosis.verdicts import Verdict
from micrograd_notes.testing.programs.random_programs import Program

__all__ = ["Adjoint", "engine_gradients", "expected_adjoints", "sweep_fault"]

_ULP = 2.0**-52
_ADJOINT = 4.0  # of the second sweep
_LARGEST = 1e307  # a larger gradient, times five, is no float any more
# Below it a float has fewer digits: rounding takes some, and the next slope may enlarge the loss.
_NORMAL = 2.0**-1022


class Adjoint(NamedTuple):
    """A derivative of the result, and the sum of the magnitudes of the paths it is made of."""

    number: float
    size: float
    contributions: tuple[float, ...] = ()


def expected_adjoints(
    program: Program, values: Sequence[float], adjoint: float = 1.0
) -> list[Adjoint]:
    """Returns d result / d value, times the adjoint, for every value of a program.

    >>> from micrograd_notes.engine import ops
    >>> from micrograd_notes.testing.programs.random_programs import Instruction
    >>> program = Program((3.0,), (Instruction(ops.multiply, (0, 0)),))
    >>> expected_adjoints(program, program.values())[0]
    Adjoint(number=6.0, size=6.0, contributions=(3.0, 3.0))
    """
    parts: list[list[float]] = [[] for _ in values]
    sizes = [0.0] * len(values)
    parts[-1].append(adjoint)
    sizes[-1] = adjoint
    for index, instruction in reversed(list(program.steps())):
        if not parts[index]:
            continue
        number, size = _total(parts[index]), max(sizes[index], _NORMAL)
        for position, partial in instruction.partials(values[index], values).items():
            operand = int(instruction.operands[position])
            parts[operand].append(helper_ops.chain(number, partial))
            sizes[operand] += abs(helper_ops.chain(size, partial))
    return [
        Adjoint(_total(each), size, tuple(each)) for each, size in zip(parts, sizes, strict=True)
    ]


def _total(parts: Sequence[float]) -> float:
    try:
        return math.fsum(parts)
    except (OverflowError, ValueError):  # inf - inf
        return float(total(parts))


def tolerance(program: Program, adjoint: Adjoint) -> float:
    """Returns how far rounding may take a gradient: some ulp of the paths' sum for each step."""
    size = min(adjoint.size, 1.7e308)
    return (4 * len(program.instructions) + 8) * _ULP * size + 5e-324 * len(program.instructions)


def engine_gradients(run: Run, adjoint: float = 1.0) -> list[float]:
    """Returns what `backward` writes into the inputs. Leaves beside them keep their gradients."""
    with _others_kept(run):
        if run.output.requires_grad:
            run.output.backward(adjoint)
        return [leaf.grad for leaf in run.inputs]


@contextmanager
def _others_kept(run: Run) -> Iterator[None]:
    inputs = set(run.inputs)
    others = [value for value in _all_values(run.output) if not value.operands]
    before = [(value, value._grad) for value in others if value not in inputs]
    try:
        yield
    finally:
        for value, grad in before:
            value._grad = grad


def _all_values(root: Value) -> list[Value]:
    found, unseen = {root: None}, [root]
    while unseen:
        for operand in unseen.pop().operands:
            if operand not in found:
                found[operand] = None
                unseen.append(operand)
    return list(found)


def sweep_fault(program: Program) -> Fault | None:
    """Returns what is wrong with the engine's sweeps of a program; None if nothing is.

    The fault shows the smallest part of the program in which something is still wrong.
    """
    found = _fault(program)
    if found is None:
        return None
    try:
        smallest = _shrunk(program)
        verdict, note = _fault(smallest) or found
    except TypeError:  # the graph lost an operand, so no part of it can be computed again
        return Fault(found[0], "the graph", found[1])
    return Fault(verdict, "the sweep", note, program=smallest)


def _shrunk(program: Program) -> Program:
    """Returns the smallest part that still shows a fault."""
    smallest = next((part for part in _parts(program) if _fault(part)), program)
    while True:
        less = next((each for each in _with_one_step_less(smallest) if _fault(each)), None)
        if less is None:
            return smallest
        smallest = less


def _fault(program: Program) -> tuple[Verdict, str] | None:
    """Returns verdict and reason; None where the engine does what is expected."""
    for op, operands in program.instructions:
        if op.arity is not None and len(operands) != op.arity:
            return Verdict.TRAVERSAL, (
                f"{op.name} has {op.arity} operands and the graph holds {len(operands)} of them: "
                "an operand that is used twice is two edges"
            )
    leaves = [Value(x) for x in program.inputs]
    values = program.values(*leaves)
    numbers = [getattr(value, "data", value) for value in values]
    expected = expected_adjoints(program, numbers)
    if any(not math.isfinite(each.size) for each in expected):
        return None  # the paths of a sum of infinities have no order to be judged by
    if not isinstance(values[-1], Value) or not values[-1].requires_grad:
        return None
    values[-1].backward()
    for value, adjoint in zip(reversed(values), reversed(expected), strict=True):
        if not isinstance(value, Value) or not value.requires_grad:
            continue  # computed from plain numbers alone
        if not _met(program, value.grad, adjoint):
            return _kind_of(program, value.grad, adjoint)
    if max(adjoint.size for adjoint in expected) > _LARGEST:
        return None
    again = expected_adjoints(program, numbers, _ADJOINT)
    return _fault_of_the_second_sweep(program, leaves, values[-1], expected, again)


def _fault_of_the_second_sweep(
    program: Program,
    leaves: list[Value],
    root: Value,
    expected: list[Adjoint],
    again: list[Adjoint],
) -> tuple[Verdict, str] | None:
    before = [leaf.grad for leaf in leaves]
    root.backward(_ADJOINT)
    for leaf, held, once, new in zip(leaves, before, expected, again, strict=False):
        if _met(program, leaf.grad, Adjoint(once.number + new.number, once.size + new.size)):
            continue
        if _met(program, leaf.grad, new):
            return Verdict.NOT_ACCUMULATED, (
                "a second backward replaces the gradient that a leaf holds; it must add to it"
            )
        return Verdict.TRAVERSAL, (
            f"a second backward, from the adjoint {_ADJOINT:g}, adds {leaf.grad - held:.6g} to a "
            f"leaf's gradient where {new.number:.6g} is right: what inner nodes "
            "hold from the first backward may have been used again"
        )
    return None


def _met(program: Program, got: float, adjoint: Adjoint) -> bool:
    if math.isnan(adjoint.number):
        return True
    return abs(got - adjoint.number) <= tolerance(program, adjoint)


def _kind_of(program: Program, got: float, adjoint: Adjoint) -> tuple[Verdict, str]:
    """Returns whether contributions were lost, or something else was carried along."""
    parts = adjoint.contributions
    words = " + ".join(f"{part:.6g}" for part in parts[:6]) + (" + ..." if len(parts) > 6 else "")
    told = f"a value's gradient is {got:.6g}, and its users send {words} = {adjoint.number:.6g}"
    some = {*parts, *(_total(parts[:i] + parts[i + 1 :]) for i in range(len(parts)))}
    if len(parts) > 1 and any(_met(program, got, adjoint._replace(number=each)) for each in some):
        return Verdict.NOT_ACCUMULATED, f"{told}: contributions must add up, with +="
    return Verdict.TRAVERSAL, (
        f"{told}: a node must be complete before it passes its gradient on, and must do so once, "
        "to each operand in its place"
    )


# ---- smaller programs ----------------------------------------------------------------------------


def _parts(program: Program) -> Iterator[Program]:
    """Yields what each value of the program is made by, from the first to the last."""
    for end in range(1, len(program.instructions) + 1):
        yield Program(program.inputs, program.instructions[:end]).trimmed()


def _with_one_step_less(program: Program) -> Iterator[Program]:
    """Yields the program with one inner value turned into an input, for each inner value."""
    values = program.values()
    first = len(program.inputs)
    for k in range(len(program.instructions) - 1):
        moved = first + k

        def place(x: int, moved: int = moved) -> int:
            return first if x == moved else x + 1 if first <= x < moved else x

        rest = program.instructions[:k] + program.instructions[k + 1 :]
        instructions = tuple(instruction.renumbered(place) for instruction in rest)
        yield Program((*program.inputs, values[moved]), instructions).trimmed()
