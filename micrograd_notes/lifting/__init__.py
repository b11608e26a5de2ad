"""Lifting: from a loss written with scalars to the array program that it spells out.

Learners call `lift` with a loss of one example, written with `Value`s. It records the loss once,
together with the graph of its gradients, finds the arrays, and returns NumPy source that a person
can read. The table of operations is the only list of operations: a derivative is recorded by
calling its rule, and an operation is printed as its spelling there says.

| folder | file: what it does |
|---|---|
| `trace` | `traced`: the function is called once, and writes a tape of scalars |
| `recurrences` | `steps` finds loops on the tape, and `starts` makes their steps alike |
| `passes` | `record`: the derivatives; `simplify`: equal numbers once; `group`: the arrays |
| `arrays` | `arrange`: one operation on arrays per line, with axes and matrix products |
| `typed` | `ready`: equal expressions once, loops, two halves; what every printer reads |
| `codegen` | rooms: `numpy`, `c` and `jax` print the source, and `buffered` runs NumPy's |
| `native` | `backend`: a program in C is compiled, compared with NumPy, and called |
| `guards` | `net`: compared with the scalars before use; `inputs`, `outside`: checks per call |
| `sizes` | `lift_of_sizes`: a large program follows from small ones, which are lifted instead |

`compiled.py` runs the passes in that order, `per_shape.py` keeps and runs what they made, and
`program.py` has what a learner calls. `certificate.py` compares program and scalars to 40 digits.
Read `program.py` next, or print every pass with `lift(...).explain()`.
"""

from micrograd_notes.lifting.certificate import Certificate
from micrograd_notes.lifting.guards.point import NotChecked
from micrograd_notes.lifting.native.backend import NotInC
from micrograd_notes.lifting.program import Lifted, lift
from micrograd_notes.lifting.sizes.program import lift_of_sizes
from micrograd_notes.lifting.trace.recorded import CannotLift

__all__ = [
    "CannotLift", "Certificate", "Lifted", "NotChecked", "NotInC", "lift", "lift_of_sizes",
]
