"""Programs on multiples of 1/4, whose rows round nothing: the exact oracle judges them."""

import random
from fractions import Fraction
from functools import cache

from micrograd_notes.engine.op import Op
from micrograd_notes.testing.numbers.exact import Fractions, evaluated
from micrograd_notes.testing.programs.random_programs import BUILT_IN


def dyadic(generator: random.Random) -> float:
    """Returns a multiple of 1/4 from -2 to 2."""
    return generator.randint(-8, 8) / 4


@cache
def exact_rows() -> tuple[Op, ...]:
    """Returns the rows whose values on multiples of 1/4 are multiples of 1/256, by counterpart.

    >>> [op.name for op in exact_rows()][:4]
    ['add', 'subtract', 'multiply', 'neg']
    """
    return tuple(op for op in BUILT_IN if _is_exact(op))


def _is_exact(op: Op) -> bool:
    generator = random.Random(op.name)
    kind = Fractions()
    for _ in range(40):
        operands = [Fraction(dyadic(generator)) for _ in range(op.arity or 3)]
        try:
            value = evaluated(kind, op, operands)
        except (AttributeError, TypeError):  # it needs more than arithmetic
            return False
        if value is None or 256 % value.denominator:
            return False
    return True
