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
    inlined: Collection[int],
) -> set[int]:
    """Returns the groups whose arrays are sums over the examples.

    `below` has the groups that each one reads, and `varies` says which ones have a number for each
    example; `needed` are numbers of which each example's is needed, and `inlined` have no array.
    """
    if varies[[*below]].all():  # nothing is made of parameters alone
        return set()
    columns, group_of = grouping.columns, grouping.group_of
    may_be, is_read = varies.copy(), np.zeros_like(varies)
    may_be[group_of[[*needed]]] = False
    for i in reversed([*below]):
        op, members = grouping.groups[i].op, grouping.groups[i].members
        is_linear = bool(may_be[i]) and op in LINEAR
        if is_linear and op is not ops.add:
            operands = varies[group_of[columns.flat[columns.places(members)]]]
            operands = operands.reshape(len(members), -1)
            is_linear = (operands.sum(axis=1) == 1).all()
            is_linear = is_linear and (op is ops.multiply or operands[:, 0].all())
        is_read[below[i]] = True
        may_be[below[i]] &= is_linear
    found, holds_sums = set[int](), np.zeros_like(varies)
    for i in below:
        holds_sums[i] = holds_sums[below[i]].any()
        if may_be[i] and i not in inlined and (is_read[i] or holds_sums[i]):
            found.add(i)
            holds_sums[i] = True
    return found
