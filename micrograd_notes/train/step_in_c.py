"""The step of an optimiser as C, from its one formula in `optim.py`.

`Optimizer._after` is arithmetic on numbers or on vectors. Here it runs once on symbols, with one
for each option, parameter and memory, and the expressions that it makes are printed. C takes the
same operations in the same order, so its results have the same bits. `epoch_in_c.py` calls it.

>>> from micrograd_notes import Value
>>> from micrograd_notes.train.optim import SGD
>>> print(Step(SGD([Value(0.0)], lr=0.1, momentum=0.9), {"momentum_buffer": 1.0}).loop)
const double v1 = (momentum * old_momentum_buffer[i]) + (gradient[i] + (0.0 * data[i]));
after[i] = data[i] - (lr * v1);
new_momentum_buffer[i] = v1;
"""

import textwrap
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from micrograd_notes.lifting.trace.tape import Array
from micrograd_notes.lifting.typed.expressions import Apply, Expression, Number, Read
from micrograd_notes.lifting.typed.formulas import Traced
from micrograd_notes.train.optim import Optimizer

SPELLED = {
    "add": "{} + {}", "subtract": "{} - {}", "multiply": "{} * {}", "divide": "{} / {}",
    "negative": "-{}", "power": "pow({}, {})", "sqrt": "sqrt({})",
}
SOURCE = """\
static void step(int64_t size, const double *options, double *counts, const double *restrict data,
        const double *restrict gradient, double *restrict after, double *const *old,
        double *const *new) {{
{before}
    for (int64_t i = 0; i < size; i++) {{
{loop}
    }}
{behind}
}}
"""


class Symbol(Traced):
    """A number that C gets when it runs; as an option it is not 0, which Python may look at."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> Any:
        return Traced.__eq__(self, other) if isinstance(other, Traced) or other else False


class Step:
    """The step of an optimiser whose memories have such entries, as C.

    C gets the options' `values`, and the vectors `names` and `counts` of the memories. Options that
    are 0 or truth values are a part of the formula. If `is_steady` is False, the step makes other
    entries, as a first step does, and Python must take it.

    Raises:
        TypeError: the formula does more than arithmetic.
    """

    def __init__(self, optimizer: Optimizer, memory: Mapping[str, Any]) -> None:
        self.counts = [name for name, entry in memory.items() if type(entry) is int]
        self.names = [name for name in memory if name not in self.counts]
        self._options: dict[str, Callable[[], Any]] = {}
        shadow = object.__new__(type(optimizer))
        for name in optimizer.options:
            vars(shadow)[name] = self._as_symbols(name, partial(getattr, optimizer, name))
        entries = {name: _symbol(f"old_{name}[i]", True) for name in self.names}
        entries |= {name: _symbol(name, False) for name in self.counts}
        after = shadow._after(_symbol("data[i]", True), _symbol("gradient[i]", True), entries)
        self.is_steady = entries.keys() == memory.keys()
        results = {f"new_{name}[i]": entries[name].made for name in self.names}
        counts = {f"counts[{k}]": entries[name].made for k, name in enumerate(self.counts)}
        self._print({"after[i]": after.made, **results}, counts)

    def _as_symbols(self, name: str, read: Callable[[], Any]) -> Any:
        option = read()
        if isinstance(option, tuple | list):
            return [
                self._as_symbols(f"{name}_{k}", partial(lambda k: read()[k], k))
                for k in range(len(option))
            ]
        if fixed(option) is not None:
            return option
        self._options[name] = read
        return _symbol(name, False)

    def values(self) -> list[float]:
        """Returns the numbers of the options now, as C gets them."""
        return [float(read()) for read in self._options.values()]

    # ---- printing --------------------------------------------------------------------------------

    def _print(self, loop: dict[str, Expression], behind: dict[str, Expression]) -> None:
        roots = [*loop.values(), *behind.values()]
        self._uses = Counter(roots)
        for each in {node for root in roots for node in root.walk()}:
            self._uses.update(each.operands)
        self._names: dict[Expression, str] = {}
        self._before = [f"const double {n} = options[{k}];" for k, n in enumerate(self._options)]
        self._before += [f"const double {n} = counts[{k}];" for k, n in enumerate(self.counts)]
        for k, name in enumerate(self.names):
            self._before.append(f"const double *restrict old_{name} = old[{k}];")
            self._before.append(f"double *restrict new_{name} = new[{k}];")
        self._loop: list[str] = []
        for into, root in loop.items():
            text = self._text(root)
            self._loop.append(f"{into} = {text};")
        last = [f"{into} = {self._text(root)};" for into, root in behind.items()]
        self.loop = "\n".join(self._loop)
        rows = {"before": self._before, "loop": self._loop, "behind": last}
        indented = {k: textwrap.indent("\n".join(v), " " * 4) for k, v in rows.items()}
        indented["loop"] = textwrap.indent(indented["loop"], " " * 4)
        self.source = SOURCE.format(**indented)

    def _text(self, expression: Expression) -> str:
        """Returns an expression in C, after rows for its parts that are computed once."""
        if isinstance(expression, Number):
            return repr(expression.value)
        if isinstance(expression, Read) and isinstance(expression.source, Array):
            return expression.source.name
        if expression in self._names:
            return self._names[expression]
        if not isinstance(expression, Apply) or expression.function not in SPELLED:
            raise TypeError(f"{expression} can't be printed in C")
        parts = [self._text(operand) for operand in expression.operands]
        inner = [f"({part})" if " " in part else part for part in parts]
        text = SPELLED[expression.function].format(*inner)
        is_one = not expression.shape  # the same in each round
        if not is_one and self._uses[expression] == 1:
            return text
        name = f"{'s' if is_one else 'v'}{len(self._names) + 1}"
        (self._before if is_one else self._loop).append(f"const double {name} = {text};")
        self._names[expression] = name
        return name


def fixed(option: Any) -> Any:
    """Returns the parts of an option that are a part of the formula; None for other numbers.

    >>> fixed(0.0), fixed(True), fixed(0.1), fixed((0.0, 0.9))
    (0.0, True, None, (0.0, None))
    """
    if isinstance(option, tuple | list):
        return tuple(map(fixed, option))
    return option if isinstance(option, bool) or option == 0 else None


def _symbol(name: str, is_vector: bool) -> Symbol:
    return Symbol(Read(Array(name, (), is_parameter=False, is_batched=is_vector)))
