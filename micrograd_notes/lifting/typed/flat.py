"""Weight decay as it lies in the flat vector: theta @ theta, and its derivative.

    W1.reshape(6) @ W1.reshape(6) + b1 @ b1 + b2[0] * b2[0]   ->   theta @ theta
    dW1[...] = x.T @ dz1 + 0.2 * W1                           ->   dW1[...] = x.T @ dz1
    db1[...] = dz1.sum(axis=0) + 0.2 * b1                          db1[...] = dz1.sum(axis=0)
                                                                   dtheta += 0.2 * theta

A sum may be added up in any order, and so arrays that lie side by side may be taken together. The
squares of a single matrix are (W1 * W1).sum(). `printable.py` calls it, for printers of NumPy.
"""

from itertools import accumulate
from math import prod

from micrograd_notes.lifting.trace.tape import Array
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import Expression, Line, Program

BY_NUMBER = {ex.Apply, ex.Count, ex.Number, ex.Read, ex.Total, ex.Where}


def with_flat_squares(program: Program) -> Program:
    """Returns the program, with all squares of neighbours in the flat vector in one product."""
    for line in program.lines:
        line.value = _flat(line.value, program)
    program.result = _flat(program.result, program)
    return program


def _flat(expression: Expression, program: Program) -> Expression:
    terms = expression.of if isinstance(expression, ex.Total) else [expression]
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
        start, stop = starts[first], starts[first + len(stretch)]
        index = [ex.every(1, start, stop - start, starts[-1])]
        theta = ex.part(ex.Read(program.grouping.theta), index)
        whole = ex.Read(stretch[0])
        if len(stretch) > 1:
            found.append(ex.MatMul(theta, theta))
        elif len(whole.shape) > 1:
            found.append(ex.Sum(ex.times(whole, whole), tuple(range(len(whole.shape)))))
        else:
            found.append(squared[stretch[0]])
    return ex.total([*found, *others])


def with_flat_decay(program: Program) -> Program:
    """Returns the program that adds the same function of each parameter to its derivative at once.

    All parameters must have it, and something else in their derivatives.
    """
    theta = program.grouping.theta
    lines = [step for step in program.backward if isinstance(step, Line) and step.derivative_of]
    split = [_split(line, theta) for line in lines]
    decays = {decay for decay, _ in split}
    parameters = {line.derivative_of for line in lines}
    if not len(lines) == len(parameters) == len(program.parameters) or len(decays) != 1:
        return program
    [decay] = decays
    if decay is None:
        return program
    for line, (_, others) in zip(lines, split, strict=True):
        line.value = ex.total(others)
    program.backward.append(Line(decay, derivative_of=theta, adds=True))
    return program


def _split(line: Line, theta: Array) -> tuple[Expression | None, list[Expression]]:
    """Returns the one term of a derivative that only its parameter determines, and the others.

    The term is that for theta. None if there is no such term, or nothing else.
    """
    terms = line.value.of if isinstance(line.value, ex.Total) else ()
    changed = [_over(term, line, theta) for term in terms]
    found = [each for each in changed if each is not None]
    others = [term for term, each in zip(terms, changed, strict=True) if each is None]
    return (found[0] if len(found) == 1 and others else None), others


def _over(term: Expression, line: Line, theta: Array) -> Expression | None:
    """Returns a term with theta instead of the line's parameter, or None if it reads others, too.

    It has to work number by number, on all of the parameter.
    """
    assert line.derivative_of is not None
    whole: Expression = ex.Read(line.derivative_of)
    if line.target is not None:
        whole = ex.part(whole, line.target.index)
    changed = ex.substituted(term, whole, ex.Read(theta))
    kinds, read = {type(each) for each in changed.walk()}, {*changed.sources()}
    is_all = prod(ex.sizes_at(whole.shape)) == line.derivative_of.size
    is_whole = is_all and term.shape == whole.shape
    return changed if is_whole and kinds <= BY_NUMBER and read == {theta} else None


def _squared(term: Expression) -> Array | None:
    """Returns the parameter whose squares a term adds up."""
    function = getattr(term, "function", "")
    is_product = isinstance(term, ex.Inner | ex.MatMul) or function == "multiply"
    if not is_product or term.shape != () or term.operands[0] != term.operands[1]:
        return None
    source = ex.source_of(term.operands[0], ex.Reshape | ex.Part)
    if not isinstance(source, Array) or not source.is_parameter:
        return None
    return source if prod(ex.sizes_at(term.operands[0].shape)) == source.size else None
