"""The names of a program's arrays, except parameters and inputs.

A number that the learner's function names keeps its name. The sums with a layer's weights W1 are
z1, the activations of z1 are hidden1, and the last sums are the output. The derivative of the loss
by z1 is dz1. Other arrays have the names that the called functions use, or the name of the function
or of the operation. `emit.py` calls it.
"""

import ast
import re
from collections import Counter
from typing import Any

from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.arrays.arrange import Arrangement, Statement
from micrograd_notes.lifting.trace.name import names_of_the_source, unused
from micrograd_notes.lifting.trace.tape import Array
from micrograd_notes.lifting.trace.words import FUNCTION, LEARNERS, OTHERS


class Called:
    """The names of a program, by the keys that its lines are written with."""

    def __init__(self, arrangement: Arrangement) -> None:
        self.arranged = arrangement
        self.recording = arrangement.grouping.recording
        self.group_of = arrangement.grouping.group_of
        self.parameters = {a.name for a in self.recording.arrays if a.is_parameter}
        arrays = self.recording.arrays
        self.used = names_of_the_source(array for array in arrays if array.is_parameter)
        self.used |= {array.name for array in arrays}
        self.names: dict[str, str] = {}
        self.spoken: set[str] = set()  # keys of lines that the learner named
        for at, group in enumerate(arrangement.grouping.groups):
            if isinstance(group.op, Array):
                self.names[f"_g{at}"] = group.op.name
        self._name_groups()

    def __call__(self, name: str) -> str:
        """Returns the name, or a similar one that is not in use."""
        name = unused(name, self.used)
        self.used.add(name)
        return name

    def _name_groups(self) -> None:
        learners, others = self._words()
        forward = {self.group_of[i] for i in self.recording.tape.reachable(self.recording.outputs)}
        lines = [line for line in self.arranged.statements if line.group is not None]
        layers = {line.key: self._layer(line) for line in lines if line.group in forward}
        last = max((k for k, line in enumerate(lines) if layers.get(line.key)), default=-1)
        primal_of = self._primal_of()
        for k, line in enumerate(lines):
            i = line.group
            assert i is not None
            if i in forward:
                name = self._forward_name(line, layers[line.key], k == last, learners, others)
            elif (primal := primal_of.get(i)) is not None and f"_g{primal}" in self.names:
                name = "d" + self.names[f"_g{primal}"]
            else:
                name = others.get(i) or self._operation(i)
            self.names[line.key] = self(name)

    def _forward_name(
        self, line: Statement, layer: str | None, is_last: bool,
        learners: dict[int, str], others: dict[int, str],
    ) -> str:
        i = line.group
        assert i is not None
        if i in learners:
            self.spoken.add(line.key)
            return learners[i]
        if layer is not None and (is_last or not re.fullmatch(r"[A-Z]\d*", layer)):
            return "output" if is_last else others.get(i) or f"{layer}_sum"
        if layer is not None:
            return f"z{layer[1:]}"
        return self._activated(line) or others.get(i) or self._operation(i)

    def _operation(self, group: int) -> str:
        op = self.arranged.grouping.groups[group].op
        return op.name if isinstance(op, Op) else "value"

    def _words(self) -> tuple[dict[int, str], dict[int, str]]:
        """Returns the names of groups in the learner's function, and those in other functions."""
        found: dict[int, dict[int, Counter[str]]] = {LEARNERS: {}, OTHERS: {}, FUNCTION: {}}
        for node, (rank, name) in self.recording.tape.names.items():
            found[rank].setdefault(self.group_of[node], Counter())[name] += 1
        words = {
            rank: {group: names.most_common(1)[0][0] for group, names in of_groups.items()}
            for rank, of_groups in found.items()
        }
        return words[LEARNERS], words[FUNCTION] | words[OTHERS]

    def _primal_of(self) -> dict[int, int]:
        """Returns for each group of adjoints the group that they belong to."""
        primal: dict[int, int] = {}
        for adjoint, of in self.recording.tape.adjoint_of.items():
            primal.setdefault(self.group_of[adjoint], self.group_of[of])
        return primal

    def _layer(self, line: Statement) -> str | None:
        """Returns the name of the weights in the line's matrix product; None without one."""
        for node in ast.walk(line.tree):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
                read: list[Any] = [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]
                names = [self.names.get(key, "") for key in read]
                weights = [name for name in names if name in self.parameters]
                if weights and len(weights) < len(names):
                    return weights[0]
        return None

    def _activated(self, line: Statement) -> str:
        """Returns hidden1 for a function of z1 alone; '' for anything else."""
        read: set[Any] = {part.id for part in ast.walk(line.tree) if isinstance(part, ast.Name)}
        names = [self.names[k] for k in read if k in self.names]
        if len(names) == 1 and (found := re.fullmatch(r"z(\d*)", names[0])):
            name = f"hidden{found[1]}"
            return "" if name in self.used else name
        return ""
