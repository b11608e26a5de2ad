"""Programs: graphs as data, which can be drawn at random, evaluated, recorded and printed.

A program is a list of instructions, each a row of the table and its operands: earlier values, or
plain numbers. It runs on floats, on `Value`s and on numbers of many digits, so an oracle can judge
an engine by it. A recorded graph is read by a walk that shares nothing with the engine's.
"""

import math
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from micrograd_notes.engine import Value, helper_ops, ops
from micrograd_notes.engine.op import Op, built_in_rows


class Instruction(NamedTuple):
    """One row and what it is applied to: an int is the index of an earlier value, a float itself.

    >>> double = Instruction(ops.multiply, (0, 2.0))
    >>> double
    Instruction(op=Op(multiply), operands=(0, 2.0))
    >>> double.applied_to([3.0]), double.wanted()
    ((3.0, 2.0), [0])
    """

    op: Op
    operands: tuple[int | float, ...]

    def applied_to(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Returns the operands, with the values that the indices stand for."""
        return tuple([values[x] if x.__class__ is int else x for x in self.operands])

    def read(self) -> set[int]:
        """Returns the indices of the values that it uses."""
        return {x for x in self.operands if isinstance(x, int)}

    def wanted(self) -> list[int]:
        """Returns the positions of the operands that a gradient flows into."""
        return [
            i for i, x in enumerate(self.operands)
            if x.__class__ is int and self.op.is_differentiated(i)
        ]

    def partials(self, result: float, values: Sequence[Any]) -> dict[int, float]:
        """Returns the local partials by the positions of their operands."""
        wanted = self.wanted()
        numbers = self.op.local_partials(wanted, result, self.applied_to(values))
        return dict(zip(wanted, map(float, numbers), strict=True))

    def number(self, values: Sequence[float]) -> float | None:
        """Returns the result, or None where it or a partial is not finite, or nothing flows.

        A rule that raises, or returns no numbers, is left for a check to find.
        """
        if not self.wanted():
            return None
        try:
            number = float(self.op.forward(*self.applied_to(values)))
        except (ArithmeticError, ValueError):
            return None
        try:
            is_finite = all(map(math.isfinite, self.partials(number, values).values()))
        except Exception:
            is_finite = True
        return number if math.isfinite(number) and is_finite else None

    def renumbered(self, place: Callable[[int], int]) -> "Instruction":
        """Returns the instruction with other indices."""
        xs = [place(x) if x.__class__ is int else x for x in self.operands]
        return Instruction(self.op, tuple(xs))


@dataclass(frozen=True)
class Program:
    """Inputs, and instructions that make a value each. The last value is the result.

    >>> program = Program((3.0,), (Instruction(ops.multiply, (0, 0)), Instruction(ops.sin, (1,))))
    >>> program.values()
    [3.0, 9.0, 0.4121184852417566]
    >>> print(program.source())
    from micrograd_notes.engine import Value
    from micrograd_notes.engine.ops import sin
    <BLANKLINE>
    x0 = Value(3.0)
    v1 = x0 * x0
    v2 = sin(v1)
    v2.backward()
    print(x0.grad)
    """

    inputs: tuple[float, ...]
    instructions: tuple[Instruction, ...]

    def values(self, *inputs: Any) -> list[Any]:
        """Returns every value, the inputs first, in the kind of number that the inputs are.

        Raises:
            ValueError: the number of inputs is another than the program has.
        """
        values: list[Any] = list(inputs or self.inputs)
        if len(values) != len(self.inputs):
            raise ValueError(f"the program has {len(self.inputs)} inputs, got {len(values)}")
        for instruction in self.instructions:
            values.append(instruction.op(*instruction.applied_to(values)))
        return values

    def steps(self) -> Iterator[tuple[int, Instruction]]:
        """Yields the index of each value that an instruction makes, and the instruction."""
        return enumerate(self.instructions, start=len(self.inputs))

    def trimmed(self, keeps_inputs: bool = False) -> "Program":
        """Returns the program without what its result does not depend on.

        >>> unused = Instruction(ops.sin, (0,))
        >>> Program((3.0, 4.0), (unused, Instruction(ops.exp, (1,)))).trimmed()
        Program((4.0,), (Instruction(ops.exp, (0,)),))
        """
        used = {len(self.inputs) + len(self.instructions) - 1}
        for index, instruction in reversed(list(self.steps())):
            if index in used:
                used |= instruction.read()
        if keeps_inputs:
            used |= set(range(len(self.inputs)))
        place = {old: new for new, old in enumerate(sorted(used))}
        kept = [step.renumbered(place.__getitem__) for i, step in self.steps() if i in used]
        return Program(tuple(x for i, x in enumerate(self.inputs) if i in used), tuple(kept))

    def __call__(self, *inputs: Any) -> Any:
        """Returns the last value.

        >>> Program((2.0,), (Instruction(ops.add, (0, 1.0)),))(5.0)
        6.0
        """
        return self.values(*inputs)[-1]

    def source(self) -> str:
        """Returns Python that computes the result and its gradients, ready to be pasted."""
        functions = {op for op, _ in self.instructions if not _is_operator(op)}
        imported = sorted(op.name for op in functions if _is_importable(op))
        registered = sorted(op.name for op in functions if not _is_importable(op))
        lines = ["from micrograd_notes.engine import Value"]
        if registered:
            lines.append("from micrograd_notes.engine.op import lookup")
        if imported:
            lines.append(f"from micrograd_notes.engine.ops import {', '.join(imported)}")
        lines.append("")
        lines += [f"{name} = lookup({name!r})" for name in registered]
        lines += [f"{self.name(i)} = Value({_literal(x)})" for i, x in enumerate(self.inputs)]
        for i, instruction in self.steps():
            lines.append(f"{self.name(i)} = {self._call(instruction)}")
        lines.append(f"{self.name(len(self.inputs) + len(self.instructions) - 1)}.backward()")
        names = ", ".join(f"{self.name(i)}.grad" for i in range(len(self.inputs)))
        return "\n".join([*lines, f"print({names})"])

    def name(self, index: int) -> str:
        """Returns what the source calls a value: `x0` an input, `v3` a result."""
        return f"x{index}" if index < len(self.inputs) else f"v{index}"

    def _call(self, instruction: Instruction) -> str:
        op, operands = instruction
        words = [self.name(x) if x.__class__ is int else _literal(x) for x in operands]
        if not _is_operator(op):
            return f"{op.name}({', '.join(words)})"
        if len(words) == 1:
            return f"{op.symbol}{words[0]}"
        left, right = words
        # -2.0 ** v is -(2.0 ** v)
        return f"{f'({left})' if left.startswith('-') else left} {op.symbol} {right}"

    def __repr__(self) -> str:
        """Returns it as Python, where `Instruction`, `Program` and the module `ops` are known.

        A custom operation is looked up in the table.
        """
        steps = [f"Instruction({_row(op)}, {_tuple(xs)})" for op, xs in self.instructions]
        return f"Program({_tuple(self.inputs)}, ({_joined(steps)}))"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Prints it so in Hypothesis and in notebooks, which spell data classes field by field."""
        printer.text(repr(self))

    @classmethod
    def recorded(cls, root: Value, inputs: Sequence[Value]) -> "Program":
        """Returns the program that a graph records, as a function of the inputs.

        Other leaves become plain numbers. The program leaves out what an input was made from.

        >>> x = Value(3.0)
        >>> Program.recorded(x * 2, [x])
        Program((3.0,), (Instruction(ops.multiply, (0, 2.0)),))
        """
        index: dict[Value, int] = {value: i for i, value in enumerate(inputs)}
        instructions: list[Instruction] = []
        for value in _made(root, index):
            assert value.op is not None
            operands = (index.get(x, x.data) for x in value.operands)
            instructions.append(Instruction(value.op, tuple(operands)))
            index[value] = len(inputs) + len(instructions) - 1
        if not instructions:  # the result is an input or a plain number, and has to come last
            instructions.append(Instruction(ops.pos, (index.get(root, root.data),)))
        return cls(tuple(value.data for value in inputs), tuple(instructions))


def _made(root: Value, given: Iterable[Value]) -> Iterator[Value]:
    """Yields each value that the root is made from, once all of its operands were yielded.

    It goes from the leaves up, and `topological_order` down from the root, so each can be compared
    with the other.
    """
    found: dict[Value, None] = {root: None}
    stop = set(given)
    users: dict[Value, list[Value]] = {}
    waiting: dict[Value, int] = {}
    unseen = [root]
    while unseen:
        value = unseen.pop()
        operands = () if value in stop else value.operands
        waiting[value] = len(operands)
        for operand in operands:
            users.setdefault(operand, []).append(value)
            if operand not in found:
                found[operand] = None
                unseen.append(operand)
    ready = [value for value in reversed(found) if waiting[value] == 0]
    while ready:
        value = ready.pop()
        if value not in stop and value.op is not None:
            yield value
        for user in users.get(value, ()):
            waiting[user] -= 1
            if waiting[user] == 0:
                ready.append(user)


def _is_operator(op: Op) -> bool:
    """Returns whether Python has an operator for it, `a + b`; that is then the row's symbol."""
    return op.method is not None and not op.symbol.isidentifier()


def _is_importable(op: Op) -> bool:
    """Returns whether `ops` has it by its name; `pick` there is a function that uses the row."""
    return getattr(ops, op.name, None) is op


def _row(op: Op) -> str:
    return f"ops.{op.name}" if _is_importable(op) else f"ops.lookup({op.name!r})"


def _tuple(numbers: Sequence[int | float]) -> str:
    return f"({_joined([repr(x) if x.__class__ is int else _literal(x) for x in numbers])})"


def _joined(words: Sequence[str]) -> str:
    return f"{words[0]}," if len(words) == 1 else ", ".join(words)


def _literal(x: float) -> str:
    return repr(float(x)) if math.isfinite(x) else f"float({str(x)!r})"


# ---- at random -----------------------------------------------------------------------------------

def most_used_first(rows: Iterable[Op]) -> list[Op]:
    """Returns the rows of the page of calculus first, then those that derivatives need."""
    return sorted(rows, key=lambda op: getattr(helper_ops, op.name, None) is op)


BUILT_IN: tuple[Op, ...] = tuple(most_used_first(built_in_rows()))
"""The rows that come with the package."""

LEAST_SHARED = 0.3
"""At least this share of the values of a random program is used more than once."""


def log_uniform(generator: random.Random) -> float:
    """Returns a number of any size from 1e-8 to 1e8, of either sign."""
    return generator.choice([-1.0, 1.0]) * math.pow(10.0, generator.uniform(-8.0, 8.0))


def random_program(
    generator: random.Random,
    least: int = 5,
    most: int = 60,
    rows: tuple[Op, ...] = BUILT_IN,
    number: Callable[[random.Random], float] = log_uniform,
) -> Program:
    """Returns a program drawn from one fixed distribution.

    It has `least` to `most` values, sizes log-uniform, one to six of them inputs, and the result
    depends on each. At least three in ten values are used more than once. All values and local
    partials are finite, and every value has a gradient.

    >>> program = random_program(random.Random(1), most=12)
    >>> len(program.values()) <= 12
    True
    """
    size = min(int(least * ((most + 1) / least) ** generator.random()), most)
    while True:
        inputs = [number(generator) for _ in range(generator.randint(1, min(6, size - 1)))]
        drawing = _Drawing(generator, inputs)
        if drawing.grow(size, rows) and drawing.share_of_shared() >= LEAST_SHARED:
            return Program(tuple(inputs), tuple(drawing.instructions))


class _Drawing:
    """A program that is being drawn, with the number and the count of uses of each value."""

    def __init__(self, generator: random.Random, inputs: list[float]) -> None:
        self.generator = generator
        self.numbers = list(inputs)
        self.uses = [0] * len(inputs)
        self.unused = list(range(len(inputs)))
        self.instructions: list[Instruction] = []

    def grow(self, size: int, rows: tuple[Op, ...]) -> bool:
        """Draws instructions until there are so many values, one of them unused: the result."""
        everything, merging = _often(rows)
        for left in range(size - len(self.numbers), 0, -1):
            # An instruction can leave one value fewer unused than before.
            merges = len(self.unused) > left
            among = merging if merges else everything
            if not any(self._draws(self.generator.choice(among), merges) for _ in range(200)):
                return False
        return len(self.unused) == 1

    def share_of_shared(self) -> float:
        return sum(count > 1 for count in self.uses) / len(self.uses)

    def _draws(self, op: Op, merges: bool) -> bool:
        """Appends an instruction of the row, if it is defined on the operands that are drawn."""
        instruction = Instruction(op, self._operands(op, merges))
        number = instruction.number(self.numbers)
        if number is None:
            return False
        if merges and not any(instruction.partials(number, self.numbers).values()):
            return False  # at the top of a program, it would leave all beneath without a gradient
        self.instructions.append(instruction)
        for x in instruction.operands:
            if x.__class__ is int:
                self.uses[x] += 1
        self.unused = [i for i in self.unused if self.uses[i] == 0] + [len(self.numbers)]
        self.numbers.append(number)
        self.uses.append(0)
        return True

    def _operands(self, op: Op, merges: bool) -> tuple[int | float, ...]:
        arity = op.arity or self.generator.randint(2, 4)
        has_a_setting = _has_a_setting(op)
        drawn = arity - has_a_setting
        operands: list[int | float] = []
        if merges:
            operands += self.generator.sample(self.unused, min(2, drawn, len(self.unused)))
        while len(operands) < drawn:
            operands.append(self._operand())
        self.generator.shuffle(operands)
        if has_a_setting:
            operands.append(float(self.generator.randint(0, 3)))
        return tuple(operands)

    def _operand(self) -> int | float:
        kind = self.generator.random()
        if kind < 0.06:
            return self.generator.choice([-2.0, -1.0, 0.5, 1.0, 2.0, 3.0])
        if kind < 0.4:
            return self.generator.choice(self.unused)
        return self.generator.randrange(len(self.numbers))


@cache
def _often(rows: tuple[Op, ...]) -> tuple[tuple[Op, ...], tuple[Op, ...]]:
    """Returns the rows to draw from, and those that can merge two values.

    A row is there as often as it has operands: only rows with several of them share values.
    """
    everything = tuple(op for op in rows for _ in range(op.arity or 3))
    return everything, tuple(op for op in everything if (op.arity or 3) - _has_a_setting(op) > 1)


def _has_a_setting(op: Op) -> bool:
    """Returns whether its last operand is not differentiated: a bound, an order, a count."""
    return op.arity is not None and op.arity > 1 and not op.is_differentiated(op.arity - 1)
