"""Which files of tests take longest: with `pytest -n`, workers take them first.

A worker runs whole files. If the last one is long, the others wait for it.
"""

from collections import Counter
from pathlib import Path
from typing import Protocol, TypeVar

ROOT = Path(__file__).parents[1]

# What waits longest for other processes, then what computes for some fifteen seconds and more.
LONGEST = (
    "tests/notebooks/test_notebooks.py",
    "tests/browser/test_course_in_a_browser.py",
    "tests/browser/test_every_page.py",
    "tests/browser/test_stepper_in_a_browser.py",
    "tests/browser/test_training_page.py",
    "tests/cli/test_signals.py",
    "tests/testing/test_opcheck.py",
    "tests/testing/test_fairness.py",
    "tests/cli/test_cli.py",
    "tests/lifting/test_net.py",
    "tests/cli/test_own_data_commands.py",
    "tests/draw/test_plots.py",
    "tests/test_public_api.py",
    "tests/draw/test_figures.py",
    "tests/lifting/test_certificate.py",
    "tests/lifting/test_c.py",
    "tests/draw/test_training_page.py",
    "tests/lifting/test_random_programs.py",
    "tests/testing/test_oracles.py",
    "tests/draw/test_groups.py",
    "tests/lifting/test_loops.py",
    "tests/testing/test_peers.py",
)


class HasPath(Protocol):
    """A test of pytest, as far as its place in line depends on it."""

    @property
    def path(self) -> Path:
        """The file that it is in."""


Test = TypeVar("Test", bound=HasPath)


def put_longest_first(items: list[Test]) -> None:
    """Sorts tests in place: long files, then files of many tests; a file's tests stay in order."""
    places = {ROOT / file: place for place, file in enumerate(LONGEST)}
    counts = Counter(item.path for item in items)

    def place(item: Test) -> tuple[int, int, str]:
        return places.get(item.path, len(places)), -counts[item.path], str(item.path)

    items.sort(key=place)
