"""The tables of the mutation tests name files, tests and lines that are there."""

from tests.mutation import worker
from tests.mutation.equivalent import known_equivalents
from tests.mutation.mutants import room_of


def lines_of(file: str) -> str:
    """Returns the lines of a file with one space between them, as `Mutant.before` has them."""
    source = (worker.ROOT / file).read_text(encoding="utf-8")
    return " ".join(map(str.strip, source.splitlines()))


def test_every_mutated_file_and_its_tests_are_there() -> None:
    for file, stages in worker.TESTS.items():
        assert (worker.ROOT / file).is_file(), file
        for test in [*stages[0], *stages[1]]:
            assert (worker.ROOT / test).is_file(), f"{test}, which guards {file}"


def test_every_equivalent_mutant_changes_a_line_that_is_there() -> None:
    rooms: dict[str, str] = {}
    for file in worker.TESTS:
        rooms[room_of(file)] = rooms.get(room_of(file), "") + lines_of(file)
    for room, name, before, after in known_equivalents():
        assert before in rooms[room], f"{name}: {before}"
        assert before != after
