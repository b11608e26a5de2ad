"""Mutation testing: small faults are put into the core, one at a time, and the tests must notice.

    python -m tests.mutation

The mutants are made by Cosmic Ray; `mutants` chooses which kinds. `__main__` runs the tests of each
in a copy of the tree, never in the tree itself. A mutant that no test can notice, because it
computes the same, stands in `equivalent.toml` with the reason, and `same_bits` checks that reason
on 10,000 inputs. None of this is part of the test suite: it takes an hour of two free cores.
"""
