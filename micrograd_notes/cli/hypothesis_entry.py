"""What Hypothesis calls when it is imported: it learns how our types are drawn.

So `from_type(Value)`, and a test whose argument is annotated as a `Value`, need no import of our
strategies. `pyproject.toml` names `register` as an entry point of the group "hypothesis".

Every program that imports Hypothesis pays for what is done here, and fails if it fails. So a type
is registered with a function that imports the strategies when it is first asked for. What is
imported now is the package, standard library and graphviz: no NumPy, and nothing of `testing`,
which needs more than may be installed. It is no plugin of pytest, which would import the package
before coverage is measured: Hypothesis comes with the first test that imports it.
"""

from collections.abc import Callable
from typing import Any


def register() -> None:
    """Registers how values, neurons, layers and networks are drawn.

    A `Program` is registered by `testing.strategies`.

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
    """Returns what makes one of our strategies, once a type is asked for."""

    def strategy(type_: Any) -> Any:
        from micrograd_notes.testing.programs import strategies

        return getattr(strategies, name)(*arguments)

    return strategy
