"""The message for a family whose members differ in more than numbers, with the learner's line.

`program.py` calls it. The members' losses are recorded once more, and the first line that computes
with other operations in one of them is to blame, as where code branches on a size. If there is
none, the message shows where their programs part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import zip_longest
from typing import Any, TypeVar

from micrograd_notes.lifting.guards.blame import WithLines
from micrograd_notes.lifting.sizes.family import NoMember
from micrograd_notes.lifting.sizes.formulas import Differ, differing
from micrograd_notes.lifting.sizes.small import Member
from micrograd_notes.lifting.trace.recorded import CannotLift, recording

Result = TypeVar("Result")
ATTEMPTS = 9  # to begin with small sizes or larger ones, for three ways to read the data


def refusal(problem: Exception, odd: str = "") -> CannotLift:
    """Returns the error for a family that can't be lifted; `odd` says which axes have no size."""
    if not isinstance(problem, Differ):
        what = "make must accept small sizes, from 2 on, and its loss must take data of these sizes"
        return CannotLift(
            f"no small model could be lifted instead: {odd or problem}\n  {what}."
            + (f" Here it raises {problem}" if odd else "")
        )
    said, line = "", ""
    if problem.members:
        base, other = problem.members
        sizes = ", ".join(f"{name}={size}" for name, size in base.sizes.items())
        changed = ", ".join(f"{n}={k}" for n, k in other.sizes.items() if k != base.sizes[n])
        said = f" with {sizes} and with {changed}"
        if base.recorded is not None and other.recorded is not None:
            with suppress(Exception):  # without a line, the message still says what to do
                line = _first_that_differs(base, other) or _where_they_part(base, other, problem)
    return CannotLift(
        f"models{said} differ in more than numbers, so a large one does not follow from small "
        f"ones: {problem}.{line}\n"
        "  A size may only be the length of lists, and a number to calculate with. Keep a number "
        "of layers in make itself: lift_of_sizes(partial(make, layers=4), ...). Or lift the model, "
        "which takes longer: lift(loss, model)."
    )


def first(
    made: Callable[..., Result], attempts: Iterable[tuple[Any, ...]], odd: str = ""
) -> Result:
    """Returns what is made at the first attempt at which small members lead to a large one.

    The arguments of `made` are an attempt. CannotLift if there is none, or if a few attempts found
    members that differ, as each takes several lifts; `odd` as in `refusal`.
    """
    problems: list[Exception] = []
    for attempt in attempts:
        if len([each for each in problems if not isinstance(each, NoMember)]) == ATTEMPTS:
            break
        try:
            return made(*attempt)
        except Exception as error:
            is_known = isinstance(error, Differ | NoMember)
            problems.append(error if is_known else differing(error, ()))
    raise refusal(min(problems, key=lambda problem: not isinstance(problem, Differ)), odd)


def _first_that_differs(base: Member, other: Member) -> str:
    """Returns the first line that computes with other operations in one member; or ""."""
    here, there = _operations(base), _operations(other)
    lines = [line for line in {**here, **there} if here.get(line) != there.get(line)]
    return f"\n  Other operations begin at {lines[0]}" if lines else ""


def _where_they_part(base: Member, other: Member, problem: Exception) -> str:
    """Returns the first lines of their programs that differ, or the line of a number."""
    sources = [m.lifted._passed(m.recorded).source for m in (base, other) if m.recorded]
    halves = [re.sub(r" *#.*", "", source.partition("# forward")[2]) for source in sources]
    rows = [[" ".join(row.split()) for row in re.split(r"\n    (?=[^\s)])", h)] for h in halves]
    for pair in zip_longest(*rows, fillvalue=""):
        if len({re.sub(r"\d[\d.e-]*", "", row) for row in pair}) > 1:
            return "\n  Their programs part here:\n    " + "\n    ".join(pair)
    number = str(problem).partition(",")[0]
    return "".join([f"\n  It is the number in {row}" for row in rows[0] if number in row][:1])


def _operations(member: Member) -> dict[str, set[str]]:
    """Returns the names of the operations that each line of the learner's computes."""
    assert member.recorded is not None
    lifted, arrays = member.lifted, member.recorded.arrays
    with recording(lifted._parameters, arrays, WithLines) as session:
        lifted._function(*session.inputs(arrays))
    operations: dict[str, set[str]] = {}
    for i, line in session.lines.items():
        operation: Any = session.tape.ops[i]
        operations.setdefault(line, set()).add(operation.name)
    return operations
