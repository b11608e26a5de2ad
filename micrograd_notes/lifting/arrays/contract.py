"""Sums of products as matrix products, if possible.

A letter that both factors have and that is summed makes a matrix product. A common letter that is
kept, such as an attention head, makes a product of stacks of matrices. If one side has no letter
left, it is a product of vectors. `sums.py` calls it.
"""

from __future__ import annotations

import ast
from math import prod
from typing import Any

from micrograd_notes.lifting.arrays import source
from micrograd_notes.lifting.arrays.layout import BATCH, Layout, Reading


def reduced(reading: Reading, summed: set[int]) -> Reading:
    """Returns the sum over the letters that are summed."""
    gone = [i for i, k in enumerate(reading.letters) if k in summed]
    if not gone:
        return reading
    kept = [k for k in reading.letters if k not in summed]
    if not kept:
        return Reading(source.method(reading.tree, "sum"), kept)
    if gone == [0] and reading.letters[0] == BATCH and len(kept) == 1:
        # a product with ones adds up rows several times as fast as .sum(0)
        return Reading(source.matrix_product(source.name("ones"), reading.tree), kept)
    where = gone[0] if len(gone) == 1 else tuple(gone)
    where = -1 if where == len(kept) and len(gone) == 1 else where
    return Reading(source.method(reading.tree, "sum", where), kept)


def contracted(layout: Layout, left: Reading, right: Reading, summed: set[int]) -> Reading:
    """Returns the sum of products, as a matrix product if possible."""
    left = reduced(left, summed - set(right.letters))
    right = reduced(right, summed - set(left.letters))
    over = [k for k in left.letters if k in summed]
    both = [k for k in left.letters if k in right.letters and k not in summed]
    rows = [k for k in left.letters if k not in summed and k not in right.letters]
    columns = [k for k in right.letters if k not in summed and k not in left.letters]
    if not over:
        everything = sorted({*left.letters, *right.letters})
        tree = source.product(layout.aligned(left, everything), layout.aligned(right, everything))
        return Reading(tree, everything)
    if BATCH in right.letters and BATCH not in left.letters:
        left, right, rows, columns = right, left, columns, rows  # examples are rows
        over = [k for k in left.letters if k in summed]
    elif BATCH not in rows and rows and columns and min(columns) < min(rows):
        left, right, rows, columns = right, left, columns, rows  # as the result lies
        over = [k for k in left.letters if k in summed]
    if both and not (rows and columns):
        return _products_of_rows(layout, left, right, both + rows + columns)
    first = _stacked(layout, left, both, rows, over)
    second = _stacked(layout, right, both, over, columns)
    letters = both + rows + columns
    tree = source.matrix_product(first, second)
    if len(rows) > 1 or len(columns) > 1:
        merged = tuple(prod(layout.sizes.get(k, 0) for k in block) for block in (rows, columns))
        tree = source.reshaped(tree, [-1 if k == BATCH else layout.sizes[k] for k in letters])
        if not both:
            layout.merged[id(tree)] = merged
            layout.kept.append(tree)
    return Reading(tree, letters)


def _stacked(layout: Layout, reading: Reading, *blocks: list[int]) -> Any:
    """Returns the operand with one axis for each block of letters."""
    order = [k for block in blocks for k in block]
    natural = list(reading.letters)
    _, first, second = blocks
    shape = [-1 if k == BATCH else layout.sizes[k] for k in blocks[0]]
    shape += [
        -1 if BATCH in block else prod(layout.sizes[k] for k in block)
        for block in (first, second)
        if block
    ]
    # in order or transposed: .T says more than a transposition of all axes
    turned = [*blocks[0], *second, *first]
    if natural == turned and natural != order and not blocks[0] and first and second:
        tree = reading.tree
        if len(natural) > 2:
            tree = layout.reshaped(tree, [shape[1], shape[0]])
        return source.transposed(tree, [1, 0])
    if BATCH in second and not blocks[0] and first:
        tree = source.transposed(reading.tree, [natural.index(k) for k in turned])
        tree = layout.reshaped(tree, shape[::-1]) if len(shape) != len(order) else tree
        return source.transposed(tree, [1, 0])
    tree = source.transposed(reading.tree, [natural.index(k) for k in order])
    return layout.reshaped(tree, shape) if len(shape) != len(order) else tree


def _products_of_rows(layout: Layout, left: Reading, right: Reading, letters: list[int]) -> Reading:
    """Returns the sum of products of rows, or else in Einstein's notation."""
    over = sorted({*left.letters, *right.letters} - {*letters})
    if over == left.letters[-1:] == right.letters[-1:]:
        trees = [layout.aligned(r, letters + over) for r in (left, right)]
        return Reading(source.fill("np.vecdot({0}, {1})", trees), letters)
    names = {BATCH: "n"} | {k: "ijklmopqrst"[k] for k in layout.sizes}
    rule = ",".join("".join(names[k] for k in r.letters) for r in (left, right))
    rule += "->" + "".join(names[k] for k in letters)
    tree = source.fill("np.einsum({0}, {1}, {2})", [ast.Constant(rule), left.tree, right.tree])
    return Reading(tree, letters)
