"""Numbers that only remember, and the recording of a function.

A `Recorded` is a `Value` without a number, which writes each operation on it to a tape. It refuses
everything that a tape can't follow: a question (`if`, `in`, `max()`, `isinstance`), its use as an
index or a key, its `.data`, a copy. The refusal names the line at fault and the replacement.

`traced.py` and `guards/blame.py` call `recording`. Meanwhile a `Recorded` stands for each parameter
in the running context (see `engine/stand_ins.py`). The parameters do not change, so other threads
may use them. Read `tape.py` next.
"""

import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from threading import get_ident
from types import FrameType
from typing import Any, NoReturn, TypeVar

from micrograd_notes.common.checks import is_number
from micrograd_notes.common.users_line import PACKAGE, as_text, users_line
from micrograd_notes.engine import (
    Value,
    helper_ops,
    methods,
    modes,
    ops,
    stand_ins,
    value as engine,
)
from micrograd_notes.engine.backward import topological_order
from micrograd_notes.engine.messages import completed, described
from micrograd_notes.engine.op import Op, on_new_operation
from micrograd_notes.engine.stand_ins import standing_in
from micrograd_notes.lifting.trace import refusals
from micrograd_notes.lifting.trace.questions import asks_about_numbers
from micrograd_notes.lifting.trace.tape import CONSTANT, Array, Tape

NOT_THE_LEARNERS = (PACKAGE, sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), "<frozen")


class CannotLift(TypeError):
    """A recording can't follow the function; the message names the line."""


# ---- numbers that only remember ------------------------------------------------------------------


class Recorded(Value):
    """A number with a place on the tape but without a value.

    It has only the slots of `Value`: `_left` holds the session and `_born` the place on its tape,
    which has the rest. Walks through its graph are refused.
    """

    __slots__ = ()
    _left: Any

    is_recorded = True  # for `ops`, which adds up an array and numbers in different ways

    @staticmethod
    def _apply_(op: Op, operands: tuple[Any, ...]) -> "Recorded":
        operands = completed(op, operands)
        session: Session = next(each._left for each in operands if type(each) is Recorded)
        return session.apply(op, operands)

    def __getattr__(self, name: str) -> Any:
        """Returns what a slot would have that is not set."""
        if name in ("name", "origin"):
            return None
        if name == "_requires_grad":
            return bool(self._left.tape.flows[self._born])
        if name == "op":
            op = self._left.tape.ops[self._born]
            return op if op.__class__ is Op else None
        raise AttributeError(f"a recorded number does not have the attribute {name!r}")

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """Refuses `isinstance` for plain numbers, which it may be outside of a recording."""
        if self._left.is_open and asks_about_numbers(sys._getframe(1)):
            _refuse(
                "asks for the type of a recorded number",
                "the function so that it treats numbers and Values alike",
                "while recording it is a Value, but in the scalars it may be a float or an int",
            )
        return Recorded

    def __eq__(self, other: object) -> Any:
        return self is other or self._compared(helper_ops.equal, other, False, *refusals.EQUAL)

    def __ne__(self, other: object) -> Any:
        return self is not other and self._compared(helper_ops.equal, other, True, *refusals.UNLIKE)

    def __gt__(self, other: object) -> Any:
        return self._compared(helper_ops.greater, other, False, *refusals.ORDER)

    def __le__(self, other: object) -> Any:
        return self._compared(helper_ops.greater, other, True, *refusals.ORDER)

    def __lt__(self, other: object) -> Any:
        return self._compared(_less, other, False, *refusals.ORDER)

    def __ge__(self, other: object) -> Any:
        return self._compared(_less, other, True, *refusals.ORDER)

    def _compared(self, row: Any, other: Any, is_not: bool, *words: str) -> Any:
        """Returns the truth as a recorded 1 or 0, which only `if` and its kin can't take."""
        are_values = any(getattr(each, "_requires_grad", False) for each in (self, other))
        if (row is helper_ops.equal and are_values) or not _is_operand(other):
            _refuse(*words)  # nor does a `Value` say what it equals
        truth = 1.0 - row(self, other) if is_not else row(self, other)
        self._left.asked[truth._born] = words
        return truth

    def __bool__(self) -> bool:
        _refuse(*self._left.asked.get(self._born, refusals.TRUTH))

    def __hash__(self) -> int:
        if sys._getframe(1).f_code.co_filename.startswith(PACKAGE):
            _refuse(*refusals.WALK)
        _refuse(
            "looks a recorded number up in a dictionary or a set",
            "pick(values, index) with a list of values, where(equal(y, 1), a, b) for one case, or "
            "look it up outside and pass the result as another input",
        )

    def __repr__(self) -> str:
        return self._text(sys._getframe(1))

    def __format__(self, spec: str) -> str:
        return self._text(sys._getframe(1))

    def _text(self, asking: FrameType) -> str:
        if asking.f_code.co_filename == stand_ins.__file__ and asking.f_back:  # for a parameter
            asking = asking.f_back
        # The package's messages, and a debugger afterwards, may show it.
        if self._left.is_open and not asking.f_code.co_filename.startswith(PACKAGE):
            _refuse(
                "turns a recorded number into text, as print() and f-strings do",
                "where(condition, a, b) for a choice; print outside of the function",
            )
        return f"a recorded {self.op.name if self.op else 'leaf'}"

    @property
    def is_given(self) -> bool:
        """Whether it is a number of an input."""
        of = self._left.tape.ops[self._born]
        return isinstance(of, Array) and not of.is_parameter

    def detach(self) -> "Recorded":
        """Returns the same number, through which no gradient flows."""
        session: Session = self._left
        return session.new(ops.pos, (session.index(self),), False)


def _less(a: Any, b: Any) -> Any:
    return helper_ops.greater(b, a)


def _refusing(*words: str) -> Any:
    def refuse(self: Any, *arguments: Any) -> NoReturn:
        _refuse(*words)

    return refuse


for _name in {*dir(float), *dir(int)} - {*dir(object), *vars(Recorded)}:  # rows come back below
    _refused = _refusing(
        f"asks a recorded number for {_name}",
        "it with the operations of micrograd_notes, or calculate it outside, and pass the result "
        "as another input",
    )
    setattr(Recorded, _name, _refused if _name.startswith("__") else property(_refused))
for _names, _words in refusals.METHODS.items():
    for _name in _names.split():
        setattr(Recorded, _name, _refusing(*_words))
for _names, _words in refusals.READ.items():
    for _name in _names.split():
        setattr(Recorded, _name, property(_refusing(*_words)))
for _name, _words in refusals.SET.items():
    setattr(Recorded, _name, getattr(Recorded, _name).setter(_refusing(*_words)))


def _install(op: Op) -> None:
    """Makes an operation a method of `Recorded`, as it is one of `Value`."""
    apply, create, in_use = Recorded._apply_, object.__new__, modes.in_use

    def method(*operands: Any) -> Any:
        return apply(op, operands)

    def between(name: str, is_turned: bool) -> Any:
        def symbol(self: Any, other: Any) -> Any:
            session = self._left
            if type(other) is not Recorded:
                other = session.stand_ins.get(id(other), other)
            is_ours = type(other) is Recorded and other._left is session and session.is_open
            if is_ours and session.is_plain and len(in_use) == 1:  # most operations
                # `session.record`, written out: a call takes a fifth of a recording's time
                a, b = (other._born, self._born) if is_turned else (self._born, other._born)
                tape = session.tape
                flags = tape.flows
                made = create(Recorded)
                made._left, made._born = session, len(flags)
                flags.append(flags[a] or flags[b])
                tape.ops.append(op)
                flat = tape.operands.flat
                flat.append(a)
                flat.append(b)
                tape.operands.first.append(len(flat))
            else:
                a, b = (other, self) if is_turned else (self, other)
                made = apply(op, (a, b)) if _is_operand(other) else NotImplemented
            if session.listener is not None and get_ident() == session.thread:
                sys.settrace(session.listener)
            return made

        symbol.__qualname__ = f"Value.{name}"
        return symbol

    for name in [name for name, row in methods.row_of_method.items() if row == op.name]:
        setattr(Recorded, name, method)  # the engine's other names of it too, as arctan for atan
    if op.method is not None and op.is_simple and op.arity == 2:
        for name, is_turned in ((f"__{op.method}__", False), (f"__r{op.method}__", True)):
            setattr(Recorded, name, between(name, is_turned))


def _is_operand(other: Any) -> bool:
    return isinstance(other, Value) or is_number(other)


on_new_operation(_install)


# ---- refusals ------------------------------------------------------------------------------------


def line_at_fault() -> str:
    """Returns the innermost line that is the learner's own, as a message names it."""
    return as_text(users_line(NOT_THE_LEARNERS))


def _refuse(what: str, instead: str, why: str = refusals.NO_VALUE) -> NoReturn:
    _raise(f"{line_at_fault()}\n  {what}; {why}.\n  Write {instead}.")


def _raise(message: str) -> NoReturn:
    """Raises the error, which is raised again if the function catches it."""
    error, session = CannotLift(message), _session.get()
    if session is not None:
        session.refused = session.refused or error
    raise error


# ---- recording -----------------------------------------------------------------------------------


class Session:
    """The state of a recording."""

    operator = vars(Recorded)["__add__"].__code__  # of + and the like
    is_plain = True  # they need not call `record`

    def __init__(self) -> None:
        self.tape = Tape()
        self.stand_ins: dict[int, Recorded] = {}  # for the parameters, by identity
        self.asked: dict[int, tuple[str, ...]] = {}  # truths, and why one can't ask for them
        self.refused: CannotLift | None = None
        self.is_open = True
        self.listener: Any = None  # an operator turns it on again, in this thread: see `words.py`
        self.thread = get_ident()
        engine.clock += 1
        self.started = engine.clock  # an older Value comes from outside

    def new(self, op: Op | Array | str, operands: tuple[Any, ...], requires_grad: bool) -> Recorded:
        """Returns the number of a new entry of the tape."""
        return self.at(self.tape.append(op, operands, requires_grad))

    def at(self, place: int) -> Recorded:
        """Returns the number at a place of the tape."""
        number: Recorded = object.__new__(Recorded)
        number._left = self
        number._born = place
        return number

    def apply(self, op: Op, operands: tuple[Any, ...]) -> Recorded:
        """Records an operation of the table."""
        if not self.is_open:
            _raise(
                f"{line_at_fault()}\n  uses a number that was kept after its recording, but it "
                "does not have a value. Return what you need from the function, or compute it from "
                "the parameters' .data."
            )
        indices = (*map(self.index, operands),)
        if op.chooses:
            self._note_choice(op, indices)
        return self.record(op, indices)

    def record(self, op: Op, indices: tuple[int, ...]) -> Recorded:
        """Records an operation on numbers of the tape."""
        flags = self.tape.flows
        if op.is_simple:
            requires_grad = flags[indices[0]] or flags[indices[-1]]
        else:
            requires_grad = any(flags[k] and op.is_differentiated(i) for i, k in enumerate(indices))
        if len(modes.in_use) > 1:  # one is the recording's own
            requires_grad = requires_grad and not modes.asked().forgets
        return self.new(op, indices, bool(requires_grad))

    def _note_choice(self, op: Op, indices: tuple[int, ...]) -> None:
        """Notes the bound for the numbers of an input that chooses among the operands."""
        index, count = self.tape.ops[indices[0]], len(indices) - 1
        if isinstance(index, Array) and index.is_whole:
            index.below = min(count, index.below or count)
        elif isinstance(index, Array) and not index.is_parameter:
            _refuse(
                f"{op.name}s by {index.name}",
                f"whole numbers into it, as np.asarray({index.name}, int) does",
                f"an index must be a whole number, but {index.name} holds floats",
            )
        elif index != CONSTANT:
            _refuse(
                f"{op.name}s by a computed number",
                "the index into an array of whole numbers, and pass that as an input; or "
                "pick([pick(row, j) for row in rows], i) for row i and column j",
                "only an input can be an index",
            )

    def index(self, operand: Any) -> int:
        """Returns the place of an operand on the tape."""
        operand = self.stand_ins.get(id(operand), operand)
        if type(operand) is Recorded:
            if operand._left is self:
                return int(operand._born)
            _raise(
                f"{line_at_fault()}\n  uses a number that was kept from another recording. "
                "Compute it again in each call."
            )
        if isinstance(operand, Value):
            return self._value_from_outside(operand)
        if not is_number(operand):
            raise TypeError(f"operands must be numbers or Values, got {operand!r}")
        return self.tape.constant(float(operand))

    def place_of(self, thing: Any) -> int | None:
        """Returns the place of a number that an operation made; None for anything else."""
        if type(thing) is not Recorded or thing._left is not self:
            return None
        return int(thing._born) if self.tape.ops[thing._born].__class__ is Op else None

    def _value_from_outside(self, value: Value) -> int:
        """Returns the place of a `Value` that the function made from numbers, as Value(0.0)."""
        for node in topological_order(value):
            if node.op is None and node._born < self.started:
                _raise(
                    f"{line_at_fault()}\n  uses {described(node)}, which is not a parameter or an "
                    "input.\n  Pass it in parameters=[...], or use its .data, a plain number "
                    "that becomes a constant of the program."
                )
        return self.tape.constant(value._data)

    def leaves(self, array: Array, requires_grad: bytes) -> list[Recorded]:
        """Returns the numbers of an array, one after another."""
        numbers = [*map(object.__new__, [Recorded] * len(requires_grad))]
        for number, place in zip(numbers, self.tape.leaves(array, requires_grad), strict=True):
            number._left, number._born = self, place
        return numbers

    def inputs(self, arrays: Sequence[Array]) -> list[Any]:
        """Returns the arguments of the function: lists nested like each array that is an input."""
        given: list[Any] = []
        for array in [array for array in arrays if not array.is_parameter]:
            array.where = range(array.size)
            numbers: list[Any] = self.leaves(array, bytes(array.size))
            for size in array.shape[:0:-1]:
                numbers = [numbers[k : k + size] for k in range(0, len(numbers), size)]
            given.append(numbers if array.shape else numbers[0])
        return given


S = TypeVar("S", bound=Session)
_session: ContextVar[Session | None] = ContextVar("the recording under way", default=None)


@contextmanager
def recording(
    parameters: Sequence[Value], arrays: Sequence[Array], kind: Callable[[], S]
) -> Iterator[S]:
    """Lets recorded numbers stand for the parameters inside, in this context."""
    if _session.get() is not None:
        raise CannotLift("the function lifts another one while it is recorded. Lift it outside")
    session = kind()
    for array in arrays:
        if array.is_parameter:
            mine = [parameters[flat] for flat in array.where]
            numbers = session.leaves(array, bytes([p._requires_grad for p in mine]))
            session.stand_ins |= zip(map(id, mine), numbers, strict=True)
    token = _session.set(session)
    try:
        with standing_in(session.stand_ins):
            yield session
    finally:
        session.is_open = False
        session.stand_ins.clear()  # each has a reference to the session, too
        _session.reset(token)
