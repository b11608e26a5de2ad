"""What draws takes `each_graphviz` and runs with each Graphviz: pygraphviz's, and `dot`.

The others run once, with whichever Graphviz the machine has.
"""

import importlib.util
import shutil
from collections.abc import Iterator

import pytest

RENDERERS = {
    "pygraphviz": importlib.util.find_spec("pygraphviz") is not None,
    "dot": shutil.which("dot") is not None,
}
FOUND = [
    pytest.param(name, marks=pytest.mark.skipif(not there, reason=f"{name} is not installed"))
    for name, there in RENDERERS.items()
]


# Per module, so that property tests may use it.
@pytest.fixture(scope="module", params=FOUND)
def each_graphviz(request: pytest.FixtureRequest) -> Iterator[None]:
    """Lets the tests of a module find one Graphviz: where `dot` is hidden, pygraphviz draws."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "pygraphviz":
            patch.setenv("PATH", "")
        yield
