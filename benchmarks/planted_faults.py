"""Plants faults in every row of the table, and in the engine, and counts which `opcheck` catches.

    python benchmarks/planted_faults.py          all of them, some minutes
    python benchmarks/planted_faults.py tanh relu

A fault counts as told rightly if the verdict names it: a wrong rule as WRONG RULE, digits that are
lost as INACCURATE (or NONDETERMINISTIC), a wrong value as WRONG VALUE.
"""

import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from micrograd_notes.engine import ops
from micrograd_notes.engine.op import built_in_rows, lookup
from micrograd_notes.testing import Verdict, check_operation, gradcheck
from tests.testing.faults import (
    ENGINE_FAULTS,
    Planted,
    broken_engine,
    fault_of_value,
    faults_of_rules,
)


def main() -> None:
    """Prints a line for each kind of fault, and each fault that was missed or told wrongly."""
    rows = [lookup(name) for name in sys.argv[1:]] or built_in_rows()
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for op in rows:
        planted = [*faults_of_rules(op)]
        value = fault_of_value(op)
        for fault in [*planted, *([value] if value else [])]:
            tell(fault, counts)
    for kind in ENGINE_FAULTS:
        with broken_engine(kind) as right:
            # an order that is wrong shows where a value waits for two users, one above the other
            for name, function, xs in PROGRAMS[2 if "order" in kind else 0 :]:
                report = gradcheck(function, *xs, raise_exception=False)
                count(counts, f"engine: {kind}", name, report.verdict, report.verdict in right)
    print(f"{'fault':32} {'planted':>8} {'caught':>8} {'told rightly':>13}")
    totals = [0, 0, 0]
    for kind, numbers in counts.items():
        print(f"{kind:32} {numbers[0]:8} {numbers[1]:8} {numbers[2]:13}")
        totals = [a + b for a, b in zip(totals, numbers, strict=True)]
    print(f"{'all':32} {totals[0]:8} {totals[1]:8} {totals[2]:13}")
    sys.exit(totals[0] != totals[1])


# Small graphs in which each fault of an engine shows: a value used twice, beside its own user.
PROGRAMS: list[tuple[str, Callable[..., Any], list[float]]] = [
    ("x * x", lambda x: x * x, [3.0]),
    ("a - b", lambda a, b: (a - b) * a, [3.0, 5.0]),
    ("a diamond", lambda x: _diamond(x), [0.7]),
    ("a longer one", lambda x, y: _longer(x, y), [0.7, -1.3]),
]


def _diamond(x: Any) -> Any:
    y = ops.sin(x)
    return y * (y + x) / (1.0 + y * y)


def _longer(x: Any, y: Any) -> Any:
    a = ops.tanh(x * y) + x
    b = a * a - y / a
    return b + ops.exp(-b * a) * a


def tell(fault: Planted, counts: dict[str, list[int]]) -> None:
    """Checks a row with a fault in it, and counts what is said."""
    report = check_operation(fault.op)
    count(
        counts,
        fault.kind,
        f"{fault.op.name}, partial {fault.index}" if fault.index is not None else fault.op.name,
        report.verdict,
        report.verdict in fault.expected,
    )


def count(
    counts: dict[str, list[int]], kind: str, where: str, verdict: Verdict, right: bool
) -> None:
    """Adds to planted, caught and told rightly, and prints what is not."""
    numbers = counts[kind]
    numbers[0] += 1
    numbers[1] += verdict.fails
    numbers[2] += right
    if not right:
        print(f"{kind}, {where}: {verdict}", flush=True)


if __name__ == "__main__":
    main()
