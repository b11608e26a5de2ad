"""The typed program becomes source, in a room per language.

`tests/lifting/plain_python.py` is a printer that was made from this page alone: begin with it.
`jax/emit.py` is one for a language with NumPy's functions.

A printer for a new language does this with a `program` of `typed/expressions.py`:

1. It calls `Names(program)`, then `ready(program)`: afterwards `names(...)` has a name for all that
   an expression reads, and `program.forward` and `program.backward` have the steps. It renames
   what means something else in its language, and reads `program.lines` no more. For one with
   NumPy's functions, `printable` in `readable/printable.py` does both, and makes the steps fit for
   readers.
2. The function gets `theta`, a flat vector in which `program.parameters` lie one after the other,
   and `program.inputs`. An input has a row per example if it `is_batched`; their number is `N`. It
   holds whole numbers from 0 if it has a `below`, which the function or its caller must check.
3. It makes `dtheta`, a vector of zeros like `theta`, and writes the steps of `forward`, whose loops
   may add derivatives already (a function for the loss alone leaves such lines out); then
   `loss = program.result`, or returns that as the outputs; then the steps of `backward`. If the
   program `is_mean`, `dtheta` is divided by N at the end; the result is the mean already. The
   function returns both.
4. A `Line` computes its `value`, an array of `line.shape`. It becomes the array `names(line)`,
   replaces the one of `line.again`, or is written into `line.target`, a part of another array. With
   a `derivative_of`, it is written into this parameter's part of `dtheta`: into all of it, or into
   the target, whose places count in `dtheta` itself if they are choices; what such a target is a
   part of has no name but that of the parameter. A line that `adds` adds to what is there.
   Operands of different shapes are repeated, as in NumPy. A line is a value and not a view: what is
   written to an array later does not change it. With `again`, it may read what it replaces, so all
   of it is computed first.
5. A `Loop` computes its lines for each t of `loop.counts`, which go up or down by 1. Loops are not
   in each other. A line that is read after its loop is that of the last step.
6. `typed/expressions.py` has the kinds of values, some twenty. A `Constant` is an array that the
   program holds. A condition is never used as a number, but the condition of a `Where` may be a
   number, which is true unless it is 0: nan is true. `Apply` has the `FUNCTIONS` there, by their
   names in NumPy, whose results they have: the maximum of a number and nan is nan. A learner's own
   operation may have any other. `CannotPrint` says what a language lacks.
7. Its caller does the rest. If a number of the result is nan, it runs the program again with the
   products guarded (`compiled.guarded`), as `per_shape.py` and `in_jax.py` do. If the program can't
   be printed, NumPy runs it instead of C, and JAX refuses it.
8. A method of `Lifted` offers it, as `jax` in `program.py`. It is tested as `plain_python` is, and
   by many random programs once `tests/lifting/__main__.py` has it among its `MODES`.
"""


class CannotPrint(ValueError):
    """A program can't be written in a language; the message says why, and NumPy runs it."""
