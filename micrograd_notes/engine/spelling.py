"""Does a row's spelling in NumPy compute what its `forward` computes?

A lifted program runs the spelling instead of `forward`, so the two have to be one function. The
checker compares them for each row, and lifting can before it uses a spelling. NumPy is imported
when the first row is compared.
"""

import math
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from micrograd_notes.engine.op import Op

__all__ = ["spelling_differs"]

_PART = 1e-9  # of the value: what a plain formula may be off, and a wrong one is not
_NEIGHBOURS = (0.0, *(sign * 2.0**-k for k in range(16, 52, 6) for sign in (-1, 1)))
_CAUTION = 4.0  # the noise of so few neighbours may be too small


def spelling_differs(op: Op, points: Sequence[Sequence[float]]) -> str:
    """Returns where the row's spelling in NumPy and its forward differ; "" if nowhere.

    A spelling may lose digits that `forward` keeps: `np.log(1 + np.exp({0}))` does. That shows as
    noise, which differs from one float to the next, and so much is granted. A wrong formula is off
    by as much at all neighbours. Points at which `forward` has no finite value are left out.

    >>> from micrograd_notes.engine.op import operation
    >>> sine = operation("my_sine", math.sin, [0.0], numpy="np.cos({0})")
    >>> spelling_differs(sine, [(0.0,)])
    'numpy="np.cos({0})" gives 1.0 at (0.0), and forward gives 0.0'
    """
    rows = [row for point in points for row in _neighbours(op, point)]
    if not rows or not op.numpy or not find_spec("numpy"):
        return ""
    import numpy as np

    if op.numpy == f"np.{op.name}({{all}})" and not hasattr(np, op.name):
        return ""  # nobody stated it: lifting writes out what forward does
    spelled = f'numpy="{op.numpy}"'
    wanted, columns = np.array([op.forward(*row) for row in rows], float), np.array(rows).T
    with np.errstate(all="ignore"):
        try:
            got = np.asarray(_evaluated(op, list(columns)), float)
            got = np.diagonal(got) if op.chooses else np.broadcast_to(got, wanted.shape)
        except Exception as error:  # what a learner spelled may raise anything
            return f"{spelled} raises {type(error).__name__}: {error}"
        off = (got - wanted).reshape(-1, len(_NEIGHBOURS))
        noise = abs(off - off[:, :1]).max(1).repeat(len(_NEIGHBOURS))
        sizes = np.maximum(abs(got), abs(wanted)) + 1e-3 * np.maximum(abs(columns).max(0), 1.0)
        is_met = abs(got - wanted) <= _PART * sizes + _CAUTION * noise  # a nan meets nothing
    if is_met.all():
        return ""
    k = int(is_met.argmin())
    at = ", ".join(map(repr, rows[k]))
    return f"{spelled} gives {float(got[k])!r} at ({at}), and forward gives {float(wanted[k])!r}"


def _neighbours(op: Op, point: Sequence[float]) -> list[list[float]]:
    """Returns the point and others close by; none if forward has no finite value at one of them.

    An operand that is not differentiated, as a number of digits, stays a whole number.
    """
    moves = list(map(op.is_differentiated, range(len(point))))
    rows = [
        [x * (1.0 + part) if m else float(int(x)) for x, m in zip(point, moves, strict=True)]
        for part in _NEIGHBOURS
    ]
    try:
        return rows if all(math.isfinite(op.forward(*row)) for row in rows) else []
    except Exception:  # whatever a learner's forward raises, or gives instead of a number
        return []


def _evaluated(op: Op, columns: list[Any]) -> Any:
    """Returns the spelling's values where each operand is an array with one number per point."""
    import numpy as np

    names = [f"x{i}" for i in range(len(columns))]
    everything = "np.stack(columns, -1)" if op.arity is None else ", ".join(names)
    source = op.numpy.format(*names, all=everything, rest="np.array(columns[1:])")
    if op.chooses:
        columns[0] = columns[0].astype(int)
    known = {"np": np, "math": math, "columns": columns, **dict(zip(names, columns, strict=True))}
    return eval(source, known)
