"""The notebooks begin to run when the tests do: see `running`."""

from typing import Any

import pytest

RUNS = pytest.StashKey[Any]()
TAKE_LONG = ("04", "05", "06", "07", "08", "09", "10", "13", "14")  # they train networks
collect_ignore = ["promises"]  # not modules: they run in the kernels of the notebooks


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs of notebooks that take long are left to `pytest -m long`; all else is tested always."""
    for item in items:
        if not isinstance(item, pytest.Function) or "ran" not in item.fixturenames:
            continue
        if str(item.callspec.params["name"]).startswith(TAKE_LONG):
            item.add_marker("long")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Starts the notebooks that some test wants to have been run.

    With `pytest -n`, every worker collects every test, and one of them gets those of the notebooks:
    it starts them when it comes to the first.
    """
    if not session.config.option.collectonly and not hasattr(session.config, "workerinput"):
        _start(session)


def _start(session: pytest.Session) -> Any:
    if RUNS not in session.stash:
        tests = [item for item in session.items if isinstance(item, pytest.Function)]
        takers = [test for test in tests if "ran" in test.fixturenames]
        if names := sorted({str(test.callspec.params["name"]) for test in takers}):
            from tests.notebooks.running import Runs

            session.stash[RUNS] = Runs(names)
    return session.stash.get(RUNS, None)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if RUNS in session.stash:
        session.stash[RUNS].close()


@pytest.fixture
def ran(request: pytest.FixtureRequest, name: str) -> Any:
    """The notebook after its run; if a cell raised, every test that takes it shows the error."""
    return _start(request.session).result(name)
