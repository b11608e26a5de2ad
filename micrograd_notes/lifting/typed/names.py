"""The names of a program's lines and constants: no two are the same.

A number that the learner's function names keeps its name. The sums with a layer's weights W1 are
z1, the activations of z1 are hidden1, and the last sums are the output. The output minus the target
is the error. The derivative of the loss by z1 is dz1. Other arrays have the names that the called
functions use, or are named by what was done: a difference, a product (`nouns.py`). `emit.py` of a
printer calls it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.trace.name import names_of_the_source, unused
from micrograd_notes.lifting.trace.tape import Array, Start
from micrograd_notes.lifting.trace.words import FORMER, FUNCTION, LEARNERS, OTHERS
from micrograd_notes.lifting.typed.algebra import softmax_of
from micrograd_notes.lifting.typed.expressions import (
    Apply,
    Constant,
    Expression,
    Line,
    MatMul,
    Number,
    Part,
    Program,
    Read,
    Step,
)
from micrograd_notes.lifting.typed.nouns import NOUNS, made_of, noun_of
from micrograd_notes.lifting.typed.share import reached

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
        self.parameters = {*self.recording.parameters}
        self.reserved = names_of_the_source(self.parameters) | {array.name for array in arrays}
        self.counter = unused("t", self.reserved)
        self.reserved.add(self.counter)
        self.used, self.numbered = {*self.reserved}, Counter[str]()
        self.of: dict[Readable, str] = {array: array.name for array in arrays}
        self.wanted: dict[Readable, tuple[str, Readable | None]] = {}
        self.spoken: set[Line] = set()  # lines that the learner named
        self.general: set[Line] = set()  # lines that are called by their operation
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
        for name in ("spoken", "general"):
            setattr(new, name, {others.get(line, line) for line in getattr(self, name)})
        return new

    def _words_of(self, read: Readable) -> str:
        """Returns the name of what is not printed, without a number."""
        words, other = self.wanted.get(read, ("value", None))
        return words if other is None else words.format(self._words_of(other))

    def _new(self, read: Constant | Line) -> tuple[str, Readable | None]:
        if isinstance(read, Constant):
            return noun_of(Read(read)), None
        named = read.holds or read
        return self.wanted.get(named) or self._shared(named)

    def count_anew(self, printed: Sequence[Readable], stands_for: Mapping[Line, Line]) -> None:
        """Names what is printed again, because fewer names need numbers then.

        States of loops have the first choice: a learner's `mean` is what it is after each step. The
        last one have lines that write to a part, as NumPy shows no names of theirs.
        `stands_for` has the line of a loop for each of the lines that it computes, step by step.
        """
        self.used, self.numbered = {*self.reserved}, Counter()
        seen = set(printed)
        lines = [read for read in printed if isinstance(read, Line)]
        states = {each for line in lines for each in _starts(line)}
        unseen = {line for line in lines if line.target is not None}
        printed = sorted(printed, key=lambda read: (read in unseen, read not in states))
        alike: dict[Line, list[Line]] = {}
        for line, of_loop in stands_for.items():
            alike.setdefault(of_loop, []).append(line)
        for read in printed:
            if read not in self.wanted or (isinstance(read, Line) and read.again is not None):
                continue
            words, other = self.wanted[read]
            if isinstance(read, Line) and read not in self.spoken:
                words, other = self._by_what_it_became(read) or (words, other)
            for line in reversed(alike.get(read, [])):  # type: ignore[arg-type]
                said = self.wanted.get(line)
                if said is not None and (line in self.spoken or said[1] in stands_for):
                    words, other = said
            other = stands_for.get(other, other)  # type: ignore[arg-type]
            if other is not None and other not in seen and not isinstance(other, Array):
                words, other = words.format(self._words_of(other)), None
            self._name(read, words, other)

    def _by_what_it_became(self, line: Line) -> tuple[str, Readable | None] | None:
        """Returns the words for a line whose expression may have changed since it was named."""
        if softmax_of(line.value) is not None:
            return self._softmax(line)
        words, _ = self.wanted[line]
        if words == NOUNS["exp"] in self.used and len(of := line.value.lines()) > 0:
            return f"{{}}_{words}", of[0]
        return self._what_it_is(line.value) if line in self.general else None

    def _name(self, read: Readable, words: str, other: Readable | None = None) -> None:
        """Gives a name that nothing else has, as "d{}" with the name of another line.

        What is called dz is no other number's derivative than that of z.
        """
        self.wanted[read] = words, other
        words = words if other is None else words.format(self(other))
        self.numbered[words] += 1
        taken = _Taken(self.used, words if other is not None else "")
        name = unused(words, taken, first=max(self.numbered[words], 2))
        self.used.add(name)
        self.of[read] = name

    def _name_lines(self, program: Program, alike: Sequence[Program]) -> None:
        learners, others = self._words([program, *alike])
        lines = [line for line in program.lines if line.group is not None]
        primal_of = self._primal_of()
        ended = self._groups_of_states()
        states = [Read(line) for line in lines if line.group in ended]
        forward = reached([program.result, *states])
        layers = {line: self._layer(line) for line in lines if line in forward}
        last = max((k for k, line in enumerate(lines) if layers.get(line)), default=-1)
        line_of = {line.group: line for line in lines}
        self.activated = {*filter(None, map(_activated_by, lines))}
        slopes = {*forward}  # what the numbers of the forward half determine
        for k, line in enumerate(lines):
            i = line.group
            assert i is not None
            if i not in learners and softmax_of(line.value) is not None:
                self._name(line, *self._softmax(line))
            elif line in forward:
                name = self._forward(line, layers[line], k == last, learners, others)
                self.outputs = {line} if k == last else self.outputs
                self._name(line, name)
            elif (primal := line_of.get(primal_of.get(i, -1))) is not None and primal in self.of:
                self._name(line, "d{}", primal)
            else:
                name = self._called(line, others)
                slopes |= {line} if slopes.issuperset(line.value.lines()) else set()
                is_slope = line in slopes & self.general and not name.startswith("is_")
                self._name(line, "slope" if is_slope else name)

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
            of_layer = "z" if line in self.activated else f"{layer}_sum"
            return "output" if is_last else others.get(i) or of_layer
        if layer is not None:
            return f"z{layer[1:]}"
        return self._activated(line) or self._error(line) or self._called(line, others)

    def _softmax(self, line: Line) -> tuple[str, Readable | None]:
        """Returns softmax, or x_softmax for a second one; it stays a line of its own."""
        self.spoken.add(line)
        is_first = "softmax" not in self.used
        return ("softmax", None) if is_first else ("{}_softmax", softmax_of(line.value))

    def _called(self, line: Line, others: dict[int, str]) -> str:
        """Returns the name that other functions have for a line, or that of its operation."""
        op = self.grouping.groups[line.group].op  # type: ignore[index]
        noun = NOUNS.get(op.name, op.name) if isinstance(op, Op) else "value"
        name = others.get(line.group, noun)  # type: ignore[arg-type]
        name = NOUNS.get(name, name)
        self.general |= {line} if name == noun else set()
        return name

    def _words(self, programs: Sequence[Program]) -> tuple[dict[int, str], dict[int, str]]:
        """Returns the names of groups in the learner's function, and those in other functions."""
        found: dict[int, dict[int, Counter[str]]] = {
            rank: {} for rank in (LEARNERS, FORMER, OTHERS, FUNCTION)
        }
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
        return words[LEARNERS], words[FUNCTION] | words[OTHERS] | words[FORMER]

    def _groups_of_states(self) -> set[int]:
        """Returns the groups of what forward loops begin with, and of their states at the end.

        The loss need not depend on these: a level may be moved after its error was counted.
        """
        tape, alive = self.recording.tape, self.recording.alive
        leaf_of = dict(zip(tape.ops, range(len(tape)), strict=True))
        starts = [op for op, leaf in leaf_of.items()
                  if isinstance(op, Start) and leaf not in tape.adjoint_of]
        return {self.grouping.group_of[alive[k]] for op in starts for k in (*op.sources, *op.where)}

    def _primal_of(self) -> dict[int, int]:
        """Returns for each group of nothing but adjoints the one group that they belong to.

        A number that was computed twice, and is one now, has two adjoints: neither is the whole.
        Nor are adjoints of a part of a group, if the rest has none.
        """
        primals: dict[int, list[int]] = {}
        group_of, groups = self.grouping.group_of, self.grouping.groups
        tape = self.recording.tape
        whole = Counter([of for a, of in tape.adjoint_of.items() if a not in tape.passed])
        for adjoint, of in tape.adjoint_of.items():
            if whole[of] <= 1:
                primals.setdefault(group_of[adjoint], []).append(group_of[of])
        found = {
            group: of[0] for group, of in primals.items()
            if len({*of}) == 1 and len(of) == len(groups[group].members)
        }
        covered = Counter([of for group, of in found.items() for _ in primals[group]])
        return {g: of for g, of in found.items() if covered[of] >= len(groups[of].members)}

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
        """Returns hidden1 for a function of each z1 alone; '' for anything else."""
        if isinstance(line.value, Apply) and line.value.function == "exp":
            return ""
        sources = [each for each in line.value.sources() if each in self.of]
        if any(Read(each).shape != line.shape for each in sources):
            return ""  # the largest of them, or their sum
        names = {self.wanted.get(each, (self.of[each],))[0] for each in sources}
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
        inputs = {*self.recording.inputs}
        is_error = any(a & self.outputs and b and b <= inputs for a, b in (sides, sides[::-1]))
        return "error" if is_error else ""

    def _shared(self, line: Line) -> tuple[str, Readable | None]:
        """Returns the words for an expression that several lines need."""
        if softmax_of(line.value) is not None:
            return self._softmax(line)
        return self._what_it_is(line.value) or (noun_of(line.value), None)

    def _what_it_is(self, value: Expression) -> tuple[str, Readable | None] | None:
        """Returns the words for what is made of one array that has a name; None if it is not."""
        made = made_of(value)
        return made if made is not None and (made[1] is None or made[1] in self.of) else None


class _Taken:
    """Names in use, and those of their derivatives, but for one that is named now."""

    def __init__(self, used: set[str], own: str) -> None:
        self.used, self.own = used, own

    def __contains__(self, name: object) -> bool:
        is_of_other = str(name)[:1] == "d" and str(name)[1:] in self.used and name != self.own
        return name in self.used or is_of_other


def _activated_by(line: Line) -> Line | None:
    """Returns the array of which a line is a function, number by number, and of nothing else."""
    match line.value:
        case Apply("negative"):
            return None
        case Apply(_, (Read(Line() as of),)) | Apply("maximum", (Read(Line() as of), Number())):
            return of
    return None


def _starts(line: Line) -> list[Any]:
    """Returns the array of a state that a line starts, outside of the loop, or else nothing."""
    match line:
        case Line(target=Part(Read(Line() as state), (int(), *_))):
            return [state]
        case Line(again=Line() as state):
            return [state]
    return []
