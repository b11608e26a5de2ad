"""Derivatives that are summed over the examples at once, as soon as they are there.

A weight may be a number that parameters make, W = tanh(V). Each example has its own dW, but all
that comes after it multiplies it by numbers that the examples share, and adds up: so their sum is
all that is ever needed. It is a matrix product, of the shape of W:

    dW = x[:, None] * dz[..., None]            # (n, 4, 3)       dW = dz.T @ x        # (4, 3)
    dV = (dW * (1 - W ** 2)).sum(axis=0)                   ->    dV = dW * (1 - W ** 2)

`arrange.py` calls `summed_at_once`.
"""

from collections.abc import Collection, Mapping, Sequence

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import ops
from micrograd_notes.engine.helper_ops import ieee_divide
from micrograd_notes.lifting.ints import Ints
from micrograd_notes.lifting.passes.group import Grouping
from micrograd_notes.lifting.trace.columns import Bools

LINEAR = {ops.add, ops.neg, ops.multiply, ops.divide, ieee_divide}  # in their first operand


def summed_at_once(
    grouping: Grouping, below: Mapping[int, Ints], varies: Bools, needed: Sequence[int],
    inlined: Collection[int], passed_on: Mapping[int, Sequence[int]],
) -> set[int]:
    """Returns the groups whose arrays are sums over the examples.

    `below` has the groups that each one reads, and `varies` says which ones have a number for each
    example; `needed` are numbers of which each example's is needed, and `inlined` have no array.
    A step of a recurrence starts with sums if all numbers that are `passed_on` to it are sums.
    """
    if varies[[*below]].all():  # nothing is made of parameters alone
        return set()
    passed = {i: grouping.group_of[np.array(nodes, int)] for i, nodes in passed_on.items()}
    starts = {*passed}
    while True:
        may_be = varies.copy()
        may_be[grouping.group_of[[*needed]]] = False
        for i in passed.keys() - starts:
            may_be[passed[i]] = False
        for i in reversed([*below]):
            may_be[below[i]] &= bool(may_be[i]) and _is_linear(grouping, i, varies)
        still = {i for i in starts if may_be[i] and may_be[passed[i]].all()}
        if still == starts:
            break
        starts = still
    is_read, holds_sums = np.zeros_like(varies), np.zeros_like(varies)
    for groups in (*below.values(), *[passed[i] for i in starts]):
        is_read[groups] = True
    holds_sums[[*starts]] = True
    for i in below:
        holds_sums[i] = holds_sums[below[i]].any() or (is_read[i] and i not in inlined)
        holds_sums[i] &= may_be[i]
    return starts | {i for i in below if holds_sums[i] and i not in inlined}


def _is_linear(grouping: Grouping, i: int, varies: Bools) -> bool:
    """Returns whether each number of a group is a sum, or one of an example times shared ones."""
    op, members, columns = grouping.groups[i].op, grouping.groups[i].members, grouping.columns
    if op is ops.add or op not in LINEAR:
        return op is ops.add
    operands = varies[grouping.group_of[columns.flat[columns.places(members)]]]
    operands = operands.reshape(len(members), -1)
    is_first = op is ops.multiply or operands[:, 0].all()
    return bool(is_first and (operands.sum(axis=1) == 1).all())
