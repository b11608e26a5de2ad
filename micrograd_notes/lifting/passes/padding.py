"""Zeros around the data, as around an image, do not count as terms of a sum.

    sum(k[i] * padded[t + i] for i in range(3))     where padded = [0.0, *x, 0.0]

The first of these sums has `0 * k[0]`, where its neighbours have a number of x. Without such terms
it is a sum like theirs with fewer terms, and `arrays/windows.py` puts the zeros back, around x.
`record.py` calls `without_padding`, before it adds the derivatives.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace

from micrograd_notes.engine import ops
from micrograd_notes.lifting.recurrences.starts import Started, Steps
from micrograd_notes.lifting.trace.tape import Array, Operands, Tape


def without_padding(started: Started) -> Started:
    """Returns the tape, in which sums do without 0 times a parameter.

    Every bit stays the same, unless the parameter is infinite, which makes a nan of 0.
    """
    tape = started.tape
    zeros = _zeros(tape)
    if not zeros:
        return started
    instead = [*range(len(tape))]
    flat, first = tape.operands.flat[:], tape.operands.first
    for i, op in enumerate(tape.ops):
        if isinstance(op, Array):
            continue
        for k in range(first[i], first[i + 1]):
            flat[k] = instead[flat[k]]
        if op is ops.add and first[i + 1] - first[i] == 2:
            a, b = flat[first[i] : first[i + 1]]
            instead[i] = b if a in zeros else a if b in zeros else i
    operands, made = Operands(), copy(tape)
    operands.flat, operands.first = flat, first
    made.operands, made.names = operands, {}
    for i, name in tape.names.items():
        made.names[instead[i]] = min(name, made.names.get(instead[i], name))
    moved = instead.__getitem__
    steps = [Steps([[*map(moved, each)] for each in those.states], those.begins, those.totals)
             for those in started.steps]
    return replace(
        started, tape=made, place=[moved(i) if i >= 0 else -1 for i in started.place], steps=steps,
        alive=[*map(moved, started.alive)], like=started.like or [*range(len(tape))],
    )


def _zeros(tape: Tape) -> set[int]:
    """Returns the products of 0 and a parameter whose array has other products, too."""
    numbers, found, others = tape.numbers, dict[int, Array](), set[Array]()
    for i, op in enumerate(tape.ops):
        if op is ops.multiply:
            a, b = tape.operands[i]
            for one, other in ((a, b), (b, a)):
                of = tape.ops[one]
                if isinstance(of, Array) and of.is_parameter:
                    if numbers.get(other) == 0:
                        found[i] = of
                    elif other not in numbers:
                        others.add(of)
    return {i for i, of in found.items() if of in others}
