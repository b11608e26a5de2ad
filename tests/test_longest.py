"""Long files of tests begin first, so that no worker is alone with one at the end."""

import random
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.longest import LONGEST, ROOT, put_longest_first


class Item(NamedTuple):
    path: Path
    name: int


@pytest.mark.parametrize("file", LONGEST)
def test_every_long_file_is_there(file: str) -> None:
    assert (ROOT / file).is_file()


def test_long_files_come_first_then_those_of_many_tests_and_none_is_torn() -> None:
    one, many = ROOT / "tests/test_one.py", ROOT / "tests/test_many.py"
    long, longer = ROOT / LONGEST[1], ROOT / LONGEST[0]
    expected = [Item(file, i) for file in (longer, long) for i in range(2)]
    expected += [*(Item(many, i) for i in range(5)), Item(one, 0)]
    files = sorted({item.path for item in expected}, key=lambda path: random.Random(0).random())
    items = [item for file in files for item in expected if item.path == file]
    put_longest_first(items)
    assert items == expected
