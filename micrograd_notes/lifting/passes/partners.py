"""Totals of which one gains what another one loses are of one array, as the forces on bodies.

    for i in range(n):                              f[0] =  p[0, 1] + p[0, 2]
        for j in range(i + 1, n):                   f[1] = -p[0, 1] + p[1, 2]
            f[i] += p[i, j]                         f[2] = -p[0, 2] - p[1, 2]
            f[j] -= p[i, j]

By the way they are made, the first body, those between, and the last one are three kinds of sums.
Here they are noted as one array, and `arrays/terms.py` writes zeros where a kind of term is
missing. The lost term may have another factor than the gained one, as m[i] * d and m[j] * d: then
partners are terms of one form that share most factors. `totals.py` calls `partners`; read
`borders.py` next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from micrograd_notes.engine import ops
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.trace.tape import CONSTANT, Tape

LEAST = 3  # totals of an array: two that share a term are a formula, as a + d and a - d
MOST = 16  # terms that share a factor; with more it is one of all, and says nothing

Term = tuple[int, int]  # the total, by its first operation, and the number that it gains or loses


def partners(tape: Tape, total_of: Mapping[int, int]) -> list[list[int]]:
    """Returns the totals of each array; all of them begin with 0.

    `total_of` has the total of each addition and subtraction.
    """
    totals = {*total_of.values()}
    begin = {total for total in totals if tape.numbers.get(tape.operands[total][0]) == 0}
    total_of = {i: total for i, total in total_of.items() if total in begin}
    lose = {total for i, total in total_of.items() if _changes(tape, i)[0]}
    return _arrays(tape, total_of) if len(lose) >= LEAST - 1 else []


def _changes(tape: Tape, i: int) -> tuple[bool, int]:
    """Returns whether a total loses something, and which number it loses or gains."""
    number, loses = tape.operands[i][1], tape.ops[i] is ops.subtract
    if tape.ops[number] is ops.neg:
        return not loses, tape.operands[number][0]
    return loses, number


def _arrays(tape: Tape, total_of: Mapping[int, int]) -> list[list[int]]:
    """Returns the totals of each array."""
    equal = _equal(tape)
    gained, lost = list[Term](), list[Term]()
    for i, total in total_of.items():
        loses, number = _changes(tape, i)
        (lost if loses else gained).append((total, equal[number]))
    gain = dict[Any, set[Term]]()  # by their forms and factors
    for term in gained:
        form, factors = _factors(tape, equal, term[1])
        for factor in factors:
            gain.setdefault((form, factor), set()).add(term)
    array_of = dict[int, list[int]]()
    for total, number in lost:
        near = Counter[Term]()
        form, factors = _factors(tape, equal, number)
        for factor in factors:
            here = gain.get((form, factor), set())
            near.update([term for term in here if term[0] != total] if len(here) <= MOST else [])
        most = max(near.values(), default=0)
        found = {total, *[other for (other, _), count in near.items() if count == most]}
        joined = sorted({k for each in found for k in array_of.get(each, [each])})
        array_of |= dict.fromkeys(joined, joined)
    arrays = {each[0]: each for each in array_of.values()}
    return [each for each in arrays.values() if len(each) >= LEAST]


def _equal(tape: Tape) -> list[int]:
    """Returns for each number the first one that is computed in the same way."""
    found, first = list[int](), dict[tuple[object, ...], int]()
    for i, op in enumerate(tape.ops):
        made = (op, *[found[k] for k in tape.operands[i]]) if isinstance(op, Op) else (i,)
        found.append(first.setdefault(made, i))
    return found


def _factors(tape: Tape, equal: list[int], number: int) -> tuple[Any, set[int]]:
    """Returns what a term is a product or a quotient of: the form of all, and computed numbers."""
    form, found, waiting = Counter[Any](), set[int](), [number]
    while waiting:
        i = waiting.pop()
        op = tape.ops[i]
        if op in (ops.multiply, ops.divide, ops.neg):
            waiting += tape.operands[i]
        elif isinstance(op, Op):
            found.add(equal[i])
        form[tape.numbers.get(i) if op == CONSTANT else op] += 1
    return frozenset(form.items()), found
