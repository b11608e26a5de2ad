"""The message for a family whose members differ in more than numbers, with the learner's line.

`program.py` calls it. The members' losses are recorded once more, and the first line that computes
with other operations in one of them is to blame, as where code branches on a size.
"""

from __future__ import annotations

from typing import Any

from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.sizes.formulas import Differ
from micrograd_notes.lifting.sizes.small import Member
from micrograd_notes.lifting.trace.recorded import CannotLift, Session, line_at_fault, recording


def refusal(problem: Exception) -> CannotLift:
    """Returns the error for a family that can't be lifted."""
    if not isinstance(problem, Differ):
        return CannotLift(
            f"no small model could be lifted instead: {problem}\n  make must accept small sizes, "
            "from 2 on, and its loss must take data of these sizes."
        )
    said, line = "", ""
    if problem.members:
        base, other = problem.members
        sizes = ", ".join(f"{name}={size}" for name, size in base.sizes.items())
        changed = ", ".join(f"{n}={k}" for n, k in other.sizes.items() if k != base.sizes[n])
        said = f" with {sizes} and with {changed}"
        if base.recorded is not None and (found := _first_that_differs(base, other)):
            line = f"\n  Other operations begin at {found}"
    return CannotLift(
        f"models{said} differ in more than numbers, so a large one does not follow from small "
        f"ones: {problem}.{line}\n"
        "  A size may only be the length of lists, and a number to calculate with. Keep a number "
        "of layers in make itself: lift_of_sizes(partial(make, layers=4), ...). Or lift the model, "
        "which takes longer: lift(loss, model)."
    )


class _Lines(Session):
    """A recording that notes which operations each line of the learner's computes."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: dict[str, set[str]] = {}

    def record(self, op: Op, indices: tuple[int, ...]) -> Any:
        self.operations.setdefault(line_at_fault(), set()).add(op.name)
        return super().record(op, indices)


def _first_that_differs(base: Member, other: Member) -> str:
    """Returns the first line that computes with other operations in one member; or ""."""
    here, there = _operations(base), _operations(other)
    return next((line for line in {**here, **there} if here.get(line) != there.get(line)), "")


def _operations(member: Member) -> dict[str, set[str]]:
    assert member.recorded is not None
    lifted, arrays = member.lifted, member.recorded.arrays
    with recording(lifted._parameters, arrays, _Lines) as session:
        lifted._function(*session.inputs(arrays))
    return session.operations

