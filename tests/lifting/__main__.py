"""Lifts many random programs, and says on how many lifted equals eager.

    python -m tests.lifting 10000
    python -m tests.lifting 10000 jax      # the program for JAX equals NumPy's, op by op
    python -m tests.lifting 300 jit        # and compiled
    python -m tests.lifting 1000 jax 3000  # in pieces: the 1,000 programs after the first 3,000
    python -m tests.lifting 10000 c        # run by C, where it can be printed; also in pieces
"""

import random
import sys
from collections import Counter
from collections.abc import Callable

from tests.lifting.programs import KINDS, Expected, Program, agree, agree_in_jax, held

MODES: dict[str, Callable[[Program], bool]] = {
    "eager": agree,
    "jax": agree_in_jax,
    "jit": lambda program: agree_in_jax(program, jits=True),
}


def main(count: int, mode: str = "eager", after: str = "0") -> int:
    """Returns the number of programs that differ, and prints the first ones."""
    different, first = 0, int(after) // len(KINDS)
    for kind in KINDS:
        compared = wrong = 0
        for seed in range(first, first + count // len(KINDS)):
            try:
                compared += MODES[mode](kind(random.Random(seed)))
            except Exception as error:
                wrong += 1
                if different + wrong <= 3:
                    print(f"{kind.__name__} {seed}: {type(error).__name__}: {error}")
        print(f"{kind.__name__:8} {compared:7,} compared, {wrong} differ")
        different += wrong
    return different


AT_ONCE = 50  # programs in a file


def main_in_c(count: int, after: str = "0") -> int:
    """Returns the number of programs that differ when C runs them, and prints the first ones."""
    from micrograd_notes.lifting.codegen import CannotPrint
    from tests.lifting.in_c import all_called, body_of

    different = 0
    for kind in KINDS:
        tally = Counter[str]()
        seeds = [int(after) // len(KINDS) + k for k in range(count // len(KINDS))]
        for first in range(0, len(seeds), AT_ONCE):
            programs: list[Expected] = []
            for seed in seeds[first : first + AT_ONCE]:
                expected = held(kind(random.Random(seed)))
                if expected is None:
                    continue
                try:
                    body_of(expected.lifted)
                    programs.append(expected)
                except CannotPrint as error:
                    tally[f"not printed, as {error}"] += 1
            results = all_called([(each.lifted, each.data) for each in programs], times=50)
            for expected, result in zip(programs, results, strict=True):
                if result is None:
                    tally["left to NumPy"] += 1
                    continue
                try:
                    expected.hold(*result)
                    tally["agree"] += 1
                except AssertionError as error:
                    tally["differ"] += 1
                    print(f"{kind.__name__}: {error}" if different + tally["differ"] <= 3 else "")
        print(f"{kind.__name__:11}", ", ".join(f"{n:,} {what}" for what, n in tally.items()))
        different += tally["differ"]
    return different


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    run = main_in_c if sys.argv[2:3] == ["c"] else main
    wrong = run(wanted, *sys.argv[3 if run is main_in_c else 2 : 4])
    sys.exit(min(wrong, 1))
