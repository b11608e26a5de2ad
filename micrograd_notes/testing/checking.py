"""Finds the operations and functions of a file, and checks their gradients.

The command `micrograd-notes check` calls it. An operation is checked everywhere, a function of
`Value`s at a few points. A function that takes no numbers, or returns no `Value`, is reported as
not checked, with the reason.
"""

import importlib
import inspect
import io
import math
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from importlib import util
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from micrograd_notes.common.files import as_path
from micrograd_notes.engine import Value
from micrograd_notes.engine.op import TABLE, Op
from micrograd_notes.testing.diagnosis.report import Report
from micrograd_notes.testing.diagnosis.subject import UNDEFINED, briefly
from micrograd_notes.testing.diagnosis.verdicts import Verdict
from micrograd_notes.testing.gradients import gradcheck
from micrograd_notes.testing.operations import check_operation

__all__ = ["CannotCheckError", "Check", "Outcome", "checks_of_file", "checks_of_table"]

# Numbers that a reader can follow, then those at which derivatives get lost: flat, far, close to 0.
POINTS = (0.75, 2.0, -0.75, 0.5, -2.0, 3.0, 1.0, -1.0, 12.0, -12.0, 40.0, 1e-8, 0.0)
_ANY_NUMBER_OF = 3  # a function of any number of arguments is called with so many


class CannotCheckError(ValueError):
    """A file can't be imported, or has nothing in it to check."""


@dataclass(frozen=True)
class Outcome:
    """The result of a check; without a verdict, `aside` says why.

    >>> print(Outcome("softsign", Verdict.PASS, "74 points"))
    softsign: PASS (74 points)
    >>> print(Outcome("softsign", Verdict.VALUE_UNCHECKED))
    softsign: VALUE UNCHECKED (the gradient is right; the value was not compared with anything)
    >>> print(Outcome("main", None, "it takes no arguments"))
    main: not checked: it takes no arguments
    """

    name: str
    verdict: Verdict | None
    aside: str = ""
    details: tuple[str, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether something is wrong, or could not be decided."""
        return self.verdict is not None and self.verdict.fails

    def __str__(self) -> str:
        if self.verdict is None:
            return f"{self.name}: not checked: {self.aside}"
        means = "" if self.verdict.fails or self.verdict is Verdict.PASS else self.verdict.value
        aside = "; ".join(filter(None, [self.aside, means]))
        in_brackets = f" ({aside})" if aside else ""
        return "\n".join([f"{self.name}: {self.verdict}{in_brackets}", *self.details])


Check = Callable[[], Outcome]


def checks_of_table() -> list[Check]:
    """Returns a check of each operation in the table."""
    return [partial(_operation_checked, op) for op in TABLE.values()]


def checks_of_file(path: str | os.PathLike[str]) -> list[Check]:
    """Imports a file and returns a check of each operation and each public function in it.

    Operations are those that it registers, and any `Op` that it makes; their functions are not
    checked again. Python looks for its imports in its own folder first, as in `python my_ops.py`.

    Raises:
        TypeError: path is not the name of a file.
        CannotCheckError: there is no such file, it raises on import, or nothing in it is an
            operation or a function.
    """
    path, before = as_path(path), dict(TABLE)
    module = _imported(path)
    operations = list(_operations_of(module, path, before))
    parts = {id(part) for op in operations for part in _parts_of(op)}
    functions = [
        (name, function)
        for name, function in vars(module).items()
        if isinstance(function, FunctionType)
        and function.__module__ == module.__name__
        and not name.startswith("_")
        and id(function) not in parts
    ]
    if not operations and not functions:
        raise CannotCheckError(
            f"{path} does not define an operation or a function to check; "
            "write operation(name, forward, partials), or def f(x)"
        )
    return [
        *(partial(_operation_checked, op) for op in operations),
        *(partial(_function_checked, name, function) for name, function in functions),
    ]


# ---- the file ------------------------------------------------------------------------------------


def _imported(path: Path) -> ModuleType:
    """Returns the file as a module, within its package if its folder is one."""
    if path.is_dir():
        raise CannotCheckError(f"{path} is a folder; give the files in it, {path / '*.py'}")
    if not path.is_file():
        raise CannotCheckError(f"there is no file {path}")
    if path.suffix != ".py":
        raise CannotCheckError(
            f"{path} is not a file of Python; in a notebook, a cell with opcheck(op)() checks an "
            "operation, and one with gradcheck(f, 0.5) a function"
        )
    given, path = path, path.resolve()
    root, names = path.parent, [path.stem]
    while (root / "__init__.py").is_file():
        root, names = root.parent, [root.name, *names]
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        return importlib.import_module(".".join(names)) if names[1:] else _executed(path)
    except SystemExit:
        reason = "it ends the program; put the code that runs under if __name__ == '__main__':"
    except SyntaxError as error:
        reason = f"line {error.lineno}: {error.msg}"
    except Exception as error:
        reason = f"{_line_in(path, error)}{type(error).__name__}: {error}"
        if "relative import" in str(error):
            reason += "; write import helper instead of from . import helper"
    raise CannotCheckError(f"{given} can't be imported: {reason}")


def _executed(path: Path) -> ModuleType:
    name = path.stem if path.stem not in sys.modules else f"checked_{path.stem}"
    spec = util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look for the names of their fields' types
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _line_in(path: Path, error: Exception) -> str:
    """Returns the last line of the file that the error went through."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(path)
    ]
    return f"line {lines[-1]}: " if lines else ""


def _operations_of(module: ModuleType, path: Path, before: dict[str, Op]) -> Iterator[Op]:
    """Yields the rows that came with the file, and those whose functions are written in it."""
    seen = set()
    here = str(path.resolve())
    known = set(before.values())
    for op in [*TABLE.values(), *(x for x in vars(module).values() if isinstance(x, Op))]:
        is_written_here = any(
            part.__code__.co_filename == here
            for part in _parts_of(op)
            if isinstance(part, FunctionType)
        )
        if op not in seen and (op not in known or is_written_here):
            seen.add(op)
            yield op


def _parts_of(op: Op) -> list[Any]:
    """Returns the functions that an operation is made of."""
    rules = op.partials if isinstance(op.partials, tuple) else (op.partials,)
    return [op.forward, *rules, op.kinks, op.mpmath, op.scale]


# ---- operations and functions --------------------------------------------------------------------


def _operation_checked(op: Op) -> Outcome:
    try:
        with redirect_stdout(io.StringIO()):  # a print inside would come a thousand times
            report = check_operation(op)
    except Exception as error:
        return _raising(op.name, error)
    details = str(report).splitlines()[1:] if report.verdict.fails else []
    return Outcome(op.name, report.verdict, f"{report.points} points", tuple(details))


def _function_checked(name: str, function: FunctionType) -> Outcome:
    count, reason = _argument_count(function)
    if reason:
        return Outcome(name, None, reason)
    reports: list[Report] = []
    undefined: list[str] = []
    with redirect_stdout(io.StringIO()):
        for point in _points(count):
            try:
                result = function(*map(Value, point))
            except UNDEFINED as error:
                undefined.append(f"{type(error).__name__}: {error}")
                continue
            except (Exception, SystemExit) as error:
                return Outcome(name, None, _how_it_fails(name, point, error))
            if not isinstance(result, Value):
                return Outcome(name, None, f"it returns {briefly(result)}, not a Value")
            if not math.isfinite(result.data):
                undefined.append(f"the value is {result.data}")
                continue
            try:
                reports.append(gradcheck(function, *point, raise_exception=False))
            except Exception as error:
                return _raising(name, error)
    return _worst_of(name, reports, undefined)


def _raising(name: str, error: Exception) -> Outcome:
    """Returns the outcome where an operation raises more than ArithmeticError or ValueError."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"  {Path(frame.filename).name}:{frame.lineno}: {frame.line}"
    return Outcome(
        name, Verdict.DOMAIN, "", (f"  it raises {type(error).__name__}: {error}", where)
    )


def _worst_of(name: str, reports: list[Report], undefined: list[str]) -> Outcome:
    """Returns the outcome of the worst point, of the first one if several are as bad."""
    if not reports:
        return Outcome(
            name, None,
            f"it does not have a finite value at any of {len(undefined)} points, at the first one: "
            f"{undefined[0]}; gradcheck({name}, ...) checks it where it has one",
        )
    worst = max(reports, key=lambda report: report.verdict)
    at = ", ".join(f"{each.name} = {each.at!r}" for each in worst.inputs)
    if worst.verdict.fails:
        return Outcome(name, worst.verdict, f"at {at}", tuple(str(worst).splitlines()[1:]))
    aside = f"{len(reports)} points"
    if worst.verdict is not Verdict.PASS:
        aside = f"at {at}, one of {aside}"
    if undefined:
        aside += f", no finite value at {len(undefined)} more"
    return Outcome(name, worst.verdict, aside)


def _argument_count(function: FunctionType) -> tuple[int, str]:
    """Returns with how many numbers a function can be called, or 0 and why it can't."""
    needed, takes_more = 0, False
    for parameter in inspect.signature(function).parameters.values():
        is_needed = parameter.default is inspect.Parameter.empty
        if parameter.kind is parameter.VAR_POSITIONAL:
            takes_more = True
        elif parameter.kind is parameter.KEYWORD_ONLY and is_needed:
            return 0, f"it needs the keyword argument {parameter.name}=..."
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            needed += is_needed
    if takes_more:
        needed = max(needed, _ANY_NUMBER_OF)
    if not needed:
        return 0, "it does not need an argument, so there is nothing to differentiate"
    return needed, ""


def _points(count: int) -> Iterator[tuple[float, ...]]:
    """Yields points, each number of `POINTS` once in each place."""
    for i in range(len(POINTS)):
        yield tuple(POINTS[(i + 2 * k) % len(POINTS)] for k in range(count))


def _how_it_fails(name: str, point: Sequence[float], error: BaseException) -> str:
    given = ", ".join(f"Value({x!r})" for x in point)
    said = f"called with {given} it raises {type(error).__name__}: {error}"
    if any(word in str(error) for word in ("not iterable", "not subscriptable", "len()")):
        lists = ", ".join(f"[{x!r}, {x + 1!r}]" for x in point)
        said += f"; if it takes lists, gradcheck({name}, {lists}) checks it"
    return said
