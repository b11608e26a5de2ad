"""The names of a program's lines and constants.

A number that the learner's function names keeps its name. The sums with a layer's weights W1 are
z1, the activations of z1 are hidden1, and the last sums are the output. The output minus the target
is the error. The derivative of the loss by z1 is dz1. Other arrays have the names that the called
functions use, or are named by what was done: a difference, a product. `emit.py` calls it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy

from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.trace.name import names_of_the_source, unused
from micrograd_notes.lifting.trace.tape import Array
from micrograd_notes.lifting.trace.words import FUNCTION, LEARNERS, OTHERS
from micrograd_notes.lifting.typed.expressions import (
    Apply,
    Constant,
    Counting,
    Kind,
    Line,
    MatMul,
    Program,
    Read,
    Reduce,
    Reshape,
    Step,
    Sum,
    Transpose,
    View,
)
from micrograd_notes.lifting.typed.share import reached

NOUNS = {  # what an operation makes, where its own name says what it does
    "add": "total", "subtract": "difference", "multiply": "product", "divide": "ratio",
    "ieee_divide": "ratio", "neg": "negative", "negative": "negative", "where": "chosen",
    "at_least": "larger", "at_most": "smaller", "greater": "is_greater", "equal": "is_equal",
    "pick": "picked", "maximum": "larger", "minimum": "smaller", "max": "largest",
    "min": "smallest", "exp": "exponentials", "exp_difference": "exponentials",
    "power_less": "power", "chain": "product",
}


Readable = Array | Constant | Line


class Names:
    """The names of what a program reads; new lines get theirs from what they compute.

    Programs that are `alike`, line by line, have a say in which name most numbers of a line have.
    """

    def __init__(self, program: Program, alike: Sequence[Program] = ()) -> None:
        if program.names is not None:
            vars(self).update(vars(program.names.of_others({})))
            return
        grouping = program.grouping
        self.grouping, self.recording = grouping, grouping.recording
        arrays = self.recording.arrays
        self.parameters = {array for array in arrays if array.is_parameter}
        self.reserved = names_of_the_source(self.parameters) | {array.name for array in arrays}
        self.counter = unused("t", self.reserved)
        self.reserved.add(self.counter)
        self.used, self.numbered = {*self.reserved}, Counter[str]()
        self.of: dict[Readable, str] = {array: array.name for array in arrays}
        self.wanted: dict[Readable, tuple[str, Readable | None]] = {}
        self.spoken: set[Line] = set()  # lines that the learner named
        self.outputs: set[Line] = set()  # the line of the last layer
        self._name_lines(program, alike)

    def __call__(self, read: Readable | Step) -> str:
        """Returns the name of what an expression reads, or of the counter of a loop."""
        if isinstance(read, Step):
            return self.counter
        if isinstance(read, Array):
            return read.name
        if isinstance(read, Line) and read.again is not None:
            return self(read.again)
        if read not in self.of:
            self._name(read, *self._new(read))
        return self.of[read]

    def of_others(self, others: Mapping[Readable, Readable]) -> Names:
        """Returns the same names for other lines and arrays, which are given for these."""
        new = copy(self)
        new.used, new.numbered = {*self.used}, self.numbered.copy()
        new.of = {others.get(read, read): name for read, name in self.of.items()}
        new.wanted = {
            others.get(read, read): (words, others.get(of, of) if of else of)
            for read, (words, of) in self.wanted.items()
        }
        new.spoken = {others.get(line, line) for line in self.spoken}  # type: ignore[misc]
        return new

    def _words_of(self, read: Readable) -> str:
        """Returns the name of what is not printed, without a number."""
        words, other = self.wanted.get(read, ("value", None))
        return words if other is None else words.format(self._words_of(other))

    def _new(self, read: Constant | Line) -> tuple[str, Readable | None]:
        if isinstance(read, Constant):
            return self._constant(read)
        named = read.holds or read
        return self.wanted.get(named) or self._shared(named)

    def count_anew(self, printed: Sequence[Readable], stands_for: Mapping[Line, Line]) -> None:
        """Names what is printed again, because fewer names need numbers then.

        `stands_for` has the line of a loop for each of the lines that it computes, step by step.
        """
        self.used, self.numbered = {*self.reserved}, Counter()
        seen = set(printed)
        alike: dict[Line, list[Line]] = {}
        for line, of_loop in stands_for.items():
            alike.setdefault(of_loop, []).append(line)
        for read in printed:
            if read not in self.wanted or (isinstance(read, Line) and read.again is not None):
                continue
            words, other = self.wanted[read]
            for line in reversed(alike.get(read, [])):  # type: ignore[arg-type]
                said = self.wanted.get(line)
                if said is not None and (line in self.spoken or said[1] in stands_for):
                    words, other = said
            other = stands_for.get(other, other)  # type: ignore[arg-type]
            if other is not None and other not in seen and not isinstance(other, Array):
                words, other = words.format(self._words_of(other)), None
            self._name(read, words, other)

    def _name(self, read: Readable, words: str, other: Readable | None = None) -> None:
        """Gives a name that nothing else has, as "d{}" with the name of another line."""
        self.wanted[read] = words, other
        words = words if other is None else words.format(self(other))
        self.numbered[words] += 1
        name = unused(words, self.used, first=max(self.numbered[words], 2))
        self.used.add(name)
        self.of[read] = name

    def _name_lines(self, program: Program, alike: Sequence[Program]) -> None:
        learners, others = self._words([program, *alike])
        lines = [line for line in program.lines if line.group is not None]
        primal_of = self._primal_of()
        end = max(self.recording.outputs)
        ended = {self.grouping.group_of[k] for k in self.recording.alive if k < end}
        states = [Read(line) for line in lines if line.group in ended]
        forward = reached([program.result, *states])
        layers = {line: self._layer(line) for line in lines if line in forward}
        last = max((k for k, line in enumerate(lines) if layers.get(line)), default=-1)
        line_of = {line.group: line for line in lines}
        for k, line in enumerate(lines):
            i = line.group
            assert i is not None
            if line in forward:
                name = self._forward(line, layers[line], k == last, learners, others)
                self.outputs = {line} if k == last else self.outputs
                self._name(line, name)
            elif (primal := line_of.get(primal_of.get(i, -1))) is not None and primal in self.of:
                self._name(line, "d{}", primal)
            else:
                self._name(line, others.get(i) or self._operation(i))

    def _forward(
        self, line: Line, layer: str | None, is_last: bool,
        learners: dict[int, str], others: dict[int, str],
    ) -> str:
        i = line.group
        assert i is not None
        if i in learners:
            self.spoken.add(line)
            return learners[i]
        if layer is not None and (is_last or not re.fullmatch(r"[A-Z]\d*", layer)):
            return "output" if is_last else others.get(i) or f"{layer}_sum"
        if layer is not None:
            return f"z{layer[1:]}"
        return self._activated(line) or self._error(line) or others.get(i) or self._operation(i)

    def _operation(self, group: int) -> str:
        op = self.grouping.groups[group].op
        return NOUNS.get(op.name, op.name) if isinstance(op, Op) else "value"

    def _words(self, programs: Sequence[Program]) -> tuple[dict[int, str], dict[int, str]]:
        """Returns the names of groups in the learner's function, and those in other functions."""
        found: dict[int, dict[int, Counter[str]]] = {LEARNERS: {}, OTHERS: {}, FUNCTION: {}}
        own = [line.group for line in programs[0].lines]
        for each in programs:
            if len(each.lines) != len(own):
                continue  # steps of a loop, which are more in one than in another
            groups = dict(zip([line.group for line in each.lines], own, strict=True))
            for node, (rank, name) in each.grouping.recording.tape.names.items():
                group = groups.get(each.grouping.group_of[node])
                if group is not None:
                    found[rank].setdefault(group, Counter())[name] += 1
        words = {
            rank: {group: names.most_common(1)[0][0] for group, names in of_groups.items()}
            for rank, of_groups in found.items()
        }
        return words[LEARNERS], words[FUNCTION] | words[OTHERS]

    def _primal_of(self) -> dict[int, int]:
        """Returns for each group of adjoints the group that they belong to."""
        primal: dict[int, int] = {}
        group_of = self.grouping.group_of
        for adjoint, of in self.recording.tape.adjoint_of.items():
            primal.setdefault(group_of[adjoint], group_of[of])
        return primal

    def _layer(self, line: Line) -> str | None:
        """Returns the name of the weights in the line's matrix product; None without one."""
        for each in line.value.walk():
            if isinstance(each, MatMul):
                read = each.sources()
                weights = [source for source in read if source in self.parameters]
                if weights and len(weights) < len(read):
                    return self(weights[0])
        return None

    def _activated(self, line: Line) -> str:
        """Returns hidden1 for a function of z1 alone; '' for anything else."""
        names = {self.of[each] for each in line.value.sources() if each in self.of}
        if len(names) == 1 and (found := re.fullmatch(r"z(\d*)", names.pop())):
            name = f"hidden{found[1]}"
            return "" if name in self.used else name
        return ""

    def _error(self, line: Line) -> str:
        """Returns error for output - target, where the target is an input; '' otherwise."""
        value = line.value
        if not (isinstance(value, Apply) and value.function == "subtract") or "error" in self.used:
            return ""
        sides = [{*operand.sources()} for operand in value.of]
        inputs = {array for array in self.recording.arrays if not array.is_parameter}
        is_error = any(a & self.outputs and b and b <= inputs for a, b in (sides, sides[::-1]))
        return "error" if is_error else ""

    def _shared(self, line: Line) -> tuple[str, Readable | None]:
        """Returns the words for an expression that several lines need."""
        value = inner = line.value
        while isinstance(inner, View | Sum | Reduce):
            inner = inner.of
        of = inner.source if isinstance(inner, Read) and inner.source in self.of else None
        match value:
            case Sum():
                return ("{}_sum" if of else "total"), of
            case Reduce(function):
                return (f"{{}}_{function}" if of else NOUNS[function]), of
            case Counting():
                return "each", None
            case Reshape(_, to):
                return ("{}_rows" if len(to) == 2 else "{}_split") if of else "reshaped", of
            case Transpose():
                return ("{}" if of else "turned"), of
            case Apply(function):
                function = function.removeprefix("math.")
                return NOUNS.get(function, function), None
        return "shared", None

    def _constant(self, constant: Constant) -> tuple[str, None]:
        if constant.kind is Kind.CONDITION:
            return ("causal" if constant.where == "lower" else "mask"), None
        return ("numbers" if constant.counts else "K"), None

