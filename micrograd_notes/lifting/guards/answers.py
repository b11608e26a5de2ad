"""Answers: what a program and the learner's scalars give for an example, and whether they agree.

The scalars' answer may be computed again with other roundings: a lookout changes each result a
little. If this moves the answer as far as the program's is away, rounding explains the difference.
`point.py` compares answers; read it next.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import isfinite
from operator import attrgetter
from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple
from weakref import ref

from micrograd_notes.engine import Value
from micrograd_notes.engine.accurate import total
from micrograd_notes.engine.stand_ins import standing_in

NUDGE = 2.0**-30  # the part of each result by which a sample changes it
ROUNDINGS = 64 * 2.0**-53 / NUDGE  # a row may be off by 4 ulp, NumPy by a few, sums by their order
ALIKE = 1e-12  # of the largest derivative: 4,500 roundings, which need no further check

Lookout = Callable[[Any], None]  # is shown each new node


class Answer(NamedTuple):
    """A loss and its gradient; or the outputs of a model, and no gradient."""

    outputs: list[float]
    gradient: list[float]

    def is_like(self, other: "Answer") -> bool:
        """Returns whether they differ by at most a few thousand roundings."""
        return all(_within(these, [those]) for these, those in zip(self, other, strict=True))

    def is_among(self, samples: Iterable["Answer"]) -> bool:
        """Returns whether rounding may move the first sample here, judged by the others."""
        return all(_within(mine, theirs) for mine, *theirs in zip(self, *samples, strict=True))

    @classmethod
    def mean(cls, answers: Sequence["Answer"]) -> "Answer":
        """Returns the mean loss and the mean gradient."""
        columns = [zip(*part, strict=True) for part in zip(*answers, strict=True)]
        return cls(*[[total(numbers) / len(answers) for numbers in part] for part in columns])


def _within(numbers: Sequence[float], samples: Sequence[Sequence[float]]) -> bool:
    size = max([abs(x) for x in (*numbers, *samples[0]) if isfinite(x)], default=0.0)
    for number, *theirs in zip(numbers, *samples, strict=True):
        spread = max(abs(x - theirs[0]) for x in theirs)  # to one side as to the other
        allowed = ALIKE * size + (1 + ROUNDINGS) * spread
        is_close = abs(number - theirs[0]) <= allowed
        at_an_edge = not isfinite(allowed) or not (isfinite(number) or isfinite(theirs[0]))
        if not (is_close or number == theirs[0] or at_an_edge):
            return False
    return True


# ---- the scalars ---------------------------------------------------------------------------------


def answer_of(
    function: Callable[..., Any], parameters: Sequence[Value], theta: Any, example: list[Any],
    lookout: Lookout | None = None
) -> Answer:
    """Returns the outputs of the function on an example, and the gradient of the first."""
    outputs, leaves = outputs_of(function, parameters, theta, example, lookout)
    if isinstance(outputs[0], Value) and outputs[0].requires_grad:
        outputs[0].backward()
    numbers = [y._data if isinstance(y, Value) else float(y) for y in outputs]
    return Answer(numbers, [leaf.grad for leaf in leaves])


def outputs_of(
    function: Callable[..., Any], parameters: Sequence[Value], theta: Any, example: list[Any],
    lookout: Lookout | None = None, kind: type[Value] = Value
) -> tuple[list[Any], list[Any]]:
    """Returns the outputs of the function on an example, and the leaves that they come from.

    The parameters do not change: other leaves, with the numbers of theta, stand for them. They are
    of that kind of `Value`. A lookout is shown each new node.
    """
    looks = None if lookout is None else SimpleNamespace(made=lookout)
    leaves = [
        kind(float(number), parameter.name, parameter._requires_grad)
        for parameter, number in zip(parameters, theta, strict=True)
    ]
    by_id = {id(p): leaf for p, leaf in zip(parameters, leaves, strict=True)}
    for parameter, leaf in zip(parameters, leaves, strict=True):
        leaf.origin = ref(parameter)  # by it, a model that keeps its output is recognised
    with standing_in(by_id, looks):
        outputs = [*flat(called(function, example, parameters))]
    return [by_id.get(id(y), y) for y in outputs], leaves


def called(function: Callable[..., Any], example: list[Any], parameters: Sequence[Value]) -> Any:
    """Returns what the function makes of an example, whose numbers are `Value`s if they must be."""
    try:
        return function(*_copied(example))  # the function may change it
    except (AttributeError, TypeError):  # it takes Values, as x.tanh() does
        return function(*as_values(example, parameters))


def as_values(
    example: Any, parameters: Sequence[Value], kinds: tuple[type, ...] = (float,),
    made: type[Value] = Value
) -> Any:
    """Returns the numbers of these kinds in an example as `Value`s, and the others as they are."""
    if isinstance(example, list):
        return [as_values(item, parameters, kinds, made) for item in example]
    if type(example) not in kinds:
        return example
    value = made(example, requires_grad=False)
    value.origin = ref(parameters[0]) if parameters else None  # so it is not a new parameter
    return value


def _copied(example: Any) -> Any:
    return [_copied(item) for item in example] if isinstance(example, list) else example


def flat(returned: Any) -> Iterator[Any]:
    """Yields the items of nested lists, in order."""
    if isinstance(returned, list | tuple):
        for part in returned:
            yield from flat(part)
    else:
        yield returned


def rounded(
    seed: int, part: Any = NUDGE, slot: str = "_data",
    number_of: Callable[[Any], Any] = attrgetter("_data")
) -> Lookout:
    """Returns a lookout that changes each result by up to this part of it, as rounding does.

    A result that is one of the operands, as a maximum is, was not rounded. `slot` is where a node
    has its number, and `number_of` returns that of any operand.
    """
    uniform = Random(seed).uniform

    def round_again(node: Any) -> None:
        number = getattr(node, slot, None)  # a plain `Value` among others is a constant
        if number is not None and all(number != number_of(below) for below in node.operands):
            setattr(node, slot, number * (1.0 + part * uniform(-1.0, 1.0)))

    return round_again
