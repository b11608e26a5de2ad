"""The tape: a program of scalar operations, each on earlier ones, which the passes pass on.

Entry i of its lists is the origin of number i: an operation of the table with the indices of its
operands, or a leaf (a place in an array), or a constant. Operands come before results, so a tape is
in topological order. Here `add` may have any number of operands, even one. Read `record.py` next,
which writes a tape.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from math import prod
from typing import Any

from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.trace.words import Name

CONSTANT = "constant"


@dataclass(eq=False)
class Array:
    """An array whose places are leaves of a tape: a parameter, or an input of the function.

    For a parameter, `where` holds the index in the flat vector of each place.
    """

    name: str
    shape: tuple[int, ...]
    is_parameter: bool
    is_batched: bool = False
    is_whole: bool = False  # whole numbers: labels and tokens
    where: Sequence[int] = field(default_factory=list)
    below: int | None = None  # of whole numbers that choose: how many there are to choose from

    @property
    def size(self) -> int:
        """The number of its places."""
        return prod(self.shape)


@dataclass(eq=False)
class Start(Array):
    """The numbers that a recurrence starts with, as an array of leaves (see `starts.py`).

    For a leaf, `where` holds the index in `Recording.alive` of the state after the last step.
    """

    is_data: bool = False  # whether the state comes to depend on an input
    numbers: list[float] = field(default_factory=list)
    lanes: list[int] = field(default_factory=list)  # of the leaves, once it lies like that state


class Tape:
    """A program of scalar operations."""

    def __init__(self) -> None:
        self.ops: list[Op | Array | str] = []
        self.operands: list[tuple[Any, ...]] = []  # of a leaf (place,), of a constant (number,)
        self.names: dict[int, Name] = {}  # the names of numbers, with their quality
        self.adjoint_of: dict[int, int] = {}  # for an adjoint, the number whose adjoint it is
        self.kept: set[int] = set()  # sums that stay apart from the sum that reads them

    def __len__(self) -> int:
        return len(self.ops)

    def append(self, op: Op | Array | str, operands: tuple[Any, ...]) -> int:
        """Returns the index of a new entry."""
        self.ops.append(op)
        self.operands.append(operands)
        return len(self.ops) - 1

    def reachable(self, roots: Iterable[int]) -> list[int]:
        """Returns the indices of everything below the roots, in the tape's order."""
        ops, operands, needed = self.ops, self.operands, bytearray(len(self))
        for root in roots:
            needed[root] = 1
        for i in range(len(self) - 1, -1, -1):
            if needed[i] and ops[i].__class__ is Op:
                for operand in operands[i]:
                    needed[operand] = 1
        return [*compress(range(len(self)), needed)]

    def text(self, limit: int = 12) -> str:
        """Returns the first and last operations as lines that a person can read."""
        made = [i for i, op in enumerate(self.ops) if isinstance(op, Op)]
        lines = [f"    %{i} = {self.spelled(i)}" for i in made]
        if len(made) > limit:
            lines[limit // 2 : -(limit - limit // 2)] = ["    ..."]
        return "\n".join(lines)

    def spelled(self, i: int) -> str:
        """Returns a number's operation, on numbers like %3, places of arrays and constants."""
        op, operands = self.ops[i], self.operands[i]
        if isinstance(op, Array):
            place = ", ".join(map(str, places(operands[0], op.shape)))
            return f"{op.name}[{place}]" if place else op.name
        if isinstance(op, str):
            return repr(operands[0])
        made = [f"%{k}" if isinstance(self.ops[k], Op) else self.spelled(k) for k in operands[:6]]
        return f"{op.name}({', '.join([*made, *(['...'] if len(operands) > 6 else [])])})"


def places(place: int, shape: Sequence[int]) -> list[int]:
    """Returns the index in each axis of a place that is counted through the whole array."""
    index = []
    for size in reversed(shape):
        place, at = divmod(place, size)
        index.append(at)
    return index[::-1]


@dataclass
class Recording:
    """A tape, and the numbers of it that are results.

    `outputs` are the numbers that the function returned; `gradient` has the derivative for an index
    in the flat vector of parameters.
    """

    tape: Tape
    arrays: list[Array]
    outputs: list[int]
    output_shape: tuple[int, ...]
    gradient: Mapping[int, int] = field(default_factory=dict)
    parameter_count: int = 0
    is_loss: bool = True
    is_batched: bool = True  # one example was recorded, and runs for each of a batch
    alive: list[int] = field(default_factory=list)  # so that the last steps are like the others

    @property
    def roots(self) -> list[int]:
        """Every number that is a result."""
        return [*self.outputs, *self.gradient.values(), *self.alive]

    def moved(self, tape: Tape, place: Sequence[int]) -> "Recording":
        """Returns the recording on a new tape, with the new place of each number, or -1."""
        old = self.tape
        tape.kept |= {place[i] for i in old.kept if place[i] >= 0}
        for adjoint, of in old.adjoint_of.items():
            if place[adjoint] >= 0 and place[of] >= 0:
                tape.adjoint_of.setdefault(place[adjoint], place[of])
        for named, name in old.names.items():
            if (at := place[named]) >= 0:
                tape.names[at] = min(name, tape.names.get(at, name))
        return replace(
            self,
            tape=tape,
            outputs=[place[i] for i in self.outputs],
            gradient={flat: place[i] for flat, i in self.gradient.items()},
            alive=[place[i] for i in self.alive],
        )

    def without_starts(self) -> "Recording":
        """Returns the recording with numbers instead of what recurrences start with."""
        tape = Tape()
        tape.names, tape.kept = self.tape.names, self.tape.kept
        tape.adjoint_of = self.tape.adjoint_of
        for op, operands in zip(self.tape.ops, self.tape.operands, strict=True):
            if isinstance(op, Start):
                tape.append(CONSTANT, (op.numbers[operands[0]],))
            else:
                tape.append(op, operands)
        return replace(self, tape=tape, alive=[])
