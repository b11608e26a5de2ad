"""Numbers that remember how they were made, and the chain rule. Start here.

The sitting is four files, in this order: `value` records operations, `backward` has the chain rule,
`ops` is the page of calculus, and `op` says what a row of it is. The other files are doors out of
it: `facts` and `accurate` for the digits, `fast` for the speed, `modes` and `anomaly` for
`no_grad` and `detect_anomaly`.
"""

import micrograd_notes.engine.copying
import micrograd_notes.engine.methods  # noqa: F401
from micrograd_notes.engine import ops as _ops
from micrograd_notes.engine.anomaly import AnomalyError
from micrograd_notes.engine.backward import Step, sweep, topological_order
from micrograd_notes.engine.modes import detect_anomaly, no_grad
from micrograd_notes.engine.op import TABLE, Op, operation
from micrograd_notes.engine.ops import *  # noqa: F403
from micrograd_notes.engine.value import Value, as_value, grad, tell_of_sweeps

__all__ = [
    "TABLE",
    "AnomalyError",
    "Op",
    "Step",
    "Value",
    "detect_anomaly",
    "grad",
    "no_grad",
    "operation",
    "sweep",
    "topological_order",
    *_ops.__all__,
]
