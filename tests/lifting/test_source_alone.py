"""The emitted source in a file of its own, with NumPy alone, trains as the scalars do."""

import subprocess
import sys
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("sklearn")

from micrograd_notes import MLP  # noqa: E402
from micrograd_notes.engine.functions import pick  # noqa: E402
from micrograd_notes.engine.ops import logsumexp  # noqa: E402
from micrograd_notes.lifting import lift  # noqa: E402
from micrograd_notes.train.data import digits  # noqa: E402

TRAINING = """

import sys

data = np.load("data.npz")
theta, order = data["theta"], np.random.default_rng(0)
for epoch in range(8):
    rows = order.permutation(len(data["X"]))
    for start in range(0, len(rows), 32):
        batch = rows[start : start + 32]
        loss, gradient = loss_and_gradient(theta, data["X"][batch], data["Y"][batch])
        theta -= 0.2 * gradient
W1, b1, W2, b2 = unpack(theta)
guesses = (np.maximum(data["held_out"] @ W1 + b1, 0) @ W2 + b2).argmax(1)
assert "micrograd_notes" not in sys.modules
print((guesses == data["labels"]).sum(), repr(loss))
"""


def test_pasted_into_a_file_it_trains_digits_alike(tmp_path: Path) -> None:
    train, held_out = digits().split(0.25, seed=0)
    model = MLP(64, [32, 10], seed=0)

    def loss(x: list[object], label: object) -> object:
        logits = model(x)
        return logsumexp(logits) - pick(logits, label)

    program = lift(loss, model)
    X, Y = np.array(train.inputs), np.array(train.targets)
    source = program.source_for(X[:1], Y[:1])
    (tmp_path / "alone.py").write_text(source + TRAINING, encoding="utf-8")
    np.savez(tmp_path / "data.npz", X=X, Y=Y, theta=program.parameters(),
             held_out=np.array(held_out.inputs), labels=np.array(held_out.targets))
    printed = subprocess.run(
        [sys.executable, "-I", "alone.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.split()

    theta, order = program.parameters(), np.random.default_rng(0)
    for _ in range(8):
        rows = order.permutation(len(X))
        for start in range(0, len(rows), 32):
            batch = rows[start : start + 32]
            value, gradient = program.value_and_grad(theta, X[batch], Y[batch])
            theta -= 0.2 * gradient
    program.load(theta)
    guesses = lift(model)(np.array(held_out.inputs)).argmax(1)
    right = int((guesses == held_out.targets).sum())
    assert printed == [str(right), f"np.float64({value!r})"]  # the same bits
    assert right > 0.93 * len(held_out)
