"""`check`: compares a learner's answer to an exercise with a reference, and prints a hint.

The notebooks call it: an exercise is a stub to fill in, and a `check` below it, which calls the
learner's function and a reference with the same inputs. To avoid giving the answer away, write the
reference in another way, with a nudge or the engine. Exercises and hints are in the notebooks.
"""

import copy
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.engine import Value

__all__ = ["check"]

Answer = Callable[..., Any]


def check(
    attempt: Answer,
    reference: Answer,
    *inputs: Any,
    hint: str,
    slips: Mapping[float, str] | None = None,
) -> None:
    """Prints whether the attempt returns the same as the reference, for every input.

    If not, it prints the first wrong input, the expected result, the result of the attempt, and a
    hint. A stub (`...`, nothing, `NotImplementedError`) is "not written yet" and not an error, so
    that a notebook can run to its end before anything is solved.

    Args:
        attempt: the learner's function.
        reference: a correct function of the same arguments.
        *inputs: the arguments of each call; a tuple is several arguments, anything else is one.
        hint: advice for a wrong answer.
        slips: better hints for common wrong numbers, by the number.

    Raises:
        TypeError: the attempt is neither a function nor a stub.
        ValueError: inputs are missing.

    >>> def double(x):
    ...     return x * x
    >>> check(double, lambda x: x + x, 2.0, 3.0, hint="Add it to itself.", slips={9.0: "A square!"})
    double(3): expected 6, got 9.
    Hint: A square!
    >>> check(lambda x: 2 * x, lambda x: x + x, 2.0, 3.0, hint="Add it to itself.")
    your function passes: right for 2 of 2 inputs.
    >>> def double(x):
    ...     return ...
    >>> check(double, lambda x: x + x, 2.0, hint="Add it to itself.")
    double: not written yet.
    """
    if not inputs:
        raise ValueError("check needs one or more inputs, got none; pass the arguments of a call")
    checks.text("hint", hint)
    slips = {} if slips is None else slips
    checks.instance("slips", slips, Mapping, "a dictionary of wrong numbers and hints")
    print(_verdict(attempt, reference, inputs, hint, slips))


def _verdict(
    attempt: Answer, reference: Answer, inputs: Sequence[Any], hint: str, slips: Mapping[float, str]
) -> str:
    """Returns the text that `check` prints."""
    name = _name(attempt)
    if _is_stub(attempt):
        return f"{name}: not written yet."
    if not callable(attempt):
        raise TypeError(f"attempt must be the function that you wrote, got {checks.shown(attempt)}")
    if not callable(reference):
        raise TypeError(f"reference must be a function, got {checks.shown(reference)}")
    for given in inputs:
        arguments = given if isinstance(given, tuple) else (given,)
        call = f"{name}({', '.join(map(_shown, arguments))})"
        expected = reference(*copy.deepcopy(arguments))
        try:
            got = attempt(*copy.deepcopy(arguments))  # copied, because the attempt may change them
        except Exception as error:
            if _comes_from_a_stub(error):
                return f"{name}: not written yet."
            return f"{call} raises {type(error).__name__}: {error}\nHint: {hint}"
        if _is_stub(got):
            return f"{name}: not written yet."
        if got is None:
            return f"{name}: not written yet. {call} returns None: is there a `return`?"
        if not _is_same(got, expected):
            wanted, found = _shown_apart(expected, got)
            advice = _fitting(got, expected, hint, slips)
            return f"{call}: expected {wanted}, got {found}.\nHint: {advice}"
    return f"{name} passes: right for {len(inputs)} of {len(inputs)} inputs."


def _name(function: Any, without_one: str = "your function") -> str:
    name = getattr(function, "__name__", "<")
    return name if name.isidentifier() else without_one


# ---- stubs ---------------------------------------------------------------------------------------


def _is_stub(thing: Any) -> bool:
    """Returns whether it is `...`, or a list or tuple that contains one."""
    return thing is ... or (isinstance(thing, list | tuple) and any(x is ... for x in thing))


def _comes_from_a_stub(error: Exception) -> bool:
    """Returns whether the code failed at a `...`, which Python's message calls an ellipsis."""
    return isinstance(error, NotImplementedError) or "ellipsis" in str(error).lower()


# ---- comparing -----------------------------------------------------------------------------------


def _is_same(got: Any, expected: Any) -> bool:
    """Returns whether two answers are the same, number by number."""
    got, expected = _plain(got), _plain(expected)
    if isinstance(got, int | float) and isinstance(expected, int | float):
        # Adding in another order changes the last digits, a nudge differs from the slope by about
        # 1e-8, and a wrong formula by far more.
        return math.isclose(got, expected, rel_tol=1e-6, abs_tol=1e-9)
    if isinstance(got, list | tuple) and isinstance(expected, list | tuple):
        return len(got) == len(expected) and all(map(_is_same, got, expected))
    return type(got) is type(expected) and bool(got == expected)


_NEARLY = (
    "Close, but not exact. Is it a nudge to one side, or a rounded number? Use the formula: its "
    "answer is right to more digits."
)


def _fitting(got: Any, expected: Any, hint: str, slips: Mapping[float, str]) -> str:
    """Returns the hint for this wrong answer: of a known slip, of a nudge, or the general one."""
    otherwise = _NEARLY if _is_near(_plain(got), _plain(expected)) else hint
    return next((advice for wrong, advice in slips.items() if _is_same(got, wrong)), otherwise)


def _is_near(got: Any, expected: Any) -> bool:
    """Returns whether a number is off by as little as a nudge to one side, and not more."""
    if not (isinstance(got, int | float) and isinstance(expected, int | float)):
        return False
    return abs(got - expected) <= 1e-3 * max(abs(expected), 0.1)


def _plain(answer: Any) -> Any:
    """Returns the number of a `Value`, and the numbers of NumPy as Python's."""
    if isinstance(answer, Value):
        return answer.data
    return answer.tolist() if hasattr(answer, "tolist") else answer


# ---- showing -------------------------------------------------------------------------------------


def _shown_apart(expected: Any, got: Any) -> tuple[str, str]:
    """Returns both as texts, with enough digits to distinguish them."""
    short = _shown(expected), _shown(got)
    return short if short[0] != short[1] else (repr(expected), repr(got))


def _shown(answer: Any) -> str:
    """Returns the answer as a text: six digits instead of sixteen, names instead of addresses."""
    answer = _plain(answer)
    if isinstance(answer, float):
        return f"{answer:.6g}"
    if isinstance(answer, list | tuple):
        shown = ", ".join(map(_shown, answer))
        return f"[{shown}]" if isinstance(answer, list) else f"({shown})"
    return _name(answer, "a function") if inspect.isroutine(answer) else repr(answer)
