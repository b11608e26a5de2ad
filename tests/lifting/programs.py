"""Random programs to lift, and what it means that lifted equals eager.

Eleven kinds: chains of single operations on shared values; layers, whose rows choose their operands
at random (irregular arrays, holes, gathers, sums of different lengths); windows, where each number
looks at a stretch of those before it (causal attention, maxima and softmaxes of different lengths,
values picked by a label); pairs, loops over i < j, i != j or some other part of all pairs, by
arguments that are called as anything at all; recurrences, whose state changes step by step;
series, where operations that are alike have plain numbers, 0 and 1 among them; convolutions, with
steps, distances and borders of many sorts, and weights that have a name each; walls, sums of
neighbours on a line or a grid that ends somewhere, once or step by step; filters, states that read
a window of a series; exchanges, in which one number gains what another one loses; and made ones,
programs of the other kinds with weights that are functions of the parameters.
"""

import itertools
import math
import random
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

import numpy as np

from micrograd_notes import Value
from micrograd_notes.engine import functions, helper_ops, ops
from micrograd_notes.lifting import CannotLift, Lifted, lift
from tests.lifting.eager import eager
from tests.programs import STEPS, run


class Program(NamedTuple):
    """A loss of one example, its parameters, and data for it."""

    loss: Callable[..., Any]
    parameters: Any  # Values in lists and dictionaries
    data: tuple[Any, ...]


def _parameters(generator: random.Random, least: int, most: int) -> list[Value]:
    count = generator.randint(least, most)
    return [Value(generator.uniform(-1.5, 1.5)) for _ in range(count)]


def _numbers(generator: random.Random, *shape: int) -> Any:
    count = math.prod(shape)
    return np.array([generator.uniform(-2, 2) for _ in range(count)]).reshape(shape)


def chain(generator: random.Random) -> Program:
    parameters = _parameters(generator, 1, 5)
    steps = [
        (generator.choice(list(STEPS)), generator.randint(0, 7), generator.randint(0, 7))
        for _ in range(generator.randint(1, 25))
    ]

    def loss(x: Any, y: Any) -> Any:
        return run(steps, [*parameters, *x, y]) + 0 * parameters[0]

    inputs = generator.randint(1, 4)
    return Program(loss, parameters, (_numbers(generator, 3, inputs), _numbers(generator, 3)))


def layers(generator: random.Random) -> Program:
    parameters = _parameters(generator, 2, 10)
    kinds = [*STEPS, "dot", "dot", "dot"]
    plan = [
        (
            generator.choice(kinds),
            [
                [(generator.randint(0, 30), generator.randint(0, 30))
                 for _ in range(generator.randint(1, 4))]
                for _ in range(generator.randint(1, 5))
            ],
        )
        for _ in range(generator.randint(1, 4))
    ]

    def loss(x: Any, y: Any) -> Any:
        values = [*parameters, *x, y]
        for kind, rows in plan:
            pairs = [[(values[-1 - i % len(values)], values[-1 - j % len(values)]) for i, j in row]
                     for row in rows]
            if kind == "dot":
                values = values + [sum(a * b for a, b in row) for row in pairs]
            else:
                values = values + [STEPS[kind](*row[0]) for row in pairs]
        return sum(ops.tanh(value) for value in values[-3:]) + parameters[0]

    inputs = generator.randint(1, 4)
    return Program(loss, parameters, (_numbers(generator, 3, inputs), _numbers(generator, 3)))


WINDOWED: dict[str, Callable[[list[Any], list[Any], Any, Any], Any]] = {
    "sum": lambda seen, weights, label, i: sum(seen) / len(seen),
    "product": lambda seen, weights, label, i: sum(
        w * v for w, v in zip(weights, seen, strict=False)
    ),
    "logsumexp": lambda seen, weights, label, i: ops.logsumexp(seen),
    "maximum": lambda seen, weights, label, i: functions.maximum(seen),
    "minimum": lambda seen, weights, label, i: functions.minimum([2 * v for v in seen]),
    "attention": lambda seen, weights, label, i: sum(
        share * v for share, v in zip(functions.softmax([i * v for v in seen]), seen, strict=True)
    ),
    "pick": lambda seen, weights, label, i: functions.pick([seen[0], *weights[:3]], label) * i,
    "norm": lambda seen, weights, label, i: i / (sum(v * v for v in seen) + 0.1) ** 0.5,
}


def windows(generator: random.Random) -> Program:
    length = generator.randint(2, 5)
    parameters = _parameters(generator, 5, 8)
    plan = []
    for _ in range(generator.randint(1, 4)):
        stretch = generator.choice(["causal", "all", "last two", "ragged"])
        ends = [_ends(generator, stretch, i, length) for i in range(length)]
        plan.append((generator.choice(list(WINDOWED)), ends, generator.choice([True, False])))

    def loss(x: Any, label: Any) -> Any:
        values = [w * v for w, v in zip(parameters, x, strict=False)]
        for kind, ends, bends in plan:
            function = WINDOWED[kind]
            values = [
                function(values[low:high], parameters, label, values[i])
                for i, (low, high) in enumerate(ends)
            ]
            values = [ops.tanh(v) for v in values] if bends else values
        return sum((v - parameters[-1]) ** 2 for v in values) / len(values)

    labels = np.array([generator.randint(0, 3) for _ in range(3)])
    return Program(loss, parameters, (_numbers(generator, 3, length), labels))


def _ends(generator: random.Random, stretch: str, i: int, length: int) -> tuple[int, int]:
    if stretch == "ragged":
        low = generator.randint(0, i)
        return low, generator.randint(low + 1, length)
    return {"causal": (0, i + 1), "all": (0, length), "last two": (max(i - 1, 0), i + 1)}[stretch]


PAIRED: dict[str, Callable[[Any, Any], Any]] = {
    "quotient": lambda a, b: 1 / (a - b),
    "coulomb": lambda a, b: 1 / ops.sqrt((a - b) ** 2 + 0.5),
    "cauchy": lambda a, b: 1 / ((a - b) ** 2 + 1) ** 2,
    "exp": lambda a, b: ops.exp(-((a - b) ** 2)),
    "ratio": lambda a, b: a / (b * b + 0.25),
    "product": lambda a, b: a * b,
    "log": lambda a, b: ops.log((a - b) ** 2 + 1),
    "hinge": lambda a, b: ops.relu(a - b + 0.3),
    "power": lambda a, b: (a * a + b * b) ** -0.5,
}
PARTS: dict[str, Callable[[int, int], bool]] = {
    "i < j": lambda i, j: i < j,
    "i > j": lambda i, j: i > j,
    "i != j": lambda i, j: i != j,
    "j <= i": lambda i, j: j <= i,
    "neighbours": lambda i, j: abs(i - j) == 1,
}
# What the source of a program says itself, what Python and NumPy say, and what is derived from it.
NAMES = [
    "n", "ones", "theta", "np", "dtheta", "unpack", "loss", "math", "len", "mask", "numbers", "K",
    "dp", "p", "exp", "divide", "subtract", "loss_and_gradient", "sum", "shape", "T", "x", "y",
    "dx", "output", "causal", "self", "type", "match", "_", "print", "float", "dsubtract",
]


def pairs(generator: random.Random) -> Program:
    count, width = generator.randint(2, 5), generator.randint(1, 3)
    function = PAIRED[generator.choice(sorted(PAIRED))]
    part = PARTS[generator.choice(sorted(PARTS))]
    shape = generator.choice(["flat", "rows"])
    rows = [[Value(generator.uniform(-1.5, 1.5)) for _ in range(width)] for _ in range(count)]
    parameters = [value for row in rows for value in row]
    with_data, nested = generator.random() < 0.5, generator.random() < 0.5
    order = [(i, j) for i in range(count) for j in range(count) if part(i, j)]

    def loss(p: Any, q: Any) -> Any:
        def term(i: int, j: int, k: int) -> Any:
            first = rows[i][k] if shape == "rows" else parameters[i]
            second = rows[j][k] if shape == "rows" else parameters[j]
            if with_data:
                second = q[j] * second
            return function(first, second) * p[i]

        if nested:
            return sum(
                sum(term(i, j, k) for j in range(count) if part(i, j))
                for i in range(count) for k in range(width)
            ) + parameters[0]
        return sum(term(i, j, k) for k in range(width) for i, j in order) + parameters[0]

    first, second = generator.sample(NAMES, 2)
    scope: dict[str, Any] = {"inner": loss}
    exec(f"def named({first}, {second}):\n    return inner({first}, {second})", scope)
    data = (_numbers(generator, 3, count), _numbers(generator, 3, count))
    return Program(scope["named"], parameters, data)


def recurrences(generator: random.Random) -> Program:
    """A state that changes from step to step, as loops over time change it."""
    length, size = generator.randint(3, 10), generator.randint(1, 3)
    inner = [[Value(generator.uniform(-1, 1)) for _ in range(size)] for _ in range(size)]
    gains = [Value(generator.uniform(-1, 1)) for _ in range(size)]
    each_step = [Value(generator.uniform(-1, 1)) for _ in range(length)]
    start = generator.choice(["zeros", "parameters", "data"])
    direction = generator.choice([1, -1, 2])
    reads = generator.sample(["now", "before", "first", "own", "two ago"], generator.randint(1, 3))
    changes = [
        (generator.choice(["mix", "mix", *STEPS]), generator.randint(0, 5), generator.randint(0, 5))
        for _ in range(generator.randint(1, 3))
    ]
    scored = generator.choice(["last", "all", "some"])
    weights = [generator.choice([1.0, 0.9**k, 1 / (k + 1)]) for k in range(length)]
    fades = generator.random() < 0.4

    def loss(x: Any, y: Any) -> Any:
        state: Any = {
            "zeros": [0.0] * size, "parameters": gains, "data": [x[0] * g for g in gains],
        }[start]
        ago: Any = state
        total: Any = 0.0
        places = range(length)[::direction]
        for k, t in enumerate(places):
            given: dict[str, Any] = {
                "now": x[t], "before": x[max(t - 1, 0)], "first": x[0], "own": each_step[t],
                "two ago": ago[-1],
            }
            more = [given[name] for name in reads]
            before = state
            for kind, i, j in changes:
                if kind == "mix":
                    state = [
                        ops.tanh(sum(w * s for w, s in zip(row, state, strict=True)) + g * more[0])
                        for row, g in zip(inner, gains, strict=True)
                    ]
                else:
                    values = [*state, *more]
                    one, other = values[i % len(values)], values[j % len(values)]
                    state = [STEPS[kind](one, other), *state][:size]
            ago = before
            if scored == "all" or (scored == "some" and k % 2):
                total = total + (sum(state) - y) ** 2 * (weights[k] if fades else 1.0)
        return total + (state[0] - 2 * y) ** 2 + 0.1 * gains[0]

    parameters = [value for row in inner for value in row] + gains + each_step
    return Program(loss, parameters, (_numbers(generator, 3, length), _numbers(generator, 3)))


# what a step makes of its plain number, a new and an old state, and a weight
SCHEDULES: list[Callable[[float, Any, Any, Any], Any]] = [
    lambda c, new, old, w: c * new,
    lambda c, new, old, w: new + c,
    lambda c, new, old, w: c * new + (1 - c) * old,
    lambda c, new, old, w: new * ops.exp(w * c),
    lambda c, new, old, w: new / (3 + c) - w * old,
    lambda c, new, old, w: new ** (1 + abs(round(c))),
    lambda c, new, old, w: helper_ops.where(c, new, old * w),
]


def filters(generator: random.Random) -> Program:
    """States that read a window of a series in each step, and some of each other."""
    size, reach = generator.choice([1, 1, 2, 3]), generator.randint(2, 4)
    apart, stride = generator.choice([1, 1, 1, 2]), generator.choice([1, 1, 2])
    steps, channels = generator.randint(1, 9), generator.choice([1, 1, 2])
    length = (steps - 1) * stride + (reach - 1) * apart + 1
    kernel = nested(generator, [size, channels, reach])
    ahead, down = generator.random() < 0.3, generator.random() < 0.3
    has_own = generator.random() < 0.2  # each step a kernel of its own
    own = nested(generator, [length])
    mixes = [[generator.choice([0, 1, 1]) * (i != j or generator.random() < 0.6)
              for j in range(size)] for i in range(size)]
    inner, bends = nested(generator, [size, size]), generator.choice([ops.tanh, ops.sin, ops.pos])
    scored = generator.random() < 0.5
    schedule = [generator.choice(generator.choice([PLAIN, [0.0, 1.0]])) for _ in range(steps)]
    meets = generator.choice([None, None, *SCHEDULES])

    def loss(x: Any, y: Any) -> Any:
        state: list[Any] = [0.0] * size
        total: Any = 0.0
        for step in range(steps)[:: -1 if down else 1]:
            before, state = state, []
            for i in range(size):
                new: Any = 0.0
                for k in range(reach):
                    place = step * stride + (k if ahead else reach - 1 - k) * apart
                    for channel in range(channels):
                        new = new + kernel[i][channel][k] * x[channel][place]
                    new = new + own[place] * x[0][place] if has_own else new
                for j in range(size):
                    new = new + inner[i][j] * before[j] if mixes[i][j] else new
                if meets is not None:
                    new = meets(schedule[step], new, before[i], inner[i][i])
                state.append(bends(new))
            total = total + (state[-1] - y) ** 2 if scored else total
        return total + (state[0] - 2 * y) ** 2

    parameters = {"kernel": kernel, "inner": inner, "own": own}
    x, y = _numbers(generator, 3, channels, length), _numbers(generator, 3)
    return Program(loss, parameters, (x, y))


PLAIN = [0.0, 1.0, 1.0, -1.0, 2.0, 0.5, -0.25, 3.0]  # numbers for which there are simpler forms


def series(generator: random.Random) -> Program:
    length = generator.randint(2, 5)
    parameters = _parameters(generator, length, length + 3)
    plan = []
    for _ in range(generator.randint(1, 4)):
        kind = generator.choice(
            ["times", "by", "plus", "minus", "from", "powers", "matrix", "turned"]
        )
        rows = [[generator.choice(PLAIN) for _ in range(length)] for _ in range(length)]
        plan.append((kind, rows, generator.choice([None, ops.tanh, ops.sigmoid])))

    def weighted(kind: str, rows: Any, values: list[Any]) -> list[Any]:
        pairs = [*zip(rows[0], values, strict=True)]
        if kind == "matrix":
            causal = [row[: i + 1] if rows[0][0] else row for i, row in enumerate(rows)]
            return [sum(c * v for c, v in zip(row, values, strict=False)) for row in causal]
        if kind == "turned":  # each number meets two, as a cos and a sin
            both = [*zip(rows[0], rows[1], values, strict=True)]
            return [a * v - b * values[i - 1] for i, (a, b, v) in enumerate(both)]
        if kind == "powers":
            return [sum(c * v**k for k, c in enumerate(rows[0])) for v in values]
        return [
            {"times": lambda c, v: c * v, "by": lambda c, v: v / (c or 4.0),
             "plus": lambda c, v: v + c, "minus": lambda c, v: v - c,
             "from": lambda c, v: c - v}[kind](c, v) for c, v in pairs
        ]

    def loss(x: Any, y: Any) -> Any:
        values = [w * v for w, v in zip(parameters, x, strict=False)]
        for kind, rows, bends in plan:
            values = weighted(kind, rows, values)
            values = [bends(v) for v in values] if bends else values
        return (sum(w * v for w, v in zip(parameters[::-1], values, strict=False)) - y) ** 2

    return Program(loss, parameters, (_numbers(generator, 3, length), _numbers(generator, 3)))


BENDS: list[Callable[[Any], Any]] = [ops.tanh, ops.relu, lambda v: v * v]


def convolutions(generator: random.Random) -> Program:
    """Convolutions of a signal or an image, of one channel or more, one after the other."""
    axes, count = generator.randint(1, 2), generator.randint(1, 2)
    shape = [generator.randint(2, 9 if axes == 1 else 5) for _ in range(axes)]
    channels = [generator.choice([1, 1, 2, 3]) for _ in range(count + 1)]
    plan = []
    for given, made in itertools.pairwise(channels):
        sizes = [generator.randint(1, 3) for _ in range(axes)]
        kernels = nested(generator, [made, given, *sizes])
        border = generator.choice(["valid", "valid", "zeros", "left out", "ring", "causal"])
        step, apart = generator.choice([(1, 1), (1, 1), (2, 1), (1, 2)])
        bends = generator.choice(BENDS)
        plan.append((kernels, sizes, border, step, apart, bends, generator.random() < 0.3))
    out = nested(generator, [40])
    parameters: Any = [out, *[each[0] for each in plan]]
    every = [k for each in plan for k in listed(each[0])]
    if len(every) < 7 and generator.random() < 0.5:  # each has a name, as p and q of a tree have
        parameters = {"out": out, **{f"k{i}": k for i, k in enumerate(every)}}

    def loss(x: Any, y: Any) -> Any:
        if axes == 1:
            x = [[[v] for v in x]] if channels[0] == 1 else [[[v] for v in x]] * channels[0]
        else:
            x = [x] * channels[0]
        for kernels, sizes, border, step, apart, bends, pools in plan:
            sizes, kernels = (sizes, kernels) if axes == 2 else (
                [*sizes, 1], [[[[k] for k in row] for row in of] for of in kernels]
            )
            found = [convolved(x, of, sizes, border, step, apart) for of in kernels]
            x = [[[bends(v) for v in row] for row in each] for each in found]
            if pools and len(x[0]) > 1:
                x = [[[functions.maximum([a, b]) for a, b in zip(*two, strict=True)]
                      for two in zip(each[::2], each[1::2], strict=False)] for each in x]
        values = [v for each in x for row in each for v in row][: len(out)]
        return (sum(w * v for w, v in zip(out, values, strict=False)) - y) ** 2

    return Program(loss, parameters, (_numbers(generator, 2, *shape), _numbers(generator, 2)))


def walls(generator: random.Random) -> Program:
    """Neighbours of each place of a line, or of a grid, are added up; behind a wall is a 0."""
    rows, columns = generator.choice([1, 1, 1, 2, 4]), generator.randint(2, 7)
    steps, is_made_of = generator.choice([1, 4, 5, 8]), generator.random() < 0.5
    zero: Callable[[], Any] = generator.choice([lambda: 0.0, lambda: 0, lambda: Value(0.0)])
    reach = [(0, d) for d in (-2, -1, 0, 1, 2)] + [(d, 0) for d in (-1, 1)] * (rows > 1)
    weights = nested(generator, [3])
    plan = [  # each place once: a term that another one takes away leaves nothing but rounding
        (place, generator.choice("+++-"),
         generator.choice(["once", "once", "twice", "squared", *range(3)]))
        for place in generator.sample(reach, generator.randint(1, 4))
    ]
    fixed = generator.choice([0, 0, 0, 1, 2]) if rows == 1 else 0  # ends that never change
    bends = generator.choice(BENDS if steps == 1 else BENDS[:2])  # squares of squares overflow
    keeps = generator.random() < 0.6
    start = nested(generator, [rows, columns])
    set_to = generator.choice([None, None, (0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.5, 2.0)])

    def step(u: list[list[Any]]) -> list[list[Any]]:
        def at(i: int, j: int, of: Any) -> Any:
            if not (0 <= i < rows and 0 <= j < columns):
                return zero()
            times = {"once": lambda v: v, "twice": lambda v: 2.0 * v, "squared": lambda v: v * v}
            return times[of](u[i][j]) if of in times else weights[of] * u[i][j]

        def around(i: int, j: int) -> Any:
            total: Any = None
            for (down, right), sign, of in plan:
                term = at(i + down, j + right, of)
                if total is None:
                    total = term if sign == "+" else 0 - term
                else:
                    total = total + term if sign == "+" else total - term
            return total

        made = [[bends(weights[0] * around(i, j)) for j in range(columns)] for i in range(rows)]
        if keeps:
            made = [[a + 0.1 * b for a, b in zip(*pair, strict=True)]
                    for pair in zip(u, made, strict=True)]
        inner = slice(min(fixed, 1), columns - (fixed > 1))
        if set_to is not None:  # ends that each step sets
            u = [[set_to[0], *old[1:-1], set_to[1]] for old in u]
        return [[*old[: inner.start], *new[inner], *old[inner.stop :]]
                for old, new in zip(u, made, strict=True)]

    def loss(x: Any, y: Any) -> Any:
        u = [[s * v for s, v in zip(*pair, strict=True)] for pair in zip(start, x, strict=True)]
        u = u if is_made_of else start
        for _ in range(steps):
            u = step(u)
        found = [v for row in u for v in row]
        apart = sum((v - b) ** 2 for v, b in zip(found, [*x[-1], y], strict=False))
        return apart + weights[1] * weights[1]  # of which something is left if all are set

    data = _numbers(generator, 2, rows, columns), _numbers(generator, 2)
    return Program(loss, {"weights": weights, "start": start}, data)


def exchanges(generator: random.Random) -> Program:
    """What one body gains another one loses, for all pairs of some, once or step by step."""
    count, steps = generator.randint(2, 5), generator.choice([1, 1, 2, 4, 6])
    wide = generator.randint(1, 2)
    every = [(i, j) for i in range(count) for j in range(i + 1, count)]
    kept = generator.choice([1.0, 1.0, 1.0, 0.7])
    edges = [pair for pair in every if generator.random() < kept] or every
    form = generator.choice(["one", "masses", "quotient", "negative", "both", "each"])
    begins = generator.choice(["zero", "zero", "state", "number"])
    bend: Callable[[Any], Any] = generator.choice(
        [lambda d: d, lambda d: d * d * d, lambda d: d / (1.0 + d * d)]
    )
    masses, rate = nested(generator, [count]), nested(generator, [])

    def step(x: list[list[Any]]) -> list[list[Any]]:
        start: Any = {"zero": 0.0, "number": 0.3}.get(begins)
        gains = [[a if start is None else start for a in row] for row in x]
        for i, j in edges:
            for k in range(wide):
                d = bend(x[j][k] - x[i][k])
                lose = gain = rate * d
                if form == "masses":
                    gain, lose = masses[j] * d * rate, masses[i] * d * rate
                if form == "quotient":
                    gain, lose = rate * d / (1.5 + masses[i]), rate * d / (1.5 + masses[j])
                gains[i][k] = gains[i][k] + gain
                if form == "negative":
                    gains[j][k] += -lose
                elif form == "both":
                    gains[j][k] += lose
                elif form == "each":
                    gains[j][k] -= rate * bend(x[j][k] - x[i][k])
                else:
                    gains[j][k] = gains[j][k] - lose
        if start is None:
            return gains
        return [[a + 0.1 * m * g for a, g in zip(row, gain, strict=True)]
                for row, gain, m in zip(x, gains, masses, strict=True)]

    def loss(x: Any, y: Any) -> Any:
        state = [[a * masses[0] if begins == "number" else a for a in row] for row in x]
        for _ in range(steps):
            state = step(state)
        return sum((a - y) ** 2 * m for row, m in zip(state, masses, strict=True) for a in row)

    data = _numbers(generator, 2, count, wide) / 4, _numbers(generator, 2)
    return Program(loss, {"masses": masses, "rate": [rate]}, data)


def nested(generator: random.Random, shape: list[int]) -> Any:
    """Returns new parameters in lists of this shape."""
    if not shape:
        return Value(generator.uniform(-1.0, 1.0))
    return [nested(generator, shape[1:]) for _ in range(shape[0])]


def listed(held: Any) -> list[Value]:
    """Returns the parameters in nested lists."""
    return [value for each in held for value in listed(each)] if isinstance(held, list) else [held]


def convolved(
    x: Any, kernels: Any, sizes: list[int], border: str, step: int, apart: int
) -> Any:
    """Returns the sums of kernels times the numbers around each place, over all channels."""
    heights, widths = (range(0, each, step) for each in (len(x[0]), len(x[0][0])))
    middle = [apart * (k // 2) for k in sizes]
    if border == "valid":
        heights, widths = (
            range(0, max(size - apart * (k - 1), 1), step)
            for size, k in zip((len(x[0]), len(x[0][0])), sizes, strict=True)
        )
        middle = [0, 0]
    if border == "causal":
        middle = [apart * (k - 1) for k in sizes]

    def at(channel: Any, i: int, j: int) -> Any:
        rows, columns = len(channel), len(channel[0])
        if border == "ring":
            return channel[i % rows][j % columns]
        is_there = 0 <= i < rows and 0 <= j < columns
        return channel[i][j] if is_there else 0.0 if border in ("zeros", "causal") else None

    def around(r: int, c: int) -> Any:
        for channel, kernel in zip(x, kernels, strict=True):
            for i in range(sizes[0]):
                for j in range(sizes[1]):
                    k = at(channel, r + apart * i - middle[0], c + apart * j - middle[1])
                    if k is not None:
                        yield kernel[i][j] * k

    return [[sum(around(r, c)) for c in widths] for r in heights]


def agree_in_jax(program: Program, jits: bool = False) -> bool:
    """Asserts that the program for JAX equals NumPy's, op by op or compiled, and `jax.grad` it.

    Returns whether there is something to compare.
    """
    import jax

    loss, parameters, data = program
    lifted = lift(loss, parameters=parameters, check=False)
    theta = lifted.parameters()
    try:
        with np.errstate(all="ignore"):
            expected, gradient = lifted.value_and_grad(theta, *data)
        _, _, error = eager(loss, lifted.leaves(), *data)
    except (ArithmeticError, ValueError, CannotLift):
        return False
    if not (math.isfinite(expected) and np.isfinite(gradient).all()):
        return False  # where a derivative is infinite, JAX computes 0 * inf
    in_jax = lifted.jax()
    with jax.enable_x64(True):
        run = jax.jit(in_jax.value_and_grad) if jits else in_jax.value_and_grad
        got, derivatives = run(theta, *data)
    assert abs(float(got) - expected) <= error + 1e-15 * abs(expected), in_jax.source_for(*data)
    size = max([*abs(gradient), 1e-3])  # as in `agree`
    assert abs(np.asarray(derivatives) - gradient).max() <= 1e-11 * size, in_jax.source_for(*data)
    return True


def made(generator: random.Random) -> Program:
    program = generator.choice(KINDS[:-1])(generator)
    bounds = [generator.uniform(0.5, 2.0) for _ in range(2)]
    ways: list[Callable[[Any], Any]] = [
        ops.tanh, lambda v: v * v, lambda v: v / (bounds[0] + v * v), lambda v: ops.exp(-v) + v,
        lambda v: bounds[0] * ops.sin(v) - bounds[1], lambda v: -v,
    ]
    function = generator.choice(ways)
    shared, is_shared = generator.choice([0, 1, 2]), generator.random() < 0.3

    @wraps(program.loss)
    def loss(*data: Any) -> Any:
        own = [(of, at, of[at]) for of, at in held_in(program.parameters)]
        scale = own[min(shared, len(own) - 1)][2]
        for of, at, value in own:
            of[at] = function(value) * (ops.tanh(scale) if is_shared else 1.0)
        try:
            return program.loss(*data)
        finally:
            for of, at, value in own:
                of[at] = value

    return Program(loss, program.parameters, program.data)


def held_in(parameters: Any) -> list[tuple[Any, Any]]:
    """Returns the places of all Values in lists and dictionaries: what holds one, and where."""
    places = parameters.items() if isinstance(parameters, dict) else enumerate(parameters)
    found = [[(parameters, at)] if isinstance(each, Value) else held_in(each)
             for at, each in places]
    return [place for part in found for place in part]


KINDS = [
    chain, layers, windows, pairs, recurrences, series, convolutions, walls, filters, exchanges,
    made,
]


class Expected(NamedTuple):
    """What the scalars compute, and how far a program may be from the loss."""

    lifted: Lifted
    data: tuple[Any, ...]
    value: float
    gradient: list[float]
    error: float

    def hold(self, got: float, derivatives: Any) -> None:
        """Asserts that a loss and its gradient are these numbers up to rounding."""
        value, source = self.value, self.lifted.source
        assert got == value or abs(got - value) <= self.error or value != value, source
        # A derivative is computed by as many operations again, on numbers of the size of its own
        # terms, which the running error of the loss does not see. 1e-11 of the largest is 45,000
        # roundings.
        size = max([abs(g) for g in self.gradient if math.isfinite(g)] + [1e-3])
        for expected, derivative in zip(self.gradient, derivatives, strict=True):
            same = expected == derivative or (expected != expected and derivative != derivative)
            assert same or abs(expected - derivative) <= 1e-11 * size, source


def held(program: Program) -> Expected | None:
    """Returns what the scalars compute, after asserting that NumPy computes the same.

    None if there is nothing to compare, or if it is refused where pairs are looped over.
    """
    loss, parameters, data = program
    try:
        lifted = lift(loss, parameters=parameters)
        expected = Expected(lifted, data, *eager(loss, lifted.leaves(), *data))
    except (ArithmeticError, ValueError):
        return None
    try:
        expected.hold(*lifted.value_and_grad(lifted.parameters(), *data))
    except CannotLift:
        if loss.__name__ == "named":
            return None
        raise
    return expected


def agree(program: Program) -> bool:
    """Asserts that lifted equals eager; returns whether there is something to compare."""
    return held(program) is not None
