"""Plain numbers that differ from step to step of a recurrence: a schedule, a mask, the time.

    for c, x in zip([0.1, 0.2, 0.1, 0.0], xs):           for t in range(4):
        h = h * exp(w * c) + x                    ->         h = h * shared[t] + x[t]

On the tape, equal numbers are one constant. Then exp(w * 0.1) would be computed once for two steps,
and the steps would read places 0, 1, 0, 2 of an array, which no loop does; nor would w * 0.0 look
like the others. So each step gets its own numbers, which are `given` (see `series.py`). A number
that all steps have stays as it is. `record.py` calls `with_schedules`, once the steps are alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.lifting.ints import Ints
from micrograd_notes.lifting.passes.series import with_given
from micrograd_notes.lifting.trace.columns import Columns
from micrograd_notes.lifting.trace.tape import Recording, Steps, Tape


def with_schedules(recording: Recording) -> Recording:
    """Returns a recording whose steps have numbers of their own wherever they differ.

    Within a step, equal schedules are one, so that nothing is computed twice.
    """
    if not recording.steps:
        return recording
    numbers, which, columns = dict[int, float](), dict[int, Any](), Columns.of(recording.tape)
    for steps in recording.steps:
        for slots, schedule in _schedules(recording.tape, columns, steps):
            name = steps.begins[0], *map(repr, schedule)
            for k, (slot, number) in enumerate(zip(slots, schedule, strict=True)):
                which.setdefault(slot, (name, k))
                numbers.setdefault(slot, number)
    if not which:
        return recording
    made, known = with_given(recording, which, numbers), dict[Any, int]()
    for i, (name, _) in enumerate(dict.fromkeys(which.values())):
        made.tape.schedules[i] = known.setdefault(name, len(known))
    return made


def _schedules(
    tape: Tape, columns: Columns, steps: Steps
) -> Iterator[tuple[list[int], list[float]]]:
    """Yields where in `flat` all steps read plain numbers, not all equal, and these numbers.

    Those with which a step's operand was made before the first step belong to the step, too.
    """
    begins, flat, first, owner = steps.begins, columns.flat, columns.first, columns.owner
    is_number, is_early = np.zeros((2, len(tape)), dtype=bool)
    is_number[[*tape.numbers]] = True
    is_early[: begins[0]] = columns.is_made[: begins[0]]
    steps_made = [np.flatnonzero(columns.is_made[begin:end]) + begin
                  for begin, end in pairwise(begins)]
    everything = np.stack([*map(columns.places, steps_made)])  # a row for each step
    read = flat[everything]
    may = is_number[read].all(axis=0) | is_early[read].all(axis=0)
    waiting, seen = [*everything[:, may].T], set[bytes]()
    while waiting:
        slots = waiting.pop()
        read = flat[slots]
        if slots.tobytes() in seen or (read == read[0]).all():
            continue
        seen.add(slots.tobytes())
        places = {*(slots - first[owner[slots]]).tolist()}
        is_index = places == {0} and any(tape.ops[i].chooses for i in owner[slots])
        if is_number[read].all() and not is_index:
            yield slots.tolist(), [tape.numbers[i] for i in read.tolist()]
        elif is_early[read].all() and _are_alike(columns, read):
            waiting += [first[read] + n for n in range(columns.sizes[read[0]])]


def _are_alike(columns: Columns, numbers: Ints) -> bool:
    """Returns whether these are different numbers, made by one operation."""
    made = np.stack([columns.code[numbers], columns.sizes[numbers]])
    return len({*numbers.tolist()}) == len(numbers) and bool((made == made[:, :1]).all())
