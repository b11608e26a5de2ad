"""The tests of the engine run on both: the one that is written out, and the one that is read."""

from collections.abc import Iterator

import pytest

from micrograd_notes import engine

ON_BOTH = ("test_engine", "test_modes", "test_anomaly", "test_stand_ins")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.module.__name__.rpartition(".")[2] in ON_BOTH:
        metafunc.parametrize("which_engine", ["fast", "reference"], indirect=True)


@pytest.fixture(autouse=True)
def which_engine(request: pytest.FixtureRequest) -> Iterator[str]:
    which = getattr(request, "param", "fast")
    engine.use(which)
    yield which
    engine.use("fast")
