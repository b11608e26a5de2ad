"""The complementary error function on arrays, printed with a source that needs it.

The table says `np.vectorize(math.erfc)`, which calls Python for each number. `numpy/emit.py` prints
this function instead, and `buffered/calls.py` runs its lines by `steps`, so both compute the same
bits. C and JAX have functions of their own.
"""

import textwrap
from typing import Any

from micrograd_notes.lifting.typed.expressions import Expression
from micrograd_notes.lifting.typed.formulas import NAMES, Traced

NAME = "complementary_erf"
BODY = """\
a = np.minimum(np.abs(x), 28.0)  # erfc(28) is 0 in floats
t = (a - 4.0) / (a + 4.0)
square = a * a
high = 134217729.0 * a - (134217729.0 * a - a)  # the upper half of the digits
low = a - high
rest = high * high - square + 2.0 * high * low + low * low  # a**2 is square + rest
p = 9.311744978232572e-10
for c in (
    1.5738283774192037e-09, -1.234686604382353e-08, -1.6371779763566967e-08,
    1.0633855618594884e-07, 7.115337800585303e-08, -8.210939042560568e-07,
    2.9801353803031333e-07, 5.706604414895734e-06, -1.1225101875659178e-05,
    -2.4397746422436416e-05, 0.00015062309720018628, -0.00019925714661091188,
    -0.000757773707063825, 0.005031970067657489, -0.016197733981455194, 0.03716751552655567,
    -0.06633036582031154, 0.0937328349990944, -0.10103906603586531, 0.06809705425466908,
    0.015379652102610473, -0.1396211168405623, 1.2329951186255526,
):
    p = p * t + c
tail = np.exp(-square) * (1.0 - rest) * p / (1.0 + 2.0 * a)
"""
RESULT = "np.where(x < 0.0, 2.0 - tail, tail)"
SOURCE = f'''
def {NAME}(x):
    """Returns 1 - erf(x), to 6 units in the last place.

    exp(x**2) * (1 + 2 * x) * erfc(x) is a polynomial in t for x >= 0: Shepherd and Laframboise,
    Mathematics of Computation 36 (1981), page 249.
    """
{textwrap.indent(BODY, "    ")}    return {RESULT}
'''


def steps(x: Expression) -> list[Expression]:
    """Returns what each name in the body stands for, in their order; the last is the result."""
    scope: dict[str, Any] = {"np": NAMES["np"], "x": Traced(x)}
    exec(f"{BODY}result = {RESULT}", scope)
    return [each.made for name, each in scope.items() if isinstance(each, Traced) and name != "x"]
