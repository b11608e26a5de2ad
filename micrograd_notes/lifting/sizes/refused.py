"""The message for a family whose members differ in more than numbers, with the learner's line.

`program.py` calls it. The members' losses are recorded once more, and the first line that computes
with other operations in one of them is to blame, as where code branches on a size. If there is
none, the message shows where their programs part.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import zip_longest
from typing import Any, TypeVar

from micrograd_notes.lifting.sizes.family import STARTS, NoMember
from micrograd_notes.lifting.sizes.formulas import Differ, Sizes, differing, in_words
from micrograd_notes.lifting.sizes.small import Member
from micrograd_notes.lifting.trace.recorded import CannotLift, recording
from micrograd_notes.lifting.trace.traced import WithLines

Result = TypeVar("Result")
ATTEMPTS = 9  # to begin with small sizes or larger ones, for three ways to read the data


def refusal(problem: Exception, odd: str = "") -> CannotLift:
    """Returns the error for a family that can't be lifted; `odd` says which axes have no size."""
    if not isinstance(problem, Differ):
        what = (
            "make must accept small sizes, from 2 on or multiples of 4, 6 or 10, and its loss must "
            "take data of these sizes"
        )
        return CannotLift(
            f"no small model could be lifted instead: {odd or problem}\n  {what}."
            + (f" Here it raises {problem}" if odd else "")
        )
    said, line = "", ""
    if problem.members:
        base, other = problem.members
        changed = {n: k for n, k in other.sizes.items() if k != base.sizes[n]}
        said = f" with {in_words(base.sizes)} and with {in_words(changed)}"
        if base.recorded is not None and other.recorded is not None:
            with suppress(Exception):  # without a line, the message still says what to do
                of = base, other, problem
                line = _line_at_fault(*of) or _where_they_part(*of)
    return CannotLift(
        f"models{said} differ in more than numbers, so a large one does not follow from small "
        f"ones: {problem}.{line}\n"
        "  A size may only be the length of lists, and a number to calculate with. If only some "
        "sizes fit, such as even ones for hidden // 2, raise a ValueError in make for the others. "
        "Keep a number of layers in make itself: lift_of_sizes(partial(make, layers=4), ...). Or "
        "lift the model, which takes longer: lift(loss, model)."
    )


def first(
    made: Callable[..., Result], attempts: Iterable[tuple[Any, ...]], odd: str = ""
) -> Result:
    """Returns what is made at the first attempt at which small members lead to a large one.

    The arguments of `made` are an attempt: where to begin, and a way to read the data. A way is
    given up when its members differ as those of another base do, since each attempt takes several
    lifts; but for one with the last start, where sizes and differences are not near a power of two.
    CannotLift if there is no attempt more, or after a few; `odd` as in `refusal`.
    """
    problems, given_up, is_last_tried = list[Exception](), list[Any](), False
    bases = defaultdict[str, list[Sizes]](list)
    for start, *way in attempts:
        if way in given_up and (start != STARTS[-1] or is_last_tried):
            continue
        is_last_tried |= start == STARTS[-1]
        try:
            return made(start, *way)
        except Exception as error:
            problem = error if isinstance(error, Differ | NoMember) else differing(error, ())
        problems.append(problem)
        if isinstance(problem, Differ) and problem.members:
            alike = bases[problem.kind]
            alike.append(problem.members[0].sizes)
            given_up += [way] * any(base != alike[0] for base in alike)
        missing = [each for each in problems if isinstance(each, NoMember)]
        mistakes = [each for each in missing if each.is_mistake]
        if len(problems) - len(missing) == ATTEMPTS or len(mistakes) == len(STARTS):
            break
    raise refusal(min(problems, key=lambda problem: not isinstance(problem, Differ)), odd)


@contextmanager
def refusing(kind: type[Exception] = Exception) -> Iterator[None]:
    """Turns an error of this kind into the one for a family that can't be lifted."""
    try:
        yield
    except CannotLift:
        raise
    except kind as error:
        raise refusal(differing(error, ())) from error


def _line_at_fault(base: Member, other: Member, problem: Differ) -> str:
    """Returns the first line with other operations in one member, or with the numbers; or ""."""
    (here, numbers), (there, others) = map(_computed, (base, other))
    lines = [line for line in {**here, **there} if here.get(line) != there.get(line)]
    if lines:
        return f"\n  Other operations begin at {lines[0]}"
    said = problem.without_formula
    if said:
        lines = [line for line in numbers if said[0] in numbers[line] and said[-1] in others[line]]
    return f"\n  It is a number in {lines[0]}" if lines else ""


def _where_they_part(base: Member, other: Member, problem: Differ) -> str:
    """Returns the first lines of their programs that differ, or the line of a number."""
    sources = [m.lifted._passed(m.recorded).source for m in (base, other) if m.recorded]
    halves = [re.sub(r" *#.*", "", source.partition("# forward")[2]) for source in sources]
    rows = [[" ".join(row.split()) for row in re.split(r"\n    (?=[^\s)])", h)] for h in halves]
    for pair in zip_longest(*rows, fillvalue=""):
        if len({re.sub(r"\d[\d.e-]*", "", row) for row in pair}) > 1:
            return "\n  Their programs part here:\n    " + "\n    ".join(pair)
    said = [row for row in rows[0] for number in problem.without_formula[:1] if number in row]
    return f"\n  It is the number in {said[0]}" if said else ""


def _computed(member: Member) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Returns the operations of each line of the learner's, and the plain numbers that it takes."""
    assert member.recorded is not None
    lifted, arrays = member.lifted, member.recorded.arrays
    with recording(lifted._parameters, arrays, WithLines) as session:
        lifted._function(*session.inputs(arrays))
    tape, operations, numbers = session.tape, dict[str, set[str]](), dict[str, set[str]]()
    for i, line in session.lines.items():
        operation: Any = tape.ops[i]
        operations.setdefault(line, set()).add(operation.name)
        plain = [str(tape.numbers[k]) for k in tape.operands[i] if k in tape.numbers]
        numbers.setdefault(line, set()).update(plain)
    return operations, numbers
