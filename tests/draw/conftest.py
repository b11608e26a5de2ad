"""Every test of the pictures runs with each Graphviz of this machine: pygraphviz's, and `dot`."""

import shutil
from collections.abc import Iterator

import pytest

HAS_DOT = shutil.which("dot") is not None


# Per module, so that property tests may use it. Where there is no `dot`, pygraphviz draws alone.
@pytest.fixture(scope="module", autouse=True, params=["pygraphviz"] + ["dot"] * HAS_DOT)
def graphviz(request: pytest.FixtureRequest) -> Iterator[None]:
    """Lets the tests of a module find one Graphviz: where `dot` is hidden, pygraphviz draws."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "pygraphviz":
            patch.setenv("PATH", "")
        yield
