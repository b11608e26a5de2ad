"""What every test leaves behind: nothing in the table of operations. And how much tests draw."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from micrograd_notes import TABLE


def pytest_configure(config: pytest.Config) -> None:
    """Lets properties draw half as many examples as usual, unless long tests were asked for.

    Each run draws others, and what failed once is drawn first.
    """
    settings.register_profile("short", max_examples=50)
    if config.option.markexpr in ("not long", "quick"):
        settings.load_profile("short")


@pytest.fixture(autouse=True)
def rows_leave_the_table() -> Iterator[None]:
    """Rows that a test adds are not left to the random programs of other tests."""
    before = dict(TABLE)
    yield
    TABLE.clear()
    TABLE.update(before)
