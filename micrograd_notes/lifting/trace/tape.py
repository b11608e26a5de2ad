"""The tape: a program of scalar operations, each on earlier ones, which the passes pass on.

Entry i is the origin of number i: an operation of the table with the indices of its operands, or a
leaf, whose one operand is a place in an array, or a constant. Operands come before results, so a
tape is in topological order. Here `add` may have any number of operands, even one. The operands of
all numbers lie in one array of ints, because millions of tuples take time and memory.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from micrograd_notes.common.extras import numpy as np
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
    """Leaves that stand for the starts of a recurrence's states (see `recurrences/starts.py`).

    For a leaf, `sources` and `where` hold the index in `Recording.alive` of the number that it
    stands for, and of the state after the last step, which is laid out alike.
    """

    is_data: bool = False  # whether the state comes to depend on an input
    steps: int = 0  # of the recurrence; 0 for what reads states after it (`states.py`)
    rows: int = 0  # of an array that has a first axis for steps
    sources: list[int] = field(default_factory=list)
    lanes: list[int] = field(default_factory=list)  # of the leaves; in the end as in that state
    is_laid: bool = False  # whether another array gave it its axes


@dataclass
class Steps:
    """The steps of a recurrence on a tape.

    `states` has the leaves before the first step, and the states after each one. `begins` has the
    place where each step begins, and the place after the last one; `totals` has for each state
    whether its derivative is the same after all steps.
    """

    states: list[list[int]]
    begins: list[int]
    totals: list[bool]


class Operands:
    """The operands of each number: those of number i lie in `flat` from `first[i]`.

    >>> operands = Operands()
    >>> operands.append((0,)), operands.append((2, 3)), operands[1]
    (None, None, (2, 3))
    """

    def __init__(self) -> None:
        self.flat, self.first = array("i"), array("i", [0])

    def append(self, operands: Iterable[int]) -> None:
        """Adds the operands of one more number."""
        self.flat.extend(operands)
        self.first.append(len(self.flat))

    def __getitem__(self, i: int) -> tuple[int, ...]:
        return tuple(self.flat[self.first[i] : self.first[i + 1]])


def key_of(number: float) -> Any:
    """Returns the key of a constant, which 0.0 and -0.0 do not share as floats would."""
    return number if number else str(number)


class Tape:
    """A program of scalar operations."""

    def __init__(self) -> None:
        self.ops: list[Op | Array | str] = []
        self.operands = Operands()
        self.flows = bytearray()  # whether a gradient flows into each number, before derivatives
        self.numbers: dict[int, float] = {}  # of the constants
        self.constants: dict[Any, int] = {}  # their indices, by their keys
        self.given: dict[int, float] = {}  # of constants that no rule looks at, in a series
        self.schedules: dict[int, int] = {}  # of given ones, one per step: which series it is
        self.names: dict[int, Name] = {}  # the names of numbers, with their quality
        self.adjoint_of: dict[int, int] = {}  # for an adjoint, the number whose adjoint it is
        self.neighbour_of: dict[int, int] = {}  # for sums at a wall: one that is made alike
        self.joined: set[int] = set()  # such sums of one term: one array, whatever the terms are
        self.kept: set[int] = set()  # sums that stay apart from the sum that reads them
        self.passed: set[int] = set()  # sums, even of one term, that a step passes to the next one
        self.guarded: set[int] = set()  # products that are 0 if the adjoint is, as at sqrt(0)
        self.columns: Any = None  # the same in NumPy's arrays, if a pass made it of them

    def __len__(self) -> int:
        return len(self.ops)

    def is_like(self, other: Tape) -> bool:
        """Returns whether both have the same operations, of starts that lie alike."""
        mine, others = ((tape.operands.flat, tape.operands.first, tape.neighbour_of, tape.joined)
                        for tape in (self, other))
        return mine == others and all(
            a is b or (isinstance(a, Start) and isinstance(b, Start) and a.shape == b.shape)
            for a, b in zip(self.ops, other.ops, strict=True)
        )

    @property
    def arrays_of_sums(self) -> tuple[dict[int, int], ...]:
        """For sums of one array the number whose adjoint each one is, or one that is made alike.

        Adjoints that a step passes on are only parts, and are apart from the whole ones.
        """
        both = (self.adjoint_of, self.passed), (self.neighbour_of, self.joined)
        return tuple(
            {i: of for i, of in each.items() if (i in special) == is_special}
            for each, special in both for is_special in (False, True)
        )

    def without_walls(self) -> Tape:
        """Returns the tape with sums of one array only where they are made alike."""
        made = copy(self)
        made.neighbour_of, made.joined = {}, set()
        return made

    def append(self, op: Op | Array | str, operands: Iterable[int], flows: int = False) -> int:
        """Returns the index of a new entry."""
        self.flows.append(flows)
        self.ops.append(op)
        self.operands.flat.extend(operands)
        self.operands.first.append(len(self.operands.flat))
        return len(self.ops) - 1

    def leaves(self, array: Array, flows: bytes) -> range:
        """Returns the indices of new entries, one for each place of an array."""
        first, before, count = len(self), len(self.operands.flat), len(flows)
        self.flows += flows
        self.ops += [array] * count
        self.operands.flat.extend(range(count))
        self.operands.first.extend(range(before + 1, before + count + 1))
        return range(first, first + count)

    def constant(self, number: float) -> int:
        """Returns the index of a constant, a new one if there is none yet."""
        at = self.constants.setdefault(key_of(number), len(self))
        if at == len(self):
            self.numbers[at] = number
            self.append(CONSTANT, ())
        return at

    def note_as(self, old: Tape, place: Sequence[int]) -> None:
        """Takes over what is noted of another tape's numbers, by their places here, or -1."""
        for noted in ("kept", "passed", "guarded", "joined"):
            getattr(self, noted).update({place[i] for i in getattr(old, noted)} - {-1})
        self.given |= {place[i]: x for i, x in old.given.items() if place[i] >= 0}
        self.schedules |= {place[i]: k for i, k in old.schedules.items() if place[i] >= 0}
        for noted in ("adjoint_of", "neighbour_of"):
            for i, of in getattr(old, noted).items():
                if place[i] >= 0 and place[of] >= 0:
                    getattr(self, noted).setdefault(place[i], place[of])
        for named, name in old.names.items():
            if (at := place[named]) >= 0:
                self.names[at] = min(name, self.names.get(at, name))

    def text(self, limit: int = 12) -> str:
        """Returns the first and last operations as lines that a person can read."""
        origins = enumerate(self.ops)
        lines = [f"    %{i} = {self.spelled(i)}" for i, op in origins if isinstance(op, Op)]
        if len(lines) > limit:
            lines[limit // 2 : -(limit - limit // 2)] = ["    ..."]
        return "\n".join(lines)

    def spelled(self, i: int) -> str:
        """Returns a number's operation, on numbers like %3, places of arrays and constants."""
        op, operands = self.ops[i], self.operands[i]
        if isinstance(op, Array):
            place = ", ".join(map(str, np.unravel_index(operands[0], op.shape)))
            return f"{op.name}[{place}]" if place else op.name
        if isinstance(op, str):
            return repr((self.numbers | self.given)[i])
        made = [f"%{k}" if isinstance(self.ops[k], Op) else self.spelled(k) for k in operands[:6]]
        return f"{op.name}({', '.join(made)}{', ...' if len(operands) > 6 else ''})"


@dataclass
class Recording:
    """A tape, and the numbers of it that are results.

    `outputs` are the numbers that the function returned; `gradient` has the derivative for each
    index in the flat vector of parameters, or -1 if the loss does not depend on the parameter.
    """

    tape: Tape
    arrays: list[Array]
    outputs: list[int]
    output_shape: tuple[int, ...]
    gradient: array[int] = field(default_factory=lambda: array("i"))
    is_loss: bool = True
    is_batched: bool = True  # one example was recorded, and runs for each of a batch
    alive: list[int] = field(default_factory=list)  # so that the last steps are like the others
    steps: list[Steps] = field(default_factory=list)  # of recurrences, until it has derivatives
    has_walls: bool = True  # states at the ends of an array may be made of fewer terms
    plain: Callable[[], Recording] | None = field(default=None, repr=False)  # if it has no loop

    @property
    def parameters(self) -> list[Array]:
        """The arrays of parameters, in their order in the flat vector."""
        return [array for array in self.arrays if array.is_parameter]

    @property
    def inputs(self) -> list[Array]:
        """The arrays that the function gets, in their order."""
        return [array for array in self.arrays if not array.is_parameter]

    @property
    def roots(self) -> list[int]:
        """Every number that is a result."""
        return [*self.outputs, *[at for at in self.gradient if at >= 0], *self.alive]

    def moved(
        self, tape: Tape, place: Sequence[int], begin: Sequence[int] = ()
    ) -> Recording:
        """Returns the recording on a new tape, with the new place of each number, or -1.

        Its steps are left out without the places where they `begin` then.
        """
        tape.note_as(self.tape, place)
        return replace(
            self,
            tape=tape,
            outputs=[place[i] for i in self.outputs],
            gradient=array("i", [place[i] if i >= 0 else -1 for i in self.gradient]),
            alive=[place[i] for i in self.alive],
            steps=[
                Steps([[place[i] for i in after] for after in each.states],
                      [begin[at] for at in each.begins], each.totals)
                for each in self.steps if begin
            ],
        )

    def plainer(self) -> Recording:
        """Returns the recording with arrays without walls, and then with all steps as they were.

        One that has no walls anyway is not returned once more.
        """
        found = self.plain() if self.plain is not None else self
        has_another = found.plain is not None and found.tape.is_like(self.tape)
        return found.plainer() if has_another else found
