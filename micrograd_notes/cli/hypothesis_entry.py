"""`register`: gives Hypothesis strategies for `Value`s, neurons, layers and networks.

Hypothesis calls it when it is imported, because `pyproject.toml` lists it as an entry point of the
group "hypothesis". `from_type(Value)` then works without importing our strategies, which are in
`testing/programs/strategies.py`; read that file next.

Every program that imports Hypothesis runs this file, so it imports only the package itself, and
the strategies (which need NumPy and mpmath) when a type is first used. A pytest plugin would be
imported before coverage starts, so this is an entry point of Hypothesis instead.
"""

from collections.abc import Callable
from typing import Any


def register() -> None:
    """Registers strategies for values, neurons, layers and networks.

    `testing.programs.strategies` registers `Program` itself.

    >>> from hypothesis import find, strategies as st
    >>> from micrograd_notes import Value
    >>> find(st.from_type(Value), lambda x: x.data > 0)
    Value(data=1.0, grad=0.0)
    """
    from hypothesis.strategies import register_type_strategy

    from micrograd_notes.engine import Value
    from micrograd_notes.nn import MLP, Layer, Module, Neuron

    register_type_strategy(Value, _later("values"))
    register_type_strategy(Module, _later("modules"))
    for kind in (Neuron, Layer, MLP):
        register_type_strategy(kind, _later("modules", [kind]))


def _later(name: str, *arguments: Any) -> Callable[[Any], Any]:
    """Returns a function that makes one of our strategies when Hypothesis first needs it."""

    def strategy(type_: Any) -> Any:
        from micrograd_notes.testing.programs import strategies

        return getattr(strategies, name)(*arguments)

    return strategy
