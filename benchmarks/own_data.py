"""The same networks on the same tables: ours, scikit-learn's and PyTorch's, scores and times.

    python -m pip install torch                   # the peer; scikit-learn is in the extra `data`
    python benchmarks/own_data.py                 # minutes; --seeds 2 for a look

All have the same sizes, activation, batches, learning rate and number of epochs, and Adam. Inputs
are standardized by the training part, and so are the targets of a regression. A score is the
held-out accuracy, or R2 of a regression, its mean and standard deviation over the seeds; each seed
splits the table anew. Times are the processor time of `fit` alone, which other programs on the
machine change little: the median over the seeds, as ratios to scikit-learn's. Ours is also printed
for the first seed, whose `fit` lifts the program that the others use again.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn import datasets, neural_network
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from micrograd_notes import MLPClassifier, MLPRegressor

RATE, BATCH = 0.005, 32


class Table(NamedTuple):
    name: str
    load: Callable[[], tuple[Any, Any]]
    hidden: tuple[int, ...]
    epochs: int
    is_regression: bool = False


def made() -> tuple[Any, Any]:
    X, y = datasets.make_classification(20_000, 50, n_informative=10, random_state=0)
    return X, y


TABLES = (
    Table("wine", lambda: datasets.load_wine(return_X_y=True), (16,), 50),
    Table("breast cancer", lambda: datasets.load_breast_cancer(return_X_y=True), (16,), 50),
    Table("diabetes", lambda: datasets.load_diabetes(return_X_y=True), (16,), 30, True),
    Table("digits", lambda: datasets.load_digits(return_X_y=True), (32,), 50),
    Table("20,000 x 50", made, (32,), 10),
)


def ours(table: Table, X: Any, y: Any, seed: int) -> Any:
    kind = MLPRegressor if table.is_regression else MLPClassifier
    return kind(
        table.hidden, learning_rate_init=RATE, batch_size=BATCH, max_iter=table.epochs,
        n_iter_no_change=table.epochs, random_state=seed,
    ).fit(X, y)


def scikit_learn(table: Table, X: Any, y: Any, seed: int) -> Any:
    peer = neural_network
    kind = peer.MLPRegressor if table.is_regression else peer.MLPClassifier
    return kind(
        hidden_layer_sizes=table.hidden, learning_rate_init=RATE, batch_size=BATCH, alpha=0.0,
        max_iter=table.epochs, n_iter_no_change=table.epochs, random_state=seed,
    ).fit(X, y)


class OfTorch:
    """A PyTorch loop as one writes it, in float32, PyTorch's default."""

    def __init__(self, table: Table, X: Any, y: Any, seed: int) -> None:
        torch.manual_seed(seed)
        self.is_regression = table.is_regression
        outputs = 1 if table.is_regression else len(np.unique(y))
        sizes = [X.shape[1], *table.hidden]
        parts: list[Any] = []
        for nin, nout in pairwise(sizes):
            parts += [torch.nn.Linear(nin, nout), torch.nn.ReLU()]
        self.model = torch.nn.Sequential(*parts, torch.nn.Linear(sizes[-1], outputs))
        inputs = torch.tensor(X, dtype=torch.float32)
        kind = torch.float32 if table.is_regression else torch.int64
        targets = torch.tensor(y, dtype=kind)
        targets = targets[:, None] if table.is_regression else targets
        loss = torch.nn.MSELoss() if table.is_regression else torch.nn.CrossEntropyLoss()
        adam = torch.optim.Adam(self.model.parameters(), lr=RATE)
        for _ in range(table.epochs):
            order = torch.randperm(len(inputs))
            for start in range(0, len(order), BATCH):
                batch = order[start : start + BATCH]
                adam.zero_grad()
                loss(self.model(inputs[batch]), targets[batch]).backward()
                adam.step()

    def predict(self, X: Any) -> Any:
        with torch.no_grad():
            outputs = self.model(torch.tensor(X, dtype=torch.float32)).numpy()
        return outputs[:, 0] if self.is_regression else outputs.argmax(1)


PEERS = {"ours": ours, "scikit-learn": scikit_learn, "PyTorch": OfTorch}


def run(table: Table, seeds: int) -> str:
    """Returns the line of a table."""
    X, y = table.load()
    scores: dict[str, list[float]] = {name: [] for name in PEERS}
    times: dict[str, list[float]] = {name: [] for name in PEERS}
    for seed in range(seeds):
        stratify = None if table.is_regression else y
        parts = train_test_split(X, y, test_size=0.25, random_state=seed, stratify=stratify)
        inputs, held_inputs, targets, held_targets = parts
        scaler = StandardScaler().fit(inputs)
        inputs, held_inputs = scaler.transform(inputs), scaler.transform(held_inputs)
        if table.is_regression:
            mean, deviation = targets.mean(), targets.std()
            targets, held_targets = (targets - mean) / deviation, (held_targets - mean) / deviation
        score = r2_score if table.is_regression else accuracy_score
        for name, peer in PEERS.items():
            start = time.process_time()
            model = peer(table, inputs, targets, seed)
            times[name].append(time.process_time() - start)
            scores[name].append(score(held_targets, model.predict(held_inputs)))
    base = statistics.median(times["scikit-learn"])
    of_scores = "".join(
        f"{statistics.mean(s):9.3f} ± {statistics.pstdev(s):.3f}" for s in scores.values()
    )
    return f"{table.name:<15}{of_scores}" + "".join(
        f"{seconds / base:11.2f}"
        for seconds in (
            times["ours"][0], statistics.median(times["ours"]),
            statistics.median(times["PyTorch"]), base,
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    seeds = parser.parse_args().seeds
    warnings.simplefilter("ignore")  # scikit-learn warns that the epochs are few
    torch.set_num_threads(1)  # these batches are small, and more threads are slower
    print(f"{seeds} seeds; held-out scores, and times of fit as ratios to scikit-learn's")
    heads = ["ours", "scikit-learn", "PyTorch"]
    print(f"{'':<15}" + "".join(f"{head:>17}" for head in heads) + f"{'ours, first':>12}"
          + "".join(f"{head:>11}"[-11:] for head in ("ours", "PyTorch", "sklearn")))
    for table in TABLES:
        print(run(table, seeds), flush=True)


if __name__ == "__main__":
    main()
