"""The function around the point, in many digits or in floats, by the programs that it records.

Where both sides of the point record one program, that is evaluated again in many digits. Where the
function branches in Python, each side has its own program. Where a plain number in the graph
changes with the inputs, only the function's values are known. `gradcheck` makes a `Surroundings`.
"""

import math
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import mpmath

from micrograd_notes.testing.diagnosis.subject import UNDEFINED, Subject
from micrograd_notes.testing.numbers.ladder import FORMULA, STAIR, ladder
from micrograd_notes.testing.numbers.numeric import Derivative
from micrograd_notes.testing.numbers.precise import OpaqueError, Precise, is_read, mp
from micrograd_notes.testing.numbers.quotients import (
    is_constant_near,
    limit_of_quotients,
    smallest_length,
    sum_of_mixed,
)
from micrograd_notes.testing.programs.random_programs import Instruction, Program

__all__ = ["Surroundings", "shape_of"]


def shape_of(program: Program) -> tuple[Any, ...]:
    """Returns the instructions of a program, in a form in which a nan equals itself."""
    return tuple((op.name, tuple(map(repr, operands))) for op, operands in program.instructions)


class Surroundings:
    """The function near the point, as far as its recorded programs tell."""

    def __init__(self, subject: Subject, program: Program) -> None:
        self.subject = subject
        self.program = program
        self.refusal: Exception | None = None  # what the function raised somewhere near the point
        self.is_opaque = self._holds_numbers_that_move()
        self._precise = Reevaluated(program)

    def _holds_numbers_that_move(self) -> bool:
        """Returns whether a plain number in the graph changes with the inputs."""
        generator = random.Random(1)
        for part in (1e-3, 1e-6, 1e-9):
            numbers = [
                x + generator.choice((-1, 1)) * part * (abs(x) or 1.0)
                for x in self.subject.numbers
            ]
            other = self._recorded(numbers)
            if other is not None and wiring_of(other) == wiring_of(self.program):
                return shape_of(other) != shape_of(self.program)
        return False

    def _recorded(self, numbers: Sequence[float]) -> Program | None:
        try:
            return self.subject.run(numbers).program
        except UNDEFINED as error:
            self.refusal = error
            return None

    def derivative(self, index: int, stair: float = STAIR) -> Derivative:
        """Returns the numeric derivative in one input."""
        x = self.subject.numbers[index]
        by_formula = {op for op, _ in self.program.instructions if op.mpmath is None}
        found = None
        with suppress(OpaqueError):
            if not self.is_opaque:
                function = self._in_many_digits(index)
                length = self._precise.length
                found = limit_of_quotients(function, x, self._precise.extra, length)
                found = None if by_formula and is_constant_near(function, x) else found
        # A float that underflowed, as exp(-1e6) to 0, may be where mathematics has no value.
        if found is None or not found.sides:
            return ladder(self._in_floats(index), x, stair)
        return found.known_to(FORMULA) if any(map(is_read, by_formula)) else found

    def frozen(self, index: int) -> Derivative:
        """Returns the derivative of the graph, with the plain numbers of the point kept."""
        x = self.subject.numbers[index]
        try:
            function, precise = partial(self._precise.along, index), self._precise
            return limit_of_quotients(function, x, precise.extra, precise.length)
        except OpaqueError:
            inputs = self.program.inputs
            return ladder(lambda t: self.program(*inputs[:index], t, *inputs[index + 1 :]), x)

    def _in_floats(self, index: int) -> Callable[[float], float]:
        numbers = self.subject.numbers
        return lambda t: self.subject.number([*numbers[:index], t, *numbers[index + 1 :]])

    def _in_many_digits(self, index: int) -> Callable[[Any], Any]:
        """Returns the function of one input: on each side of the point what is recorded there."""
        numbers = self.subject.numbers
        x = numbers[index]
        step = 4 * math.ulp(x) if x else 1e-300
        sides = {
            sign: self._recorded([*numbers[:index], x + sign * step, *numbers[index + 1 :]])
            for sign in (-1, 1)
        }
        evaluated = {sign: self._reevaluated(side) for sign, side in sides.items()}
        evaluated[0] = self._precise

        def function(t: Any) -> Any:
            side = evaluated[int(mp.sign(t - x))]
            return mp.nan if side is None else side.along(index, t)

        return function

    def _reevaluated(self, side: Program | None) -> "Reevaluated | None":
        if side is None:
            return None
        if shape_of(side) == shape_of(self.program):
            return self._precise
        return Reevaluated(Program(self.program.inputs, side.instructions))

    def moved_by_rounding(self, index: int) -> float:
        """Returns how far the derivative moves, for each part by which the inputs do."""
        try:
            with mp.workdps(120 + self._precise.extra):
                part = mpmath.mpf(10) ** -20
                return sum_of_mixed(self._precise.moved, index, self.program.inputs, part)
        except OpaqueError:
            return 0.0

    def size_nearby(self, index: int) -> float:
        """Returns how large the derivative is nearby, at distances up to |x|, or 1 if that is more.

        A derivative that is near 0 only here cannot have more digits than its terms.
        """
        x = self.subject.numbers[index]
        scale = max(abs(x), 1.0)
        sizes = [0.0]
        for part in (-1.0, -0.25, 0.25, 1.0):
            try:
                with mp.workdps(60):
                    at, step = mpmath.mpf(x + part * scale), mpmath.mpf(10) ** -20
                    rise = self._precise.along(index, at + step) - self._precise.along(index, at)
                sizes.append(abs(float(rise / step)))
            except (OpaqueError, OverflowError, MemoryError):
                continue
        return max(size for size in sizes if math.isfinite(size))


def wiring_of(program: Program) -> tuple[Any, ...]:
    """Returns the instructions without their plain numbers."""
    return tuple(
        (op.name, tuple(x if isinstance(x, int) else None for x in operands))
        for op, operands in program.instructions
    )


def _numbers_in(program: Program) -> list[float]:
    """Returns every number that meets others in a program: values, and plain numbers."""
    plain = [x for _, operands in program.instructions for x in operands if not isinstance(x, int)]
    try:
        return [*program.values(), *plain]
    except (ArithmeticError, ValueError):  # the program of the other side of the point
        return [*program.inputs, *plain]


class Reevaluated:
    """A program in many digits. It keeps the values that do not depend on the input that moves."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._known: dict[int, list[Any]] = {}
        self._users: dict[tuple[int, ...], list[tuple[int, Instruction]]] = {}
        exponents = [abs(math.log10(abs(x))) for x in program.inputs if x]
        self.extra = int(2 * max(exponents, default=0.0))
        self.length = smallest_length(_numbers_in(program))

    def along(self, index: int, t: Any) -> Any:
        """Returns the result where one input is t; nan where it is not defined."""
        return self.moved({index: t})

    def moved(self, moved: dict[int, Any]) -> Any:
        """Returns the result where the values at some indices are other numbers."""
        values = self._at_the_point()
        changed: dict[int, Any] = {index: Precise(t) for index, t in moved.items()}
        for index, (op, operands) in self._depending_on(tuple(moved)):
            changed[index] = op(
                *[changed.get(x, values[x]) if isinstance(x, int) else x for x in operands]
            )
        last = len(values) - 1
        result = changed.get(last, values[last])
        return result.number if isinstance(result, Precise) else mpmath.mpf(result)

    def _at_the_point(self) -> list[Any]:
        if mp.prec not in self._known:
            self._known[mp.prec] = self.program.values(*map(Precise, self.program.inputs))
        return self._known[mp.prec]

    def _depending_on(self, indices: tuple[int, ...]) -> list[tuple[int, Instruction]]:
        if indices not in self._users:
            reached = set(indices)
            self._users[indices] = []
            for index, instruction in self.program.steps():
                if index not in reached and not reached.isdisjoint(instruction.read()):
                    reached.add(index)
                    self._users[indices].append((index, instruction))
        return self._users[indices]
