"""Sums of products as matrix products, if possible.

A letter that both factors have and that is summed makes a matrix product. A common letter that is
kept, such as an attention head, makes a product of stacks of matrices. If one side has no letter
left, it is a product of vectors. `terms.py` calls it.
"""

from typing import Any

from micrograd_notes.lifting.arrays.layout import BATCH, Layout, Reading
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import WHOLE, Expression, Line


def reduced(layout: Layout, reading: Reading, summed: set[int]) -> Reading:
    """Returns the sum over the letters that are summed."""
    gone = tuple([i for i, k in enumerate(reading.letters) if k in summed])
    kept = [k for k in reading.letters if k not in summed]
    if gone and (factors := _factors(layout, reading)) is not None:
        return contracted(layout, *factors, summed & {*reading.letters})
    if gone == (len(kept),) and (both := _neighbours(reading.array)) is not None:
        return Reading(both, kept)
    return Reading(ex.Sum(reading.array, gone), kept) if gone else reading


def _neighbours(array: Expression) -> Expression | None:
    """Returns the sum over two places of each window as two slices: x[:6] + x[2:]."""
    windows, index = (array.of, array.index) if isinstance(array, ex.Part) else (array, ())
    match windows:
        case ex.Windows(of, (axis,), (span,)) if array.shape[-1] == 2:
            cuts: list[Any] = [*index, *[WHOLE] * (len(windows.shape) - len(index))]
            size: Any = of.shape[axis]
            if not isinstance(cuts[axis], tuple):
                return None
            lies, slices = range(size - span + 1)[slice(*cuts[axis])], []
            for at in range(span)[slice(*cuts.pop())]:
                cuts[axis] = ex.every(lies.step, lies.start + at, len(lies), size)
                slices.append(ex.part(of, cuts))
            return ex.total(slices)
    return None


def _factors(layout: Layout, reading: Reading) -> tuple[Reading, Reading] | None:
    """Returns both factors of an outer product that nothing else needs, as a[i, j] * x[i]."""
    match reading.array:
        case ex.Read(Line(ex.Apply("multiply", sides), int(group))) if layout.is_read_once(group):
            found = []
            for side in sides:
                letters = reading.letters[-len(side.shape) :]
                if isinstance(side, ex.Part) and all(each in (None, WHOLE) for each in side.index):
                    index = [*side.index, *[WHOLE] * len(letters)]
                    letters = [k for k, each in zip(letters, index, strict=False) if each]
                    side = side.of
                found.append(Reading(side, letters))
            a, b = found
            if {*a.letters} != {*b.letters} and 1 not in (*a.array.shape, *b.array.shape):
                return a, b
    return None


def contracted(layout: Layout, left: Reading, right: Reading, summed: set[int]) -> Reading:
    """Returns the sum of products, as a matrix product if possible."""
    left = reduced(layout, left, summed - set(right.letters))
    right = reduced(layout, right, summed - set(left.letters))
    both = [k for k in left.letters if k in right.letters and k not in summed]
    rows = [k for k in left.letters if k not in summed and k not in right.letters]
    columns = [k for k in right.letters if k not in summed and k not in left.letters]
    if not summed & {*left.letters}:
        everything = sorted({*left.letters, *right.letters})
        made = ex.times(layout.aligned(left, everything), layout.aligned(right, everything))
        return Reading(made, everything)
    has_rows = BATCH in right.letters and BATCH not in left.letters  # examples are rows
    lies_first = BATCH not in rows and rows and columns and min(columns) < min(rows)
    if has_rows or lies_first:
        left, right, rows, columns = right, left, columns, rows
    letters = both + rows + columns
    if both and not (rows and columns):
        return _products_of_rows(layout, left, right, letters)
    over = [k for k in left.letters if k in summed]
    first = _stacked(layout, left, both, rows, over)
    made = ex.MatMul(first, _stacked(layout, right, both, over, columns))
    return Reading(ex.reshaped(made, [layout.size(k) for k in letters]), letters)


def _stacked(
    layout: Layout, reading: Reading, both: list[int], first: list[int], second: list[int]
) -> Expression:
    """Returns the operand with one axis for each block of letters, after those of both factors."""
    blocks = [ex.length([*map(layout.size, block)]) for block in (first, second) if block]
    order, natural = [*both, *first, *second], reading.letters
    # .T says more than a transposition of all axes
    is_turned = natural == [*second, *first] != order or BATCH in second
    if is_turned and not both and len(blocks) == 2:
        array = layout.turned(reading.array, [natural.index(k) for k in (*second, *first)])
        return ex.transposed(ex.reshaped(array, blocks[::-1]), [1, 0])
    array = layout.turned(reading.array, [natural.index(k) for k in order])
    return ex.reshaped(array, [*map(layout.size, both), *blocks])


def _products_of_rows(layout: Layout, left: Reading, right: Reading, letters: list[int]) -> Reading:
    """Returns the sum of products of rows, or else in Einstein's notation."""
    over = sorted({*left.letters, *right.letters} - {*letters})
    if over == left.letters[-1:] == right.letters[-1:]:
        first, second = (layout.aligned(r, letters + over) for r in (left, right))
        return Reading(ex.Inner(first, second), letters)
    names = {BATCH: "n"} | {k: "ijklmopqrst"[k] for k in layout.sizes}
    rule = ",".join("".join(names[k] for k in r.letters) for r in (left, right))
    rule += "->" + "".join(names[k] for k in letters)
    return Reading(ex.Einstein(left.array, right.array, rule), letters)
