"""The notebooks begin to run when the tests do: see `running`."""

from typing import Any

import pytest

RUNS = pytest.StashKey[Any]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Starts the notebooks that some test wants to have been run."""
    tests = [item for item in session.items if isinstance(item, pytest.Function)]
    takers = [test for test in tests if "ran" in test.fixturenames]
    names = sorted({str(test.callspec.params["name"]) for test in takers})
    if names and not session.config.option.collectonly:
        from tests.notebooks.running import Runs

        session.stash[RUNS] = Runs(names)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if RUNS in session.stash:
        session.stash[RUNS].close()


@pytest.fixture
def ran(request: pytest.FixtureRequest, name: str) -> Any:
    """The notebook after its run; if a cell raised, every test that takes it shows the error."""
    return request.session.stash[RUNS].result(name)
