"""Checks of the arguments of `operation(...)`, when a row is added and not when it is used."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from keyword import iskeyword
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.common.checks import is_number
from micrograd_notes.engine import facts

Rules = tuple[Any, ...] | Callable[..., Any]


def checked(
    name: Any,
    forward: Any,
    partials: Any,
    given: Mapping[str, Any],
    existing: Collection[str],
) -> Rules:
    """Returns the partials as a row keeps them; or raises and names what is wrong."""
    if not isinstance(name, str) or not name.isidentifier() or iskeyword(name):
        raise ValueError(f"an operation is named by an identifier like 'softsign', got {name!r}")
    if name in facts.BUILT_IN and name in existing:
        raise ValueError(
            f"{name!r} is a built-in operation and stays as it is; choose another name"
        )
    known = ["symbol", "method", "defaults", *[each.name for each in fields(facts.Facts)]]
    for unknown in [each for each in given if each not in known]:
        raise TypeError(f"operation() takes {', '.join(known)} and is_helper, got {unknown}=")
    for what in ("symbol", "method", "numpy"):
        if given.get(what) is not None:
            checks.text(f"{name}: {what}", given[what])
    for number in checks.listed(f"{name}: defaults", given["defaults"]):
        checks.finite_number(f"{name}: defaults", number)
    rules: Rules = partials  # one function, or one per operand
    if not callable(partials):
        listed: Sequence[Any] = checks.listed(f"{name}: partials", partials)
        rules = tuple(float(rule) if is_number(rule) else rule for rule in listed)
    _check_functions(name, forward, rules, given)
    _check_domain(name, given.get("domain", ()))
    return rules


def _check_functions(name: str, forward: Any, rules: Rules, given: Mapping[str, Any]) -> None:
    """Raises TypeError where a function takes other arguments than it will get."""
    if rules == ():
        raise TypeError(f"{name}: give one partial for each operand, got none")
    if callable(rules) and checks.takes(forward, 1) and not checks.takes(forward, 2):
        raise TypeError(
            f"{name}: partials are listed, one for each operand: write [partial]. One function, as "
            "given, is for an operation on any number of operands"
        )
    arity = len(rules) if isinstance(rules, tuple) else 2
    operands = ", ".join("xyz"[:arity] if arity <= 3 else [f"x{i + 1}" for i in range(arity)])
    checks.function(f"{name}: forward", forward, arity, f"({operands})")
    for rule in rules if isinstance(rules, tuple) else (rules,):
        if rule is not None and not isinstance(rule, float):
            checks.function(f"{name}: a partial", rule, arity + 1, f"(result, {operands})")
    for what in ("kinks", "scale"):
        if given.get(what) is not None:
            checks.function(f"{name}: {what}", given[what], arity, f"({operands})")
    counterpart = given.get("mpmath")
    if counterpart is not None and not isinstance(counterpart, str):
        checks.function(f"{name}: mpmath", counterpart, arity + 1, f"(mp, {operands})")


def _check_domain(name: str, domain: Any) -> None:
    """Raises TypeError where it is not an interval for each operand, as a lone one is not."""
    try:
        are_intervals = all(low <= high for low, high in domain)
    except (TypeError, ValueError):
        are_intervals = False
    if not are_intervals:
        raise TypeError(
            f"{name}: domain is a tuple of intervals, one per operand, as in "
            f"domain=((0.0, math.inf),), got {domain!r}"
        )
