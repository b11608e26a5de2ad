"""A law of the public API: no bad argument ends in a foreign error, a hang or a wrong answer.

The callables are found by looking at the package: all that a public module names in its `__all__`,
and the public methods of its classes. Each argument of each of them is replaced by each of the bad
inputs below. The package must refuse with an error of its own that names the argument, or the bad
input must be a right one there, by the argument's type hint. A new function is covered as soon as
it is public; a new name of an argument needs a good value in `GOOD`.
"""

import ast
import collections.abc
import importlib
import inspect
import math
import pkgutil
import random
import signal
import tempfile
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import micrograd_notes
from micrograd_notes import MLP, TABLE, Layer, Module, Neuron, Op, Value
from micrograd_notes.draw import ModelPicture, Picture, draw_dot, draw_model, figures
from micrograd_notes.draw.plots import loss_curve
from micrograd_notes.engine.ops import tanh
from micrograd_notes.gpt import GPT
from micrograd_notes.lifting import Lifted, lift
from micrograd_notes.train.data import Dataset, moons
from micrograd_notes.train.loop import History, fit
from micrograd_notes.train.optim import SGD, Optimizer
from micrograd_notes.train.recording import Recorder, Snapshot, snapshots_of
from micrograd_notes.train.scaling import Scaler
from micrograd_notes.train.watching import Watcher

PACKAGE = Path(micrograd_notes.__file__).parent

# What only a type checker imports there; the hints are evaluated here.
FOR_TYPE_CHECKERS = {
    kind.__name__: kind for kind in (Axes, Figure, Value, Op, Dataset, History, Recorder, Snapshot)
} | {
    "Inputs": Dataset | collections.abc.Sequence[collections.abc.Sequence[float]],
    "Losses": History | collections.abc.Sequence[float | None],
}

EXCEPTIONS = {  # modules, classes with their methods, and arguments, as patterns
    "micrograd_notes.engine.spelling": "the checker and lifting call it",
    "micrograd_notes.engine.anomaly": "the engine calls it",
    "micrograd_notes.train.lifted_loop": "it is what fit is made of",
    "micrograd_notes.train.arrays": "so is this",
    "micrograd_notes.lifting.trace.record*": "the passes call each other",
    "micrograd_notes.lifting.trace.traced": "the first pass calls it",
    "micrograd_notes.lifting.trace.words": "the recording calls it",
    "micrograd_notes.testing.diagnosis.s[uw]*": "gradcheck calls them",
    "micrograd_notes.testing.programs.inside": "gradcheck calls it",
    "micrograd_notes.testing.diagnosis.report": "gradcheck makes reports",
    "Verdict": "its members are read, and none is made",
    "Derivative*": "ladder() and limit_of_quotients() make it",
    "Side": "ladder() and limit_of_quotients() make it",
    "noise_near": "ladder() calls it",
    "is_constant_near": "numeric_partial() calls it",
    "Finding": "examine() makes it",
    "examine_*": "examine() calls them",
    "numeric_partial": "examine() calls it",
    "Outcome": "the checks of a file make it",
    "OperationReport": "check_operation() makes it",
    "points_of": "check_operation() calls it",
    "Dual": "nan and inf travel through it, as through a Value",
    "Lifted": "lift() makes it",
    "OfSizes": "lift_of_sizes() makes it",
    "lift_of_sizes.sizes": "they are the sizes of make, which has none of that name",
    "Certificate": "certify() makes it",
    "micrograd_notes.lifting.certificate": "Lifted.certify() calls it",
    "micrograd_notes.testing.numbers.both_sides": "a certificate is made of it",
    "GPT.attention": "GPT.next() calls it",
    "spell_cities": "three steps of it take most of a minute, and train() takes the same",
    "GPT.next.past": "GPT.next() itself fills it",
    "train.say": "it is a function of the reader's own, and its errors are its own",
    "Op": "operation() makes it",
    "Step": "sweep() makes it",
    "Op.*": "the engine calls them",
    "Snapshot": "a Recorder makes it",
    "TrainingPage*": "training_page() makes it",
    "Watcher.__call__": "fit calls it",
    "Watcher.swept": "the engine calls it",
    "Recorder.__call__": "fit calls it",
    "Run*": "load_run() makes it",
    "pick.values": "a value is given back as it is, whatever it is",
    "Stepper": "draw_backward() makes it",
    "Picture.insides": "draw_dot() gives them",
    "build_course.api": "True needs a package that the tests do without; it has a test of its own",
    "Guess": "guess_first() makes it",
    "guess_first.show": "whatever it is, it is shown; the errors of a function are its own",
    "MLPClassifier*": "scikit-learn's own checks try it, and its arguments are checked by fit",
    "MLPRegressor*": "scikit-learn's own checks try it, and its arguments are checked by fit",
    "check.inputs": "they go to functions of the reader's own",
    "check.reference": "it is a function of the reader's own, and its errors are its own",
}

NAN = math.nan
BAD: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "0": lambda: 0,
    "-1": lambda: -1,
    "3": lambda: 3,
    "2.5": lambda: 2.5,
    "nan": lambda: NAN,
    "inf": lambda: math.inf,
    "10**400": lambda: 10**400,
    "1j": lambda: 1j,
    "text": lambda: "a",
    "no text": lambda: "",
    "bytes": lambda: b"ab",
    "object": object,
    "class": lambda: int,
    "function": lambda: lambda: None,
    "Value": lambda: Value(2.0),
    "empty list": list,
    "dictionary": lambda: {0: 1.0, 1: 2.0},
    "set": lambda: {1.0, 2.0},
    "iterator": lambda: iter([[1.0, 2.0], [3.0, 4.0]]),
    "list of nan": lambda: [[1.0, NAN], [3.0, 4.0]],
    "list of inf": lambda: [[1.0, 2.0], [math.inf, 4.0]],
    "list of texts": lambda: ["cat", "dog"],
    "list of None": lambda: [None, None],
    "list of rows of text": lambda: [["1.0", "2.0"], ["3.0", "4.0"]],
    "list of dictionaries": lambda: [{0: 1.0, 1: 2.0}, {0: 3.0, 1: 4.0}],
    "list of sets": lambda: [{1.0, 2.0}, {3.0, 4.0}],
    "ragged list": lambda: [[1.0, 2.0], [3.0]],
    "list of objects": lambda: [object(), object()],
    "list of lists of objects": lambda: [[object()], [object()]],
    "pair of nan": lambda: ([[1.0, NAN], [3.0, 4.0]], [0, 1]),
    "pair of dictionaries": lambda: ([{0: 1.0, 1: 2.0}, {0: 1.0, 1: 2.0}], [0, 1]),
    "pair of ragged lists": lambda: ([[1.0, 2.0], [3.0]], [0, 1]),
    "pair with texts as targets": lambda: ([[1.0, 2.0], [3.0, 4.0]], ["cat", "dog"]),
    "pair with nan as a target": lambda: ([[1.0, 2.0], [3.0, 4.0]], [0, NAN]),
    "pair with None as a target": lambda: ([[1.0, 2.0], [3.0, 4.0]], [0, None]),
    "pair of two lengths": lambda: ([[1.0, 2.0], [3.0, 4.0]], [0]),
    "pairs": lambda: [([1.0, 2.0], 0), ([3.0, 4.0], 1)],
    "Dataset": lambda: moons(8),
    "model": lambda: MLP(3, [2], seed=0),
}


def a_history() -> History:
    model = MLP(2, [2, 1], seed=0)
    recorder = Recorder(model, moons(8))
    return fit(model, moons(8), epochs=2, callback=recorder, progress=False)


def a_program() -> Lifted:
    """Returns a program of a loss, with the outputs of one of a model, to ask for both."""
    model = MLP(2, [1], activation="tanh", seed=0)
    program, outputs = lift(lambda inputs: model(inputs) ** 2, model), lift(model)
    vars(program).update(outputs=outputs.outputs, next_outputs=outputs.next_outputs)
    return program


@cache
def a_course() -> str:
    folder = Path(tempfile.mkdtemp())
    (folder / "README.md").write_text("# The course\n")
    return str(folder)


@cache
def two_plots() -> list[tuple[Axes, str]]:
    return [(loss_curve([1.0]), "One."), (loss_curve([2.0]), "Two.")]


# A good value for each argument, by its name, or by what it is an argument of and its name.
GOOD: dict[str, Callable[[], Any]] = {
    "model": lambda: MLP(2, [1], activation="tanh", seed=0),
    "data": lambda: moons(8),
    "held_out": lambda: moons(8),
    "inputs": lambda: [[1.0, 2.0], [3.0, 4.0]],
    "targets": lambda: [0, 1],
    "predictions": lambda: [Value(1.0), Value(2.0)],
    "logits": lambda: [Value(1.0), Value(2.0)],
    "target": lambda: 1,
    "name": lambda: "moons",
    "positions": lambda: [0, 1],
    "position": lambda: 0,
    "feature_names": lambda: ("x", "y"),
    "class_names": lambda: ("a", "b"),
    "nin": lambda: 2,
    "nout": lambda: 2,
    "nouts": lambda: [2, 1],
    "x": lambda: [1.0, 2.0],
    "state": lambda: MLP(2, [1], activation="tanh", seed=0).state_dict(),
    "history": a_history,
    "epoch": lambda: 0,
    "logs": lambda: {"loss": 1.0},
    "of": lambda: "weights",
    "attempt": lambda: math.sin,
    "reference": lambda: math.sin,
    "hint": lambda: "Look again.",
    "question": lambda: "How much is 7 * 8?",
    "values": lambda: [1.0, 2.0],
    "index": lambda: 1,
    "operands": lambda: 0.5,
    "xs": lambda: [1.0, 2.0],
    "epochs": lambda: 1,
    "progress": lambda: False,
    "History.epochs": lambda: [{"loss": 1.0}],
    "History.__getitem__.name": lambda: "loss",
    "check.inputs": lambda: 0.5,
    "operation.name": lambda: "double_of_mine",
    "operation.forward": lambda: lambda x: 2 * x,
    "operation.partials": lambda: [lambda y, x: 2.0],
    "lookup.name": lambda: "tanh",
    "clamp.x": lambda: 0.5,
    "is_differentiated.index": lambda: 0,
    "gradcheck.xs": lambda: 0.5,
    "f": lambda: lambda x: x * x,
    "op": lambda: TABLE["multiply"],
    "order": lambda: 1,
    "examine.operands": lambda: [0.5, 2.0],
    "hard_numbers.operands": lambda: [0.5, 2.0],
    "hard_numbers.index": lambda: 0,
    "number": lambda: 0.5,
    "at": lambda: [1.0, 2.0],
    "direction": lambda: [1.0, 0.0],
    "slope_along.function": lambda: lambda x, y: x * y,
    "forward_gradient.function": lambda: lambda x, y: x * y,
    "ladder.function": lambda: math.sin,
    "ladder.x": lambda: 0.5,
    "limit_of_quotients.function": lambda: lambda x: x * x,
    "limit_of_quotients.x": lambda: 0.5,
    "lift.function": lambda: MLP(2, [1], activation="tanh", seed=0),
    "make": lambda: lambda: (lambda x: x[0] * 2, MLP(2, [1], seed=0)),
    "Lifted.check.data": lambda: [[1.0, 2.0], [3.0, 4.0]],
    "Lifted.certify.data": lambda: [[1.0, 2.0], [3.0, 4.0]],
    "theta": lambda: [0.5, 0.5, 0.5],
    "notebooks": a_course,
    "build_course.target": lambda: "site",
    "letters": lambda: "ab",
    "text": lambda: "ab",
    "token": lambda: 1,
    "tokens": lambda: [0, 1],
    "past": lambda: ([], [], []),
    "generator": lambda: random.Random(0),
    "texts": lambda: ["ab", "ba"],
    "steps": lambda: 3,
    "train.model": lambda: GPT("ab", positions=4, width=4, heads=2),
    "title": lambda: "Training",
    "params": lambda: [Value(1.0), Value(2.0)],
    "lr": lambda: 0.1,
    "weight_decay": lambda: 0.0,
    "adjoint": lambda: 1.0,
    "output": lambda: Value(2.0) * Value(3.0),
    "gradient": lambda: pytest.importorskip("numpy").array([0.5, 0.25]),
    "stepped.data": lambda: pytest.importorskip("numpy").array([1.0, 2.0]),
    "load_state_dict.state": lambda: SGD([Value(1.0), Value(2.0)]).state_dict(),
    "Value.data": lambda: 2.0,
    "grad.inputs": lambda: Value(2.0),
    "load_model.path": lambda: Path(__file__).parent / "nn/saved" / "version_1_tanh.json",
    "path": lambda: "never.html",
    "filename": lambda: "never",
    "root": lambda: Value(2.0) * Value(3.0),
    "mlp": lambda: MLP(2, [1], seed=0),
    "sequential": lambda: micrograd_notes.to_torch(MLP(2, [1], seed=0)),
    "subject": a_history,
    "view": lambda: draw_dot(Value(2.0) * 3.0).view,
    "ModelPicture.view": lambda: draw_model(MLP(2, [1], seed=0)).view,
    "pages": lambda: [("One dot.", b"..."), ("Two dots.", b"...")],
    "flipbook.pages": two_plots,
    "ax": lambda: loss_curve([2.0, 1.0]),
    "alt": lambda: "The loss falls.",
    "rows": lambda: [[1.0, 2.0], [3.0, 4.0]],
    "load_run.path": lambda: Path(__file__).parent / "train/saved" / "run.json",
    "loss_curve.history": lambda: [2.0, 1.0],
    "function": lambda: math.sin,
    "activation_curve.function": lambda: tanh,
    "tangent.function": lambda: tanh,
    "tangent.at": lambda: 0.5,
    "nudges": lambda: [0.5],
    "groups": lambda: {"one": [2.0, 1.0]},
    "rungs": lambda: {"one": 2.0, "two": 1.0},
    "panels": lambda: {"one": lambda ax: None},
    "surface.function": lambda: lambda x, y: x * y,
    "surface.x": lambda: (0.0, 1.0),
    "functions": lambda: {"sine": math.sin},
    "start": lambda: 0.0,
    "stop": lambda: 1.0,
    "curves": lambda: {"one": [(0.0, 1.0), (1.0, 0.5)]},
    "images": lambda: [[[0.0, 1.0], [1.0, 0.0]]] * 2,
    "neurons": lambda: Layer(4, 3, seed=0),
    "shape": lambda: (2, 2),
    "table": lambda: [[1.0, 2.0], [3.0, 4.0]],
    "shares": lambda: [[[1.0]], [[0.5, 0.5]]],
    "attention_maps.tokens": lambda: "ca",
}

OF_NUMBERS = ("op", "ops", "helper_ops", "functions")  # files whose functions take any number

ALWAYS = ("epochs", "progress", "class_names", "targets")  # given though they may be left out

# An object of each class, whose methods are called.
OBJECTS: dict[type, Callable[[], Any]] = {
    Dataset: lambda: replace(moons(8), image_shape=(1, 2)),
    History: a_history,
    MLP: lambda: MLP(2, [2, 1], seed=0),
    Layer: lambda: Layer(2, 2, seed=0),
    Neuron: lambda: Neuron(2, seed=0),
    Module: lambda: MLP(2, [1], activation="tanh", seed=0),
    Watcher: lambda: Watcher(MLP(2, [1], seed=0), moons(8)),
    Recorder: lambda: Recorder(MLP(2, [1], seed=0), moons(8)),
    Lifted: a_program,
    GPT: lambda: GPT("ab", positions=4, width=4, heads=2),
    Snapshot: lambda: snapshots_of(a_history())[0][1],
    Value: lambda: Value(0.5),
    Optimizer: lambda: SGD([Value(1.0), Value(2.0)]),
    Scaler: lambda: Scaler().fit([[1.0, 2.0], [3.0, 5.0]]),
    Picture: lambda: draw_dot(Value(2.0) * 3.0),
    ModelPicture: lambda: draw_model(MLP(2, [1], seed=0)),
}

# What an argument may be called in a message, beside its name.
WORDS = {
    "data": ["inputs", "targets", "Dataset", "x must", "x holds", "x is"],
    "held_out": ["inputs", "targets", "example"],
    "path": ["there is no file", "is a folder", "give the name of a file"],
    "texts": ["text"],
    "tokens": ["token"],
    "x": ["inputs"],
    "name": ["named", "identifier"],
    "root": ["a graph is walked from a Value"],
    "model": ["Neuron with"],
    "inputs": ["example", "one per point"],
    "targets": ["target"],
    "target": ["targets", "whose places are counted from 0"],
    "partials": ["partial", "forward must be a function"],
    "feature_names": ["feature names"],
    "class_names": ["class names"],
    "operands": ["operand"],
    "function": ["inputs must be"],
    "functions": ["Neuron with"],
    "images": ["picture"],
}


PLACES = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)


class Case(NamedTuple):
    """A callable, how it is called, and which of its arguments becomes bad."""

    label: str
    get: Callable[[], Callable[..., Any]]
    parameters: list[inspect.Parameter]
    hints: dict[str, Any]


def public_modules() -> Iterator[types.ModuleType]:
    yield micrograd_notes
    for found in pkgutil.walk_packages([str(PACKAGE)], "micrograd_notes."):
        if not any(part.startswith("_") for part in found.name.split(".")):
            module = importlib.import_module(found.name)
            if hasattr(module, "__all__"):
                yield module


def home(thing: Any) -> str:
    return str(getattr(thing, "__module__", ""))


def is_excepted(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in EXCEPTIONS)


@cache
def cases() -> list[Case]:
    found: dict[int, Case] = {}
    for module in public_modules():
        if is_excepted(module.__name__):
            continue
        for name in module.__all__:
            thing = getattr(module, name)
            is_ours = home(thing).startswith("micrograd_notes") or isinstance(thing, Op)
            if not callable(thing) or not is_ours or is_excepted(home(thing)):
                continue
            if isinstance(thing, type):
                if issubclass(thing, Exception):
                    continue
                for method, function in vars(thing).items():
                    is_asked = method in ("__call__", "__getitem__") or method[0] != "_"
                    is_asked = is_asked and not is_excepted(f"{name}.{method}")
                    if is_asked and inspect.isfunction(function):
                        get = partial(
                            lambda kind, method: getattr(OBJECTS[kind](), method), thing, method
                        )
                        found[id(function)] = case(f"{name}.{method}", get, function)
            if not is_excepted(name):
                found[id(thing)] = case(name, partial(lambda thing: thing, thing), thing)
    return list(found.values())


def case(label: str, get: Callable[[], Any], thing: Any) -> Case:
    signature = inspect.signature(thing)
    hinted: Any = vars(thing).get("__init__") if isinstance(thing, type) else thing
    hinted = hinted if inspect.isfunction(hinted) else type(thing).__call__
    try:
        hints = typing.get_type_hints(hinted, localns=FOR_TYPE_CHECKERS)
    except NameError:  # a name that only a type checker imports
        hints = {}
    return Case(label, get, [p for p in signature.parameters.values() if p.name != "self"], hints)


def good(label: str, parameter: str) -> Any:
    for key in (f"{label}.{parameter}", f"{label.split('.')[-1]}.{parameter}", parameter):
        if key in GOOD:
            return GOOD[key]()
    pytest.fail(f"give a good value for the argument {parameter!r} of {label} in GOOD")


def call(case: Case, wrong: str, bad: Any) -> Any:
    """Calls it with a bad argument, good ones where they are needed, and no other."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    has_places = any(parameter.kind in PLACES for parameter in case.parameters)
    for parameter in case.parameters:
        is_given = parameter.name in (wrong, *ALWAYS) or parameter.default is parameter.empty
        if is_given and parameter.kind is not parameter.VAR_KEYWORD:
            argument = bad if parameter.name == wrong else good(case.label, parameter.name)
            if has_places and parameter.kind is not parameter.KEYWORD_ONLY:
                positional.append(argument)
            else:
                named[parameter.name] = argument
    return case.get()(*positional, **named)


@cache
def raise_lines(file: str) -> frozenset[int]:
    """Returns the lines of a file that belong to a `raise` statement."""
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    return frozenset(
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    )


def is_of_the_package(error: BaseException) -> bool:
    """Returns whether a `raise` in a file of the package raised it."""
    trace = error.__traceback__
    assert trace is not None
    while trace.tb_next is not None:
        trace = trace.tb_next
    file = trace.tb_frame.f_code.co_filename
    return file.startswith(str(PACKAGE)) and trace.tb_lineno in raise_lines(file)


def fits(given: Any, hint: Any) -> bool:
    """Returns whether it is of the type, its parts included; a nan is not a number here."""
    if hint is inspect.Parameter.empty or hint is Any:
        return False
    if hint is object:
        return True
    if hint is None or hint is type(None):
        return given is None
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(given, each) for each in arguments)
    if isinstance(hint, typing.TypeVar):
        return isinstance(given, Value)
    if hint is bool:
        return isinstance(given, int) and given in (0, 1)
    if hint is float:
        is_number = isinstance(given, int | float) and not isinstance(given, bool)
        return is_number and abs(given) < 2**1023
    if hint is int:
        return isinstance(given, int) and not isinstance(given, bool) and given < 2**63
    if origin is collections.abc.Callable:
        return callable(given)
    if origin is tuple and arguments and arguments[-1] is ...:
        return isinstance(given, tuple | list) and all(fits(each, arguments[0]) for each in given)
    if origin is tuple:
        return (
            isinstance(given, tuple)
            and len(given) == len(arguments)
            and all(map(fits, given, arguments))
        )
    if origin in (list, collections.abc.Sequence, collections.abc.Iterable):
        is_listed = isinstance(given, list | tuple)
        return is_listed and all(fits(each, arguments[0]) for each in given)
    if origin in (dict, collections.abc.Mapping):
        return isinstance(given, dict)
    kind = origin or hint
    if getattr(kind, "_is_protocol", False):
        return hasattr(given, "parameters")
    return isinstance(kind, type) and isinstance(given, kind)


def is_operand(given: Any) -> bool:
    """Returns whether arithmetic takes it: numbers do, nan among them, and lists of operands."""
    return isinstance(given, int | float | Value) or (
        isinstance(given, list | tuple) and all(map(is_operand, given))
    )


def out_of_time(*_: Any) -> None:
    raise TimeoutError("a bad argument made it hang")


def faults(case: Case, parameter: inspect.Parameter) -> Iterator[str]:
    """Yields a line for each bad input that is neither refused in the right way nor right."""
    words = [parameter.name, *WORDS.get(parameter.name, [])]
    name = getattr(case.get(), "__name__", case.label)  # a method may be another one's alias
    is_operation = home(case.get()).removeprefix("micrograd_notes.engine.") in OF_NUMBERS
    is_operation = is_operation or name in TABLE
    if is_operation:  # its name says enough where all operands are of one kind
        words += [f"{name}()", f"{name}("]
    is_any = is_operation and case.hints.get(parameter.name, Any) is Any
    takes_operand = is_any or f"{case.label}.{parameter.name}" == "Value.data"
    for label, make in BAD.items():
        bad = make()
        if parameter.default is not parameter.empty and bad is parameter.default:
            continue
        signal.signal(signal.SIGALRM, out_of_time)
        signal.setitimer(signal.ITIMER_REAL, 60)
        try:
            result = call(case, parameter.name, bad)
        except Exception as error:
            said = f"{case.label}({parameter.name}={label}) raises {type(error).__name__}: {error}"
            if not is_of_the_package(error):
                yield f"FOREIGN {said:.300}"
            elif not any(word in str(error) for word in words):
                yield f"UNNAMED {said:.300}"
        else:
            hint = case.hints.get(parameter.name, Any)
            if not (is_operand(bad) if takes_operand else fits(bad, hint)):
                yield f"ACCEPTED {case.label}({parameter.name}={label}) -> {result!r:.100}"
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def arguments() -> list[Any]:
    return [
        pytest.param(case, parameter, id=f"{case.label}-{parameter.name}")
        for case in cases()
        for parameter in case.parameters
        if parameter.kind is not parameter.VAR_KEYWORD
        and not is_excepted(f"{case.label}.{parameter.name}")
    ]


@pytest.fixture(autouse=True)
def nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)  # a bad path may be a good name of a file
    monkeypatch.setitem(plt.rcParams, "figure.max_open_warning", 0)  # one per call
    for name in ("svg", "png"):  # the same figure has the same bytes; it is drawn once
        monkeypatch.setattr(figures, name, cache(getattr(figures, name)))
    yield
    plt.close("all")


@pytest.mark.parametrize(("case", "parameter"), arguments())
def test_a_bad_argument_is_refused_by_name_or_right(
    case: Case, parameter: inspect.Parameter
) -> None:
    if case.label in ("to_torch", "from_torch"):
        pytest.importorskip("torch")  # which the README's commands do without
    assert not list(faults(case, parameter))


def test_the_law_finds_what_breaks_it() -> None:
    def careless(position: int) -> Any:
        return [1.0, 2.0][position]  # a bool is accepted, a text raises Python's own error

    [parameter] = (planted := case("careless", lambda: careless, careless)).parameters
    found = list(faults(planted, parameter))
    assert any(
        line.startswith("FOREIGN careless(position=text) raises TypeError") for line in found
    )
    assert any(line.startswith("FOREIGN careless(position=3) raises IndexError") for line in found)
    assert any(line.startswith("ACCEPTED careless(position=True)") for line in found)
    assert not any("(position=0)" in line or "(position=-1)" in line for line in found)


def test_most_of_the_package_is_under_the_law() -> None:
    labels = {each.label for each in cases()}
    assert {
        "fit",
        "predict",
        "Dataset",
        "Dataset.split",
        "mse_loss",
        "MLP",
        "tanh",
        "moons",
    } <= labels
    assert len(labels) > 90
