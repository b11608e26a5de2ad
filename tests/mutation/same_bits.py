"""Whether two spellings compute the same: all that a function gives for 10,000 inputs, digested.

The digest is of bits, so that 0.0 and -0.0 differ, and of the kind of error where there is one.
What is computed depends on the file: a careful float function; a row, forward and partials; a graph
and all its gradients; a network.
"""

import hashlib
import itertools
import math
import random
import struct
from collections.abc import Callable, Iterator
from typing import Any

COUNT = 10_000
SPECIAL = [0.0, 1.0, 2.0, 0.5, 3.0, 30.0, 40.0, 5e-324, 2.0**-1022, 1e200, 1e-200, 1e308, math.inf]


def digest(file: str, name: str) -> str:
    """Returns a digest of what the function or the row gives for 10,000 inputs."""
    room, stem = file.removesuffix(".py").split("/")[-2:]
    of_engine = {"accurate": _of_a_float_function, "functions": _of_choices}
    of_engine |= dict.fromkeys(("ops", "helper_ops", "facts"), _of_a_row)
    results = (_of_networks if room == "nn" else of_engine.get(stem, _of_graphs))(name)
    return hashlib.sha256(repr(list(itertools.islice(results, COUNT))).encode()).hexdigest()


def _of_a_float_function(name: str) -> Iterator[Any]:
    from micrograd_notes.engine import accurate

    function = getattr(accurate, name or "two_product")  # the constants serve that one
    arity = function.__code__.co_argcount or 3
    for numbers in _points(arity):
        yield _outcome(function, *numbers)


def _of_a_row(name: str) -> Iterator[Any]:
    from micrograd_notes.engine.op import TABLE, built_in_rows

    name = "erfc" if name == "_mp_erfc" else name
    # Another function serves several rows: all of them are asked.
    ops = itertools.cycle([TABLE[name]] if name in TABLE else built_in_rows())
    points = {op.arity: _points(op.arity or 3) for op in built_in_rows()}
    for op in ops:
        numbers = next(points[op.arity])
        outcome = [_outcome(op.forward, *numbers), _counterpart(op, numbers)]
        if isinstance(outcome[0], bytes):
            value = op.forward(*numbers)
            for index in filter(op.is_differentiated, range(len(numbers))):
                outcome.append(_outcome(_partial, op, index, value, *numbers))
        if op.kinks is not None:  # which is asked for its zeros alone
            kink = _outcome(op.kinks, *numbers)
            outcome.append(kink in (struct.pack("d", 0.0), struct.pack("d", -0.0)))
        yield outcome


def _of_choices(_: str) -> Iterator[Any]:
    """Yields what the functions give that are built from rows."""
    from micrograd_notes.engine import Value
    from micrograd_notes.engine.functions import clamp, maximum, minimum, pick, softmax

    for numbers in _points(3):
        a, *rest = map(Value, numbers)
        yield repr([maximum(*numbers), minimum(numbers), maximum(a, *numbers)]), [
            [v.data for v in minimum(a, *rest, *numbers[:i]).operands] for i in range(3)
        ]
        yield _outcome(clamp, *numbers), _outcome(pick, numbers, numbers[0])
        yield _outcome(lambda xs=numbers: softmax(*xs))


def _partial(op: Any, index: int, value: float, *numbers: float) -> float:
    return float(op.local_partials([index], value, numbers)[0])


def _counterpart(op: Any, numbers: list[float]) -> Any:
    """Returns what the row's counterpart in mpmath gives, as a float."""
    import mpmath

    if op.mpmath is None or not all(1e-3 < abs(x) < 1e6 for x in numbers if x):
        return None
    function = getattr(mpmath.mp, op.mpmath) if isinstance(op.mpmath, str) else op.mpmath
    before = () if isinstance(op.mpmath, str) else (mpmath.mp,)
    try:
        return repr(float(function(*before, *map(mpmath.mpf, numbers))))
    except (ArithmeticError, ValueError, TypeError) as error:
        return type(error).__name__


def _of_graphs(_: str) -> Iterator[Any]:
    """Yields what random programs compute, all gradients, and the order of a sweep."""
    from micrograd_notes.engine import Value, grad, sweep, topological_order
    from tests import programs

    generator = random.Random(0)
    for _round in range(COUNT):
        program = [
            (generator.choice(list(programs.STEPS)), generator.randrange(6), generator.randrange(6))
            for _ in range(generator.randrange(1, 12))
        ]
        leaves = [Value(generator.uniform(-3, 3), requires_grad=i < 2) for i in range(3)]
        root = programs.run(program, leaves)
        order = topological_order(root)
        place = {node: i for i, node in enumerate(order)}
        outcome: list[Any] = [(repr(node), [place[x] for x in node.operands]) for node in order]
        if root.requires_grad:
            outcome += [(place[s.node], s.position, s.total) for s in sweep(root)]
            root.backward()
            root.backward(-0.5)
            outcome += [node.grad if node.has_grad else None for node in order]
            outcome += [derivative.data for derivative in grad(root, leaves[:2])]
        yield outcome


def _of_networks(_: str) -> Iterator[Any]:
    """Yields small networks of all kinds: their weights, names, answers and state."""
    from micrograd_notes.nn import MLP, activation_names

    generator = random.Random(0)
    for seed in range(COUNT):
        widths = [generator.randrange(1, 4) for _ in range(generator.randrange(1, 4))]
        activation = generator.choice([None, *activation_names()])
        random.seed(seed)
        model = MLP(2, widths, activation=activation, seed=generator.choice([None, seed]))
        answer = model([generator.uniform(-2, 2), 1])
        state = model.state_dict()
        model.load_state_dict(state)
        yield repr(model), repr(answer), repr(state), [name for name, _ in model.named_parameters()]


def _points(arity: int) -> Iterator[list[float]]:
    """Yields numbers of every size and sign, with zeros, infinities and NaN among them."""
    generator = random.Random(arity)
    special = [*SPECIAL, *(-x for x in SPECIAL), math.nan]
    while True:
        yield [
            generator.choice(
                [
                    generator.choice(special),
                    generator.uniform(-3, 3),
                    float(generator.randrange(-5, 6)),
                    generator.choice([-1, 1]) * 10 ** generator.uniform(-308, 308),
                    generator.choice([-1, 1]) * 10 ** generator.uniform(-8, 3),
                ]
            )
            for _ in range(arity)
        ]


def _outcome(function: Callable[..., Any], *numbers: Any) -> Any:
    """Returns the bits of a float, else what there is; the kind of error where it raises."""
    try:
        result = function(*numbers)
    except (ArithmeticError, ValueError, TypeError) as error:
        return type(error).__name__
    if isinstance(result, tuple | list):
        return [_outcome(lambda: x) for x in result]  # noqa: B023
    return b"nan" if result != result else struct.pack("d", float(result))
