"""What every test leaves behind: nothing in the table of operations."""

from collections.abc import Iterator

import pytest

from micrograd_notes import TABLE


@pytest.fixture(autouse=True)
def rows_leave_the_table() -> Iterator[None]:
    """Rows that a test adds are not left to the random programs of other tests."""
    before = dict(TABLE)
    yield
    TABLE.clear()
    TABLE.update(before)
