"""The same bits on every version of Python that the README promises.

From Python 3.12 on the built-in `sum` makes up for the roundings of floats, and of nothing else. So
the package adds floats with `accurate.total` (from left to right) or `math.fsum` (exactly), and
calls `sum` only for what has no roundings, or is not a float. Everything else that it takes from
`math` and `random` gives the same bits on 3.11, 3.12 and 3.13.
"""

import ast
import math
import random
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

import micrograd_notes
from micrograd_notes import Value
from micrograd_notes.engine import functions
from micrograd_notes.engine.accurate import total
from micrograd_notes.nn.vectors import dot

PACKAGE = Path(micrograd_notes.__file__).parent

EXACT = {
    # whole numbers
    "draw/graph/view.py": ["box.stands_for"],
    "draw/graph/grouping.py": ["size[o]"],
    "testing/operations.py": ["self.verdicts[v]", "self.verdicts.values()"],
    "cli/main.py": ["outcome.fails"],  # True or False
    "common/checks.py": ["x"],  # only whether it is finite
    "draw/stepper/backward.py": ["value.requires_grad and bool(value.operands)"],
    "draw/training/page.py": ["number < low or number > high"],
    "train/evaluation.py": ["map(operator.eq, map(chosen_class, outputs), labels)"],
    "lifting/arrays/axes.py": ["s * int(i)", "grown"],
    "lifting/codegen/buffered/pool.py": ["calls.size"],
    "lifting/codegen/c/emit.py": ["array.size"],
    "lifting/codegen/c/evaluate.py": ["map(self._is_product, terms)"],
    "lifting/codegen/c/frame.py": ["array.size"],
    "lifting/sizes/check.py": ["operations(each)"],
    "lifting/sizes/family.py": ["e.values()", "sum"],
    "lifting/sizes/small.py": ["map(prod, shapes)"],
    "lifting/typed/expressions.py": ["each.shape[-1]"],
    "lifting/sizes/program.py": ["array.size"],
    # fractions, and numbers with many digits
    "testing/numbers/quotients.py": ["corners"],
    "testing/oracles/independent.py": ["map(abs, terms)"],
    "testing/oracles/paths.py": ["terms[index]"],
    "engine/facts.py": ["x"],  # of mpmath
    "lifting/sizes/formulas.py": [
        "map(abs, each)",
        "[k * sizes[name] for name, k in self.multiples]",
    ],
    # `Value`s, one of which is the start or each of which is a result
    "nn/layers.py": ["wi * xi"],
    "gpt.py": ["losses"],
}
"""What `sum` may add, by file; the comments say why it has the same bits everywhere."""


def sums(path: Path) -> Iterator[tuple[int, ast.expr]]:
    """Yields line and summand of each call of the built-in `sum`, and where it is handed on."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = {node.func: node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "sum":
            given = called[node].args[0] if node in called else node
            yield node.lineno, given.elt if isinstance(given, ast.GeneratorExp) else given


def counts(summand: ast.expr) -> bool:
    """Returns whether it is seen to be a whole number: a comparison, or a length."""
    is_length = isinstance(summand, ast.Call) and ast.unparse(summand.func) == "len"
    return isinstance(summand, ast.Compare) or is_length


def test_nothing_in_the_package_adds_floats_with_sum() -> None:
    found = [
        f"{name}:{line} adds {ast.unparse(summand)} with the built-in sum; call accurate.total"
        for path in sorted(PACKAGE.rglob("*.py"))
        for name in [path.relative_to(PACKAGE).as_posix()]
        for line, summand in sums(path)
        if not counts(summand) and ast.unparse(summand) not in EXACT.get(name, [])
    ]
    assert found == []


def test_the_list_of_what_may_be_added_is_not_longer_than_needed() -> None:
    stale = {
        (name, summand)
        for name, summands in EXACT.items()
        for summand in summands
        if summand not in {ast.unparse(given) for _, given in sums(PACKAGE / name)}
    }
    assert stale == set()


def test_nothing_in_the_package_calls_what_only_newer_pythons_have() -> None:
    """`math.sumprod` is from 3.12, `math.fma` from 3.13; what they round differs from * and +."""
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "sumprod" not in text, path
        assert "fma(" not in text, path


def test_total_adds_from_left_to_right() -> None:
    """The plainest loop has the same bits, for floats, whole numbers between them, and Values."""
    generator = random.Random(0)
    for _ in range(300):
        numbers: list[float] = [
            generator.choice([1, generator.gauss(0.0, 1.0) * 10.0 ** generator.randint(-9, 9)])
            for _ in range(generator.randint(0, 8))
        ]
        expected = 0.0
        for number in numbers:
            expected += number
        assert total(numbers) == expected
        assert total(numbers[1:], numbers[0] if numbers else 0) == expected
        if numbers:
            assert total([Value(number) for number in numbers]).data == expected
    assert total([Fraction(1, 3)] * 3) == 1
    assert total([]) == 0


def test_total_does_not_make_up_for_what_is_lost() -> None:
    assert total([1.0, 1e100, 1.0, -1e100]) == 0.0
    assert math.isnan(total([math.inf, -math.inf]))


@pytest.mark.parametrize(
    "xs", [(0.9645011448098711, 7.39e-07, 4.82e-04), (0.1,) * 10, (3.0, 1e-9, -2.0, 2.5, 0.3)]
)
def test_shares_and_products_have_the_same_bits_for_floats_as_for_values(
    xs: tuple[float, ...],
) -> None:
    values = [Value(x) for x in xs]
    assert functions.softmax(list(xs)) == [share.data for share in functions.softmax(values)]
    assert dot(xs, xs[::-1]) == dot(values, values[::-1]).data
