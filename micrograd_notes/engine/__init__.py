"""Numbers that remember how they were made, and the chain rule. Start here.

The sitting is four files, in this order: `value` records operations, `backward` has the chain rule,
`ops` is the page of calculus, and `op` says what a row of it is. The other files are doors out of
it: `facts`, `accurate` and `helper_ops` for the digits, `fast` for the speed, `modes` and `anomaly`
for `no_grad` and `detect_anomaly`, `messages` for what is refused.
"""

from micrograd_notes.engine import (
    copying as copying,  # registers copies and pickles of graphs
    methods as methods,  # makes every row a method of Value
    ops as ops,
)
from micrograd_notes.engine.anomaly import AnomalyError, detect_anomaly
from micrograd_notes.engine.backward import Step, grad, sweep, topological_order
from micrograd_notes.engine.fast import use as use
from micrograd_notes.engine.functions import clamp, maximum, minimum, pick, softmax
from micrograd_notes.engine.helper_ops import equal, greater, step, where
from micrograd_notes.engine.modes import no_grad
from micrograd_notes.engine.op import TABLE, Op, lookup, operation
from micrograd_notes.engine.ops import *  # noqa: F403
from micrograd_notes.engine.value import Value

use("fast")

__all__ = [
    "TABLE",
    "AnomalyError",
    "Op",
    "Step",
    "Value",
    "clamp",
    "detect_anomaly",
    "equal",
    "grad",
    "greater",
    "lookup",
    "maximum",
    "minimum",
    "no_grad",
    "operation",
    "pick",
    "softmax",
    "step",
    "sweep",
    "topological_order",
    "where",
]
__all__ += sorted(set(ops.__all__) - set(__all__))
