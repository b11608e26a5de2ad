"""The typed program becomes source, in a room per language. `jax/emit.py` is a short example.

A printer for a new language does this with a `program` of `typed/expressions.py`:

1. It calls `Names(program)`, then `ready(program)`: afterwards `names(...)` has a name for all that
   an expression reads, and `program.forward` and `program.backward` have the steps. It renames
   what means something else in its language. For one with NumPy's functions, `printable` in
   `readable/program.py` does both, and makes the steps fit for readers.
2. The function gets `theta`, a flat vector in which `program.parameters` lie one after the other,
   and `program.inputs`. An input has a row per example if it `is_batched`; their number is `N`. It
   holds whole numbers from 0 if it has a `below`, which the function or its caller must check.
3. It writes the steps of `forward`, then `loss = program.result`, or returns that as the outputs;
   then the steps of `backward`, which fill `dtheta`, a vector of zeros like `theta`. If the program
   `is_mean`, `dtheta` is divided by N at the end. The function returns both.
4. A `Line` computes its `value`, an array of `line.shape`. It becomes the array `names(line)`,
   replaces the one of `line.again`, or is written into `line.target`, a part of another array. With
   a `derivative_of`, it is written into this parameter's part of `dtheta`: into all of it, or into
   the target, whose places count in `dtheta` itself if they are choices. A line that `adds` adds to
   what is there. Elements are repeated where shapes differ, as in NumPy.
5. A `Loop` computes its lines for each t of `loop.counts`.
6. `typed/expressions.py` has the kinds of values, some twenty. A `Constant` is an array that the
   program holds. A condition is never used as a number. `Apply` has about thirty functions of
   numbers: those of `engine/facts.py` by their names in NumPy, and `math.erfc` and its like.
   `CannotPrint` says what a language lacks; then NumPy runs the program.

`tests/lifting/plain_python.py` is a printer that was made from this page alone.
"""


class CannotPrint(ValueError):
    """A program can't be written in a language; the message says why, and NumPy runs it."""
