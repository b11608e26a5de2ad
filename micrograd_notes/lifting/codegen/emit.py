"""The last pass: the source, which is both run and printed.

`program.py` calls `emit`. An expression that several lines compute gets its own line (`share.py`),
and one that is used once moves into the line that uses it, if that stays short. `called.py` names
the arrays. Read `share.py` next.
"""

import ast
import itertools
import re
from collections import Counter
from typing import Any

from micrograd_notes.lifting.arrays import axes, source
from micrograd_notes.lifting.arrays.arrange import Arrangement, Statement
from micrograd_notes.lifting.codegen.called import Called
from micrograd_notes.lifting.codegen.share import Line, shared, with_plain_conditions
from micrograd_notes.lifting.trace.tape import Array

WIDTH = 84  # of a line that something is moved into


def emit(arrangement: Arrangement, title: str) -> str:
    """Returns the source of the program."""
    return _Emitter(arrangement, title).run()


class _Emitter:
    def __init__(self, arrangement: Arrangement, title: str) -> None:
        self.arranged, self.title = arrangement, title
        self.recording = arrangement.grouping.recording
        self.parameters = [a for a in self.recording.arrays if a.is_parameter]
        self.inputs = [a for a in self.recording.arrays if not a.is_parameter]
        self.places: dict[str, str] = {}  # of parameters that are not views of the flat vector
        self.called = Called(arrangement)
        self.names = self.called.names
        self.spoken = self.called.spoken

    def run(self) -> str:
        self._name_constants()
        body = self._body()
        unpack = self._unpack() if self.parameters else ""
        used = unpack + "\n".join(body)
        names = [self.names[f"_k{i}"] for i in range(len(self.arranged.constants))]
        constants = [
            f"{name} = {self._spelled(array)}\n"
            for name, array in zip(names, self.arranged.constants, strict=True)
            if re.search(rf"\b{name}\b", used)
        ]
        math = "import math\n" if re.search(r"\bmath\.", "\n".join(body)) else ""
        blocks = [f'"""{self.title}"""\n\n{math}import numpy as np\n']
        blocks += ["".join(constants)] if constants else []
        blocks += ["\n" + unpack] if self.parameters else []
        return "\n".join([*blocks, "\n" + self._function(body)]).rstrip()

    def _name_constants(self) -> None:
        for i, array in enumerate(self.arranged.constants):
            spelled = self._spelled(array)
            name = "mask" if array.dtype == bool else "K"
            name = {"np.tri": "causal", "np.arange": "numbers"}.get(spelled.partition("(")[0], name)
            self.names[f"_k{i}"] = self.called(name)

    def _body(self) -> list[str]:
        """Returns the lines of the function, with what is used once where it is used."""
        statements = {line.key: line for line in self.arranged.statements}
        lines, outputs = shared(
            [Line(key, line.tree, line.array is None) for key, line in statements.items()],
            self.arranged.outputs,
            self._name_shared,
        )
        lines = with_plain_conditions(lines, outputs)
        uses: Counter[str] = Counter()
        for tree in [*(line.tree for line in lines), outputs]:
            uses.update(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
        waiting: dict[str, Any] = {}
        written: list[str] = []

        def settled(tree: Any) -> Any:
            """Returns the tree with the waiting expressions inside, or written before it."""
            for part in [p.id for p in ast.walk(tree) if isinstance(p, ast.Name)]:
                if part not in waiting:
                    continue
                inner = waiting.pop(part)
                if _may_move(tree, part, inner):
                    moved = source.substitute(source.copied(tree), {part: inner})
                    if len(self._text(moved)) <= WIDTH:
                        tree = moved
                        continue
                write(part, inner)
            return tree

        def write(key: str, tree: Any) -> None:
            written.append(f"{self.names[key]} = {self._text(tree)}")

        for key, tree, _ in lines:
            tree = settled(tree)
            if key in statements and statements[key].array is not None:
                written.append(f"{self._target(statements[key])} = {self._text(tree)}")
            elif uses[key] == 1 and key not in self.spoken:
                waiting[key] = tree
            else:
                write(key, tree)
        last = settled(outputs)
        if self.recording.is_loss:
            written.append(f"loss = {self._loss(last)}")
        else:
            written.append(f"return {self._text(last)}")
        return written

    def _name_shared(self, tree: Any) -> str:
        """Returns the key of an expression that several lines compute, and names it."""
        root = tree
        while isinstance(root, ast.Call | ast.Attribute | ast.Subscript):
            root = root.func if isinstance(root, ast.Call) else root.value
        made = tree.func.attr if isinstance(tree.func, ast.Attribute) else "shared"
        name = self.names.get(root.id, "") if isinstance(root, ast.Name) else ""
        key = f"_s{len(self.names)}"
        if name and made in ("max", "min", "sum"):
            made = f"{name}_{made}"
        if name and made == "reshape":
            made = f"{name}_rows" if len(tree.args) == 2 else f"{name}_split"
        self.names[key] = self.called(name if name and made in ("swapaxes", "transpose") else made)
        return key

    def _loss(self, tree: Any) -> str:
        if not self.recording.is_batched:
            return self._text(tree)
        is_batched = any(
            self.arranged.is_batched.get(int(p.id[2:]), False)
            for p in ast.walk(self.arranged.outputs)  # without the lines that moved into it
            if isinstance(p, ast.Name) and p.id.startswith("_g")
        )
        return f"{_in_brackets(self._text(tree))}.sum() / n" if is_batched else self._text(tree)

    def _text(self, tree: Any) -> str:
        names = {
            node.id: ast.Name(self.names[node.id])
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and node.id in self.names
        }
        return source.text(source.substitute(source.copied(tree), names))

    def _target(self, line: Statement) -> str:
        assert line.array is not None
        if line.target is not None:
            return self._text(line.target)
        if _slice(line.array, self.recording.parameter_count) is None:
            return f"dtheta[{self._index_of(line.array)}]"
        return f"d{line.array.name}[...]"

    def _index_of(self, array: Array) -> str:
        import numpy as np

        if array.name in self.places:
            return self.places[array.name]
        constant = np.array(array.where).reshape(array.shape)
        self.arranged.constants.append(constant)
        key = f"_k{len(self.arranged.constants) - 1}"
        self.names[key] = self.places[array.name] = self.called("places")
        return self.names[key]

    def _spelled(self, array: Any) -> str:
        import numpy as np

        if array.dtype == bool and array.ndim == 2 and array.shape[0] == array.shape[1]:
            triangle = np.tri(len(array), dtype=bool)
            if (array == triangle).all():
                return f"np.tri({len(array)}, dtype=bool)"
            if (array == triangle.T).all():
                return f"np.tri({len(array)}, dtype=bool).T"
        if array.ndim == 1 and (array == np.arange(len(array))).all():
            return f"np.arange({len(array)})"
        if array.dtype == float and (array == np.round(array)).all() and (abs(array) < 1e6).all():
            return f"np.array({array.astype(int).tolist()}) * 1.0"
        return f"np.array({array.tolist()})"

    def _unpack(self) -> str:
        """Returns the source of the function that returns the arrays in the flat vector."""
        lines = []
        for array in self.parameters:
            found = _slice(array, self.recording.parameter_count)
            found = f"theta[{self._index_of(array)}]" if found is None else found
            lines.append(f"    {array.name} = {found}  # {_shape(array.shape)}")
        names = ", ".join(a.name for a in self.parameters)
        comma = "," if len(self.parameters) == 1 else ""
        return (
            "def unpack(theta):\n"
            '    """Returns the arrays of the parameters, as views into their flat vector."""\n'
            + "\n".join(lines)
            + f"\n    return {names}{comma}\n"
        )

    def _function(self, body: list[str]) -> str:
        given = ", ".join([*(["theta"] if self.parameters else []), *(a.name for a in self.inputs)])
        shapes = [
            f"{a.name}: {_shape((*(['n'] if a.is_batched else []), *a.shape))}" for a in self.inputs
        ]
        names = ", ".join(a.name for a in self.parameters)
        comma = "," if len(self.parameters) == 1 else ""
        what = "the mean loss over the n examples" if self.recording.is_batched else "the loss"
        what = f"{what}, and its gradient" if self.recording.is_loss else "the outputs"
        name = "loss_and_gradient" if self.recording.is_loss else "forward"
        lines = [f"def {name}({given}):", f'    """Returns {what}. {"; ".join(shapes)}."""']
        if self.parameters:
            lines += [f"    {names}{comma} = unpack(theta)"]
        counts = self.recording.is_loss or re.search(r"\bn\b", "\n".join(body))
        if self.recording.is_batched and counts:
            lines += [f"    n = len({self.inputs[0].name})"]
        if re.search(r"\bones\b", "\n".join(body)):
            lines += ["    ones = np.ones(n)  # ones @ a adds up the rows of a"]
        if self.recording.is_loss:
            statements = self.arranged.statements
            whole = {a.name for line in statements if (a := line.array) and line.target is None}
            made = "empty_like" if whole == {a.name for a in self.parameters} else "zeros_like"
            lines += [f"    dtheta = np.{made}(theta)"]
            d_names = ", ".join(f"d{a.name}" for a in self.parameters)
            lines += [f"    {d_names}{comma} = unpack(dtheta)"]
        lines += [f"    {line}" for line in body]
        if self.recording.is_loss:
            lines += ["    dtheta /= n"] if self.recording.is_batched else []
            lines += ["    return loss, dtheta"]
        return "\n".join(lines) + "\n"


def _in_brackets(text: str) -> str:
    return text if re.fullmatch(r"[\w.]+(\([^()]*\))?", text) else f"({text})"


def _may_move(tree: Any, name: str, inner: Any) -> bool:
    """Returns whether an expression is readable instead of a name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript | ast.Attribute):
            held = node.value
            if isinstance(held, ast.Name) and held.id == name:
                return isinstance(node, ast.Attribute) and isinstance(inner, ast.Call)
    return True


def _shape(shape: Any) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _slice(array: Array, size: int) -> str | None:
    """Returns the view of the flat vector that holds an array; None for uneven places."""
    import numpy as np

    if array.size == 0:
        return None
    fit = axes.affine(np.array(array.where).reshape(array.shape))
    if fit is None:
        return None
    offset, strides = fit
    if not array.shape:
        return f"theta[{offset}:{offset + 1}].reshape(())"
    steps = [(s, n) for s, n in zip(strides, array.shape, strict=True) if n > 1]
    if any(s <= 0 for s, _ in steps) or steps != sorted(steps, key=lambda f: -f[0]):
        return None
    stop = array.where[-1] + 1
    if all(a == b * n for (a, _), (b, n) in itertools.pairwise(steps)):
        step = steps[-1][0] if steps else 1
        found = f"theta[{offset}:{stop}:{step}]" if step > 1 else f"theta[{offset}:{stop}]"
        return found if len(array.shape) == 1 else f"{found}.reshape{_shape(array.shape)}"
    if len(array.shape) == 2 and len(steps) == 2 and steps[1][0] == 1:
        (row, rows), (_, columns) = steps
        start = min(offset, size - rows * row)
        inner = offset - start
        if start >= 0 and inner + columns <= row:
            lines = f"theta[{start}:{start + rows * row}].reshape({rows}, {row})"
            return f"{lines}[:, {inner or ''}:{inner + columns}]"
    return None
