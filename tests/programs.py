"""Random programs for the tests: graphs with shared interior nodes, not trees.

A program is a list of (operation, i, j), where i and j count back from the newest value. So
interior nodes are shared, and a failing program shrinks to the shortest one.
"""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from micrograd_notes.engine import functions, helper_ops, ops

Instruction = tuple[str, int, int]

STEPS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / (1.0 + b * b),
    "neg": lambda a, b: -a,
    "tanh": lambda a, b: ops.tanh(a),
    "sin": lambda a, b: ops.sin(a),
    "relu": lambda a, b: ops.relu(a),
    "sigmoid": lambda a, b: ops.sigmoid(a),
    "softplus": lambda a, b: ops.softplus(a),
    "square": lambda a, b: ops.tanh(a) ** 2,
    "maximum": lambda a, b: functions.maximum(a, b),
    "at_least": lambda a, b: functions.maximum(a, 0.25),
    "where": lambda a, b: helper_ops.where(helper_ops.greater(a, b), a, b),
    "logsumexp": lambda a, b: ops.logsumexp(a, b, 1.0),
    "hypot": lambda a, b: ops.hypot(a, b),
    "constant": lambda a, b: 2.0 * a - 1.0,
}


def run(program: Sequence[Instruction], inputs: Sequence[Any]) -> Any:
    """Returns the newest value after all instructions."""
    values = list(inputs)
    for name, i, j in program:
        values.append(STEPS[name](values[-1 - i % len(values)], values[-1 - j % len(values)]))
    return values[-1]


instructions = st.tuples(
    st.sampled_from(list(STEPS)), st.integers(min_value=0, max_value=5), st.integers(0, 5)
)
programs = st.lists(instructions, min_size=1, max_size=25)
inputs = st.lists(
    st.floats(min_value=-3.0, max_value=3.0, allow_nan=False), min_size=1, max_size=4
)
