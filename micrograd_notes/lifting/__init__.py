"""Lifting: from a loss written with scalars to the array program that it spells out.

A learner writes a loss with `Value`s, for one example. `lift` records it once, together with the
graph of its gradients, finds the arrays, and returns NumPy source that a person can read. Nobody
writes a matrix. The passes, each in a file of its own and each printable before and after:

| pass | from | to |
|---|---|---|
| `record` | the learner's function | a tape of scalar operations, with their derivatives |
| `simplify` | tape | tape: equal numbers once, constants folded, sums flat |
| `group` | tape | groups of numbers that are made alike: the arrays |
| `arrange` | groups | one operation on arrays a line: axes, matrix products |
| `emit` | lines | names, and source |

A *tape* (`tape`) is three lists: what made each number, of which numbers, and what of that is an
array's place. `recorded` has the numbers that write it, which refuse what a tape can't follow
(`questions` reads what `isinstance` asks), `words` what the learner calls them, and `name` the
arrays of the parameters. `axes` finds the axes of an array from integers alone, and `source` knows
Python's syntax. `program` checks what comes in (`inputs`), runs the passes, and runs what they
made: after `net` has held it against the scalars, where `blame` says which line is wrong, and as
long as nothing changes that it was compiled for (`outside`).

    words <- tape <- recorded <- record <- simplify <- group <- arrange <- emit <- program
    axes, source <- layout <- contract <- sums <- operations <- arrange
    questions <- recorded         share, called <- emit         net <- blame <- program
                                  name, inputs, outside, again <- program

The table of operations is the only list of operations: a derivative is recorded by calling its
rule, and an operation is printed by its spelling there. This room knows no network and no loss.
"""

from micrograd_notes.lifting.program import Lifted, lift
from micrograd_notes.lifting.trace.net import NotChecked
from micrograd_notes.lifting.trace.record import CannotLift

__all__ = ["CannotLift", "Lifted", "NotChecked", "lift"]
