"""Zeros around the data, as around an image, do not count as terms of a sum.

    sum(k[i] * padded[t + i] for i in range(3))     where padded = [0.0, *x, 0.0]

The first of these sums has `0 * k[0]`, where its neighbours have a number of x. Without such terms
it is a sum like theirs with fewer terms, and `arrays/windows.py` puts the zeros back, around x. A
sum at a wall is like them, too: 0 - 2 * u[0] + u[1] beside u[0] - 2 * u[1] + u[2] (see
`recurrences/alike.py`). `record.py` calls `without_padding`, before it adds the derivatives.
"""

from __future__ import annotations

from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import ops
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.ints import Ints
from micrograd_notes.lifting.recurrences.alike import SIGNS, Alike
from micrograd_notes.lifting.trace.columns import Columns
from micrograd_notes.lifting.trace.rewritten import Rewritten
from micrograd_notes.lifting.trace.tape import Array, Recording, Tape


def without_padding(recording: Recording) -> Recording:
    """Returns a recording whose sums do without 0 times a parameter, and without a 0 at a wall.

    Every bit stays the same, unless the parameter is infinite, which makes a nan of 0.
    """
    tape = recording.tape
    zeros = [k for k, x in tape.numbers.items() if x == 0]
    if not zeros:
        return recording
    columns = Columns.of(tape)
    at = np.flatnonzero(columns.is_read & np.isin(columns.flat, zeros))  # where a 0 is read
    may_have_walls = recording.has_walls and _may_have_walls(columns, at)
    products = _zeros(tape, columns, at)
    keys = Alike(tape, range(len(tape)) if may_have_walls else (), {})
    if not products and not keys.walls:
        return recording
    new, begin = Rewritten(tape), list[int]()
    place, put = new.place, new.put
    first: dict[Any, int] = {}  # of the sums that are made alike
    for i, op in enumerate(tape.ops):
        begin.append(len(new.tape))
        operands = tape.operands[i]
        if i in keys.walls:
            here = [(n, k) for n, k in enumerate(operands) if k not in keys.zeros]
            terms = [
                put(ops.neg, (place[k],), k) if n and op is ops.subtract else place[k]
                for n, k in here
            ]
            place.append(put(ops.add, terms, i))
            new.tape.neighbour_of[place[i]] = first.setdefault((op, keys.walls[i]), place[i])
        elif op.__class__ is Op:
            left = [k for k in operands if k not in products] if op is ops.add else [*operands]
            is_less = len(left) == 1 < len(operands)
            place.append(place[left[0]] if is_less else put(op, [place[k] for k in operands], i))
        else:
            place.append(new.copy(i))
    return recording.moved(new.tape, place, [*begin, len(new.tape)])


def _zeros(tape: Tape, columns: Columns, at: Ints) -> set[int]:
    """Returns the products of 0 and a parameter whose array has other products, too."""
    is_product = columns.where(lambda op: op is ops.multiply)

    def parameters(product: int) -> set[Array]:
        factors = [tape.ops[k] for k in tape.operands[product]]
        return {op for op in factors if isinstance(op, Array) and op.is_parameter}

    found = [i for i in columns.owner[at].tolist() if is_product[i]]
    products = np.flatnonzero(is_product).tolist() if found else []
    both = [i for i in products if tape.numbers.keys().isdisjoint(tape.operands[i])]
    others = {array for i in both for array in parameters(i)}
    return {i for i in found if parameters(i) & others}


def _may_have_walls(columns: Columns, at: Ints) -> bool:
    """Returns whether something adds or subtracts a 0 that no sum begins with.

    A sum of one term, 0 + a, goes nowhere: it is at a wall if others add such a term to a number.
    """
    owner, code = columns.owner[at], columns.code
    begins = columns.is_sum[owner] & (at == columns.first[owner])
    if columns.where(SIGNS.__contains__)[owner[~begins]].any():
        return True
    left, right = columns.ends(np.flatnonzero(columns.is_sum))
    alone = owner[begins & ~np.isin(owner, left)]
    to_numbers = right[~columns.is_sum[left] & ~np.isin(left, columns.flat[at])]
    return bool(np.isin(code[columns.ends(alone)[1]], code[to_numbers]).any())
