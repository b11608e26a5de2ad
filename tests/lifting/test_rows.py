"""Long rows: parted, a tree says what it said in one row, whatever operators it has."""

import ast
from importlib.util import find_spec
from itertools import product
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes import Value, lift, pick  # noqa: E402
from micrograd_notes.lifting.codegen.rows import wrapped  # noqa: E402
from micrograd_notes.nn.vectors import dot  # noqa: E402

BINARY = [kind() for kind in ast.operator.__subclasses__()]
UNARY = [kind() for kind in ast.unaryop.__subclasses__()]
COMPARED = [kind() for kind in ast.cmpop.__subclasses__()]
NAMES: list[ast.expr] = [ast.Name(letter * 20) for letter in "abcd"]
INNER: list[ast.expr] = [
    *[ast.BinOp(NAMES[0], op, NAMES[1]) for op in BINARY],
    *[ast.UnaryOp(op, NAMES[0]) for op in UNARY],
    *[ast.Compare(NAMES[0], [op], [NAMES[1]]) for op in COMPARED],
    ast.BoolOp(ast.And(), NAMES[:2]), ast.IfExp(*NAMES[:3]), ast.Call(NAMES[0], NAMES[1:3], []),
]


FEW: list[ast.operator] = [ast.Add(), ast.Sub(), ast.Mult(), ast.Pow(), ast.BitAnd()]


def outer(inner: ast.expr, name: ast.expr, binary: list[ast.operator]) -> list[ast.expr]:
    pairs = (inner, name), (name, inner)
    return [
        *[ast.BinOp(left, op, right) for (left, right), op in product(pairs, binary)],
        *[ast.Compare(left, [ast.Lt()], [right]) for left, right in pairs],
        *[ast.UnaryOp(op, inner) for op in UNARY],
    ]


@pytest.mark.parametrize("inner", INNER, ids=ast.unparse)
def test_a_tree_in_rows_is_the_tree(inner: ast.expr) -> None:
    assert len(BINARY) >= 13
    for middle in outer(inner, NAMES[2], BINARY):
        for tree in (middle, *outer(middle, NAMES[3], FEW)):
            rows = wrapped("x =", tree, "", 40)
            assert len(rows) > 1 or len(rows[0]) <= 40 or isinstance(tree, ast.UnaryOp)
            expected = ast.parse(f"x = {ast.unparse(tree)}")
            assert ast.dump(ast.parse("\n".join(rows))) == ast.dump(expected), "\n".join(rows)


@pytest.mark.parametrize("length", [20, 40, 60])
def test_no_row_is_too_long_where_names_are_long(length: int) -> None:
    names = [f"the_{k}_{'x' * length}" for k in range(3)]
    weights = {"w": [Value(0.1 * k) for k in range(6)]}
    given: dict[str, Any] = {"pick": pick, **weights}
    exec(
        f"def loss({', '.join(names)}):\n"
        f"    return pick(w, {names[0]}) * pick(w, {names[1]}) * w[0] * {names[2]}", given,
    )
    program = lift(given["loss"], parameters=weights)
    data = np.array([0, 1, 5]), np.array([3, 2, 5]), np.ones(3)
    loss = program(*data)
    sources = [program.source]
    if find_spec("jax"):
        sources.append(program.jax().source_for(*data))
        assert program.jax()(program.parameters(), *data) == pytest.approx(loss)
    for source in sources:
        assert max(map(len, source.splitlines())) <= 100, source


def test_the_comment_of_ones_names_an_array_only_if_it_fits() -> None:
    w, b = [[Value(0.1 * (i + j)) for j in range(3)] for i in range(2)], [Value(0.1), Value(0.2)]

    def loss(x: Any) -> Any:
        activation_of_the_first_layer_of_this_model = [
            dot(row, x) + c for row, c in zip(w, b, strict=True)
        ]
        return sum(z.tanh() ** 2 for z in activation_of_the_first_layer_of_this_model)

    program = lift(loss, parameters={"w": w, "b": b})
    program([[1.0, 2.0, 3.0], [0.5, 1.0, -1.0]])
    assert "ones = np.ones(n)  # ones @ a is a.sum(axis=0), and faster" in program.source
    assert "ones @ dactivation_of" in program.source
