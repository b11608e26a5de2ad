"""A tape that is written anew from an old one, number by number, with some changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.trace.tape import CONSTANT, Array, Tape


@dataclass
class Rewritten:
    """The new tape, and the place on it of each old number so far."""

    old: Tape
    tape: Tape = field(default_factory=Tape)
    place: list[int] = field(default_factory=list)

    def put(self, op: Op | Array | str, operands: Iterable[int], like: int) -> int:
        """Returns a new number, into which a gradient flows if it does into an old one."""
        return self.tape.append(op, operands, self.old.flows[like])

    def copy(self, i: int, read: Callable[[int, int], int] | None = None) -> int:
        """Returns a new number like an old one.

        `read` returns its operand on the new tape, by the place of the operand and the old one.
        """
        op, operands = self.old.ops[i], self.old.operands[i]
        if op == CONSTANT and i not in self.old.given:
            return self.tape.constant(self.old.numbers[i])
        if op.__class__ is Op:
            both = enumerate(operands)
            operands = tuple([read(n, k) if read else self.place[k] for n, k in both])
        return self.put(op, operands, i)
