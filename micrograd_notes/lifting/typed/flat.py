"""Squares of parameters, added up as they lie in the flat vector: theta @ theta.

    W1.reshape(6) @ W1.reshape(6) + b1 @ b1 + b2[0] * b2[0]   ->   theta @ theta

A sum may be added up in any order, and so arrays that lie side by side may be taken together. The
squares of a single matrix are (W1 * W1).sum(). `printable.py` calls it, for printers of NumPy.
"""

from itertools import accumulate
from math import prod

from micrograd_notes.lifting.trace.tape import Array
from micrograd_notes.lifting.typed.expressions import (
    Expression,
    Inner,
    MatMul,
    Part,
    Program,
    Read,
    Reshape,
    Sum,
    Total,
    part,
    times,
    total,
)


def with_flat_squares(program: Program) -> Program:
    """Returns the program, with all squares of neighbours in the flat vector in one product."""
    for line in program.lines:
        line.value = _flat(line.value, program)
    program.result = _flat(program.result, program)
    return program


def _flat(expression: Expression, program: Program) -> Expression:
    terms = expression.of if isinstance(expression, Total) else [expression]
    arrays = [*map(_squared, terms)]
    squared = {a: t for a, t in zip(arrays, terms, strict=True) if a and arrays.count(a) == 1}
    if not squared:
        return expression.with_operands([_flat(each, program) for each in expression.operands])
    pairs = zip(arrays, terms, strict=True)
    others = [_flat(term, program) for array, term in pairs if array not in squared]
    stretches: list[list[Array]] = [[]]
    for array in program.parameters:
        if array in squared:
            stretches[-1].append(array)
        elif stretches[-1]:
            stretches.append([])
    starts = [*accumulate([array.size for array in program.parameters], initial=0)]
    found: list[Expression] = []
    for stretch in filter(None, stretches):
        first = program.parameters.index(stretch[0])
        bounds = starts[first], starts[first + len(stretch)]
        theta: Expression = Read(program.grouping.theta)
        if bounds != (0, starts[-1]):
            stop = None if bounds[1] == starts[-1] else bounds[1]
            theta = part(theta, [(bounds[0] or None, stop, None)])
        whole = Read(stretch[0])
        if len(stretch) > 1:
            found.append(MatMul(theta, theta))
        elif len(whole.shape) > 1:
            found.append(Sum(times(whole, whole), tuple(range(len(whole.shape)))))
        else:
            found.append(squared[stretch[0]])
    return total([*found, *others])


def _squared(term: Expression) -> Array | None:
    """Returns the parameter whose squares a term adds up."""
    is_product = isinstance(term, Inner | MatMul) or getattr(term, "function", "") == "multiply"
    if not is_product or term.shape != () or term.operands[0] != term.operands[1]:
        return None
    seen = term.operands[0]
    while isinstance(seen, Reshape | Part):
        seen = seen.of
    source = seen.source if isinstance(seen, Read) else None
    if not isinstance(source, Array) or not source.is_parameter:
        return None
    sizes = [size for size in term.operands[0].shape if isinstance(size, int)]
    return source if prod(sizes) == source.size else None
