"""Numbers that only remember, and a recording under way.

A `Recorded` is a `Value` without a number, which writes each operation on it to a tape. It refuses
what a tape can't follow: a question (`if`, `==`, `max()`), a place in a list, its `.data`. The
refusal names the line at fault and says what to write instead.

This file knows no operation and no array program.
"""

import linecache
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, NoReturn

from micrograd_notes import engine, ops
from micrograd_notes.engine import Value
from micrograd_notes.graph import described, topological_order
from micrograd_notes.lifting.tape import CONSTANT, Array, Tape
from micrograd_notes.op import Op, is_number, on_new_operation

PACKAGE = str(Path(__file__).parents[1])


class CannotLift(TypeError):
    """The function does something that a recording can't follow; the message names the line."""


# ---- numbers that only remember ------------------------------------------------------------------


class Recorded(Value):
    """A number of which only its place on the tape is known.

    It has the slots of `Value` and no other, so that a parameter can become one and be itself again
    afterwards. `_left` holds the session, `_born` the place on its tape.
    """

    __slots__ = ()

    is_recorded = True  # for `ops`, which adds up an array in one way and numbers in another

    @staticmethod
    def _apply_(op: Op, operands: tuple[Any, ...]) -> "Recorded":
        session = _session
        if session is None:
            raise CannotLift(
                "a number of a recording was kept and used after it; it has no value. Return what "
                "you need from the function, or compute it from the parameters' .data"
            )
        if len(operands) != op.arity:
            operands = op.with_defaults(operands)
        return session.apply(op, operands)

    def __bool__(self) -> bool:
        _refuse("asks whether a recorded number is true", "where(condition, a, b)")

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        _refuse("compares a recorded number with ==", "equal(a, b), a number that is 1 or 0")
        return None

    def __ne__(self, other: object) -> bool:
        if self is other:
            return False
        _refuse("compares a recorded number with !=", "1 - equal(a, b)")
        return None

    __hash__ = Value.__hash__

    def _compare(self, other: Any) -> Any:
        _refuse(
            "compares a recorded number with < or >, as `if`, max(), min() and sorted() do",
            "maximum(a, b) or minimum(a, b) in place of max() and min(), "
            "where(greater(a, b), a, b) in place of an if",
        )

    __lt__ = __le__ = __gt__ = __ge__ = _compare

    def __index__(self) -> int:
        _refuse("takes an element of a list by a recorded number", "pick(values, index)")

    def __int__(self) -> int:
        _refuse("turns a recorded number into an int", "floor(x), or pick(values, index)")

    def __float__(self) -> float:
        _refuse(
            "turns a recorded number into a float, as math.exp(x) does",
            "exp(x) from micrograd_notes, which records",
        )

    def __contains__(self, item: object) -> bool:
        _refuse("looks into a recorded number", "a list of numbers")

    @property
    def data(self) -> float:
        """Refused: there is no number yet."""
        _refuse("reads .data of a recorded number", "the number itself, without .data")

    @data.setter
    def data(self, number: float) -> None:
        _refuse("sets .data of a recorded number", "a new number: y = x + 1")

    @property
    def grad(self) -> float:
        """Refused: there is no number yet."""
        _refuse("reads .grad of a recorded number", "value_and_grad of the lifted program")

    @grad.setter
    def grad(self, number: float | None) -> None:
        _refuse("sets .grad of a recorded number", "value_and_grad of the lifted program")

    def item(self) -> float:
        """Refused: there is no number yet."""
        _refuse("reads item() of a recorded number", "the number itself")

    def backward(self, adjoint: float = 1.0) -> None:
        """Refused: the derivatives are recorded after the function has returned."""
        _refuse("calls backward() inside", "nothing: the lifted program finds the gradient")

    def detach(self) -> "Recorded":
        """Returns the same number, which no gradient flows through."""
        session = _current()
        return session.new(ops.pos, (session.index(self),), False)

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __repr__(self) -> str:
        return f"a recorded {self.op.name if self.op else 'leaf'}"

    def __copy__(self) -> "Recorded":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Recorded":
        return self


def _install(op: Op) -> None:
    """Makes a row of the table a method of `Recorded`, as the engine makes it one of `Value`."""
    apply = Recorded._apply_

    def method(*operands: Any) -> Any:
        return apply(op, operands)

    def forth(self: Any, other: Any) -> Any:
        session = _session
        if session is not None and other.__class__ is Recorded:
            if self._left is other._left is session:  # most operations, by the shortest way
                return session.record(op, (self._born, other._born))
            return session.apply(op, (self, other))
        return apply(op, (self, other)) if _is_operand(other) else NotImplemented

    def back(self: Any, other: Any) -> Any:
        return apply(op, (other, self)) if _is_operand(other) else NotImplemented

    named = getattr(Value, op.name)
    for name in [name for name, given in vars(Value).items() if given is named]:
        setattr(Recorded, name, method)  # the engine's other names of it too, as arctan for atan
    setattr(Recorded, op.name, method)
    if op.method is not None and op.is_simple and op.arity == 2:
        setattr(Recorded, f"__{op.method}__", forth)
        setattr(Recorded, f"__r{op.method}__", back)
    elif op.method is not None:
        setattr(Recorded, f"__{op.method}__", method)


def _is_operand(other: Any) -> bool:
    return isinstance(other, Value) or is_number(other)


on_new_operation(_install)


# ---- refusals ------------------------------------------------------------------------------------


def line_at_fault() -> str:
    """Returns the innermost line that is not the package's own, as a message names it."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back  # type: ignore[assignment]
    if frame is None:
        return "a line that is not known"
    file, number = frame.f_code.co_filename, frame.f_lineno
    line = linecache.getline(file, number).strip() or "(no source)"
    if "ipykernel" in file:  # whose name means nothing to a reader
        return f"line {number} of its cell: {line}"
    return f"{file}:{number}: {line}"


NO_VALUE = (
    "while recording it has no value, and the branch taken would be frozen into the program"
)


def _refuse(what: str, instead: str, why: str = NO_VALUE) -> NoReturn:
    error = CannotLift(f"{line_at_fault()}\n  {what}; {why}.\n  Write {instead}.")
    if _session is not None and _session.refused is None:
        _session.refused = error  # it is raised again if the function catches it
    raise error


# ---- a recording under way -----------------------------------------------------------------------


class Session:
    """A recording under way: the tape, and the numbers on it that a gradient flows into."""

    def __init__(self) -> None:
        self.tape = Tape()
        self.requires_grad: list[bool] = []
        self.places: dict[int, int] = {}  # of the parameters, by identity
        self.constants: dict[Any, int] = {}
        self.refused: CannotLift | None = None
        engine._clock += 1
        self.started = engine._clock  # a Value that is older comes from outside

    def new(self, op: Op | Array, operands: tuple[Any, ...], requires_grad: bool) -> Recorded:
        """Returns the number that a new entry of the tape stands for."""
        number: Recorded = object.__new__(Recorded)
        number._left = self
        number._born = self.append(op, operands, requires_grad)
        number.op = op if op.__class__ is Op else None
        number.name = None
        number.origin = None
        number._requires_grad = requires_grad
        return number

    def append(self, op: Any, operands: tuple[Any, ...], requires_grad: bool) -> int:
        """Returns the place of a new entry."""
        self.requires_grad.append(requires_grad)
        return self.tape.append(op, operands)

    def apply(self, op: Op, operands: tuple[Any, ...]) -> Recorded:
        """Records an operation of the table."""
        indices = (*map(self.index, operands),)
        if op.chooses:
            self._note_choice(op, indices)
        return self.record(op, indices)

    def record(self, op: Op, indices: tuple[int, ...]) -> Recorded:
        """Records an operation on numbers of the tape."""
        flags = self.requires_grad
        if op.is_simple:
            requires_grad = flags[indices[0]] or flags[indices[-1]]
        else:
            requires_grad = any(flags[k] and op.is_differentiated(i) for i, k in enumerate(indices))
        # `new`, written out: a function call here is a tenth of the time of a recording
        ops_so_far = self.tape.ops
        number: Recorded = object.__new__(Recorded)
        number._left = self
        number._born = len(ops_so_far)
        number.op = op
        number.name = None
        number.origin = None
        number._requires_grad = requires_grad and not engine._without_recording
        ops_so_far.append(op)
        self.tape.operands.append(indices)
        flags.append(number._requires_grad)
        return number

    def _note_choice(self, op: Op, indices: tuple[int, ...]) -> None:
        """Notes how large the numbers of an input may be that chooses among the operands."""
        index, count = self.tape.ops[indices[0]], len(indices) - 1
        if isinstance(index, Array) and index.is_whole:
            index.below = min(count, index.below or count)
        elif isinstance(index, Array) and not index.is_parameter:
            _refuse(
                f"{op.name}s by {index.name}",
                f"whole numbers into it, as {index.name}.astype(int) does",
                f"an index is a whole number, and the array {index.name} holds floats",
            )
        elif index != CONSTANT:
            _refuse(
                f"{op.name}s by a number that is computed",
                "the index into an array of whole numbers, and give that as an input",
                "only an input can be an index",
            )

    def index(self, operand: Any) -> int:
        """Returns the place of an operand on the tape."""
        kind = operand.__class__
        if kind is Recorded:
            if operand._left is self:
                return int(operand._born)
            place = self.places.get(id(operand))
            if place is None:
                raise CannotLift(
                    f"{line_at_fault()}\n  uses a number that was kept from another recording; "
                    "compute it anew in each call."
                )
            return place
        if isinstance(operand, Value):
            return self._value_from_outside(operand)
        if not is_number(operand):
            raise TypeError(f"a recorded number meets {operand!r}; it takes numbers and Values")
        return self.constant(float(operand))

    def place_of(self, thing: Any) -> int | None:
        """Returns the place of a number that an operation made; None of anything else."""
        if thing.__class__ is Recorded and thing._left is self and thing.op is not None:
            return int(thing._born)
        return None

    def constant(self, number: float) -> int:
        """Returns the place of a constant; 0.0 and -0.0 are two."""
        key = number if number else str(number)
        if key not in self.constants:
            self.constants[key] = self.append(CONSTANT, (number,), False)
        return self.constants[key]

    def _value_from_outside(self, value: Value) -> int:
        """Returns the place of a `Value` that the function made of plain numbers, as Value(0.0)."""
        for node in topological_order(value):
            if node.op is None and node._born < self.started:
                error = CannotLift(
                    f"{line_at_fault()}\n  uses {described(node)}, which is no parameter and no "
                    "input.\n  Give it in parameters=[...], or use its .data, a plain number that "
                    "becomes a constant of the program."
                )
                self.refused = self.refused or error
                raise error
        return self.constant(value._data)

    def input(self, array: Array, shape: Sequence[int]) -> Any:
        """Returns an array's numbers, in lists nested as it has axes."""
        if not shape:
            return self.new(array, (len(self._placed(array)) - 1,), False)
        return [self.input(array, shape[1:]) for _ in range(shape[0])]

    def _placed(self, array: Array) -> list[int]:
        array.where.append(len(array.where))
        return array.where


_session: Session | None = None
_one_at_a_time = RLock()  # parameters are shared, and are recorded numbers while this is held


def _current() -> Session:
    if _session is None:
        raise CannotLift("a number of a recording was kept and used after it; it has no value")
    return _session


@contextmanager
def recording(parameters: Sequence[Value], arrays: Sequence[Array]) -> Iterator[Session]:
    """Makes the parameters recorded numbers for as long as it lasts."""
    global _session
    with _one_at_a_time:
        if _session is not None:
            raise CannotLift("a function that is being recorded lifts another; lift it outside")
        session = Session()
        place_of = {
            flat: (array, place)
            for array in arrays
            if array.is_parameter
            for place, flat in enumerate(array.where)
        }
        _session = session
        try:
            for flat, parameter in enumerate(parameters):
                array, place = place_of[flat]
                at = session.append(array, (place,), parameter._requires_grad)
                session.places[id(parameter)] = at
                parameter.__class__ = Recorded
            yield session
        finally:
            _session = None
            for parameter in parameters:
                parameter.__class__ = Value
