"""A total from which one takes away, step by step, becomes a sum like any other total.

    total = total - log(p[t])                ->   total = total + -log(p[t])
    total = total + logsumexp(z) - z[y]      ->   total = total + (logsumexp(z) - z[y])

A chain of + becomes one sum in `simplify.py`, and no loop is left. A total begins with 0, or with a
first term that is taken away, as -log(p[0]); or one total gains what another one loses
(`partners.py`). Any other chain, as x - m - s, is a formula, and stays as it is written: its terms
may cancel in this order. `record.py` calls `with_sums`, before it differentiates.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import ops
from micrograd_notes.lifting.passes.partners import partners
from micrograd_notes.lifting.trace.columns import Columns
from micrograd_notes.lifting.trace.rewritten import Rewritten
from micrograd_notes.lifting.trace.tape import Recording, Tape

LEAST = 3  # terms to take away that are made alike; -a - b is a formula, but 0 - a - b is none


def with_sums(found: Recording) -> Recording:
    """Returns the recording of a function with its totals as sums."""
    totals, arrays = _totals(found.tape, found.outputs)
    if not totals:
        return found
    new = _written(found.tape, totals)
    last = {first: new.place[i] for i, first in totals.items()}  # of each total
    for firsts in arrays:
        sums = [last[first] for first in firsts]
        new.tape.neighbour_of |= dict.fromkeys(sums, sums[0])
        new.tape.joined |= {*sums}
        new.tape.kept |= {*sums}
    return found.moved(new.tape, new.place)


def _totals(tape: Tape, outputs: list[int]) -> tuple[dict[int, int], list[list[int]]]:
    """Returns the additions and subtractions of totals, with the first one of each total.

    All but the last are read once. Beside them are the `partners`, by the first ones, too.
    """
    if not {ops.subtract, ops.neg} & {*tape.ops}:
        return {}, []
    columns, numbers = Columns.of(tape), tape.numbers
    terms = np.flatnonzero(columns.where(lambda op: op is ops.add or op is ops.subtract))
    chain_of: dict[int, int] = {}
    taken: dict[int, Counter[Any]] = {}  # what is taken away from the totals
    uses, total = memoryview(columns.uses(outputs)), set[int]()
    for i, a, b in zip(*[memoryview(each) for each in (terms, *columns.ends(terms))], strict=True):
        is_first = a not in chain_of or uses[a] != 1
        chain_of[i] = chain = i if is_first else chain_of[a]
        if is_first and (tape.ops[a] is ops.neg or numbers.get(a) == 0):
            total.add(i)
        if tape.ops[i] is ops.subtract and chain in total:
            taken.setdefault(chain, Counter())[tape.ops[b]] += 1
    starts = {i for i in total if tape.ops[i] is ops.subtract and tape.operands[i][0] in numbers}
    long = {i for i, count in taken.items() if max(count.values()) >= LEAST - (i in starts)}
    arrays = partners(tape, chain_of)
    long = long.union(*arrays)
    return {i: chain for i, chain in chain_of.items() if chain in long}, arrays


def _written(tape: Tape, totals: dict[int, int]) -> Rewritten:
    """Returns the tape with sums for the totals."""
    new, joined = Rewritten(tape), _joined(tape, totals)
    place = new.place
    for i, op in enumerate(tape.ops):
        if i in joined:  # it is written where something is taken from its second term
            place.append(-1)
        elif i in totals and op is ops.subtract:
            a, b = tape.operands[i]
            if a in joined:
                a, c = tape.operands[a]
                flows = max(b, c, key=tape.flows.__getitem__)
                term = new.put(ops.subtract, (place[c], place[b]), flows)
            else:
                term = new.put(ops.neg, (place[b],), b)
            place.append(new.put(ops.add, (place[a], term), i))
        else:
            place.append(new.copy(i))
    return new


def _joined(tape: Tape, totals: dict[int, int]) -> set[int]:
    """Returns the additions to a total of which the next operation takes something away.

    If there is one, as in sum(a) - b - c - d, it is no total of differences.
    """
    before = {tape.operands[i][0] for i in totals if tape.ops[i] is ops.subtract}
    found = [i for i in before if i in totals and tape.ops[i] is ops.add]
    count = Counter([totals[i] for i in found])
    return {i for i in found if count[totals[i]] > 1}
