"""Lifts many random programs, and says on how many lifted equals eager.

    python -m tests.lifting 10000
"""

import random
import sys

from tests.lifting.programs import KINDS, agree


def main(count: int) -> int:
    """Returns the number of programs that differ, and prints the first ones."""
    different = 0
    for kind in KINDS:
        compared = wrong = 0
        for seed in range(count // len(KINDS)):
            try:
                compared += agree(kind(random.Random(seed)))
            except Exception as error:
                wrong += 1
                if different + wrong <= 3:
                    print(f"{kind.__name__} {seed}: {type(error).__name__}: {error}")
        print(f"{kind.__name__:8} {compared:7,} compared, {wrong} differ")
        different += wrong
    return different


if __name__ == "__main__":
    sys.exit(min(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300), 1))
