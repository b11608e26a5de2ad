"""`train_on`: from your own data to a saved model and an honest score; `predict_csv` uses it.

The commands `train` and `predict` call them. The loop is in `loop.py`, the file in `saved_run.py`.
"""

import math
import os
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, NamedTuple

from micrograd_notes.common import checks
from micrograd_notes.nn import MLP
from micrograd_notes.train.csv_file import read_csv
from micrograd_notes.train.dataset import Dataset
from micrograd_notes.train.diagnosis import RISES, Finding, diagnose
from micrograd_notes.train.evaluation import predict
from micrograd_notes.train.history import History
from micrograd_notes.train.loop import fit
from micrograd_notes.train.optim import Adam
from micrograd_notes.train.recording import Recorder
from micrograd_notes.train.saved_run import Run, load_run
from micrograd_notes.train.scaling import Scaler


class Outcome(NamedTuple):
    """The history of a training, and right and given answers for the rows that were held out."""

    history: History
    right: list[Any]
    answers: dict[str, list[Any]]  # of the network, then of simpler models
    findings: Sequence[Finding] = ()

    def report(self) -> str:
        """Returns accuracies and a confusion matrix, or errors in the target's own units.

        The gravest finding of `diagnose` about the training comes last.
        """
        lines, network = [f"held out: {len(self.right)} rows"], self.answers["the network"]
        for name, answers in self.answers.items():
            pairs = list(zip(self.right, answers, strict=True))
            if isinstance(network[0], str):
                said = f"accuracy {sum(a == b for a, b in pairs) / len(pairs):.3f}"
            else:
                errors = [abs(a - b) for a, b in pairs]
                root = math.hypot(*errors) / math.sqrt(len(errors))  # no square overflows
                said = f"mean error {statistics.fmean(errors):.4g}, root mean square {root:.4g}"
            lines.append(f"  {name}: {said}")
        if isinstance(network[0], str):
            names = sorted({*self.right, *network})
            counts = Counter(zip(self.right, network, strict=True))
            table = [["", *names], *([a, *(counts[a, b] for b in names)] for a in names)]
            width = max(map(len, names)) + 2
            lines.append("right classes by row, the network's by column:")
            lines += ["".join(f"{cell:>{width}}" for cell in row) for row in table]
        return "\n".join([*lines, *(f"diagnosis: {finding}" for finding in self.findings[:1])])


def train_on(
    data: Dataset, path: str | os.PathLike[str], hidden: Sequence[int] = (16,), epochs: int = 100,
    seed: int = 0, lifted: bool | None = None, learning_rate: float = 0.01, **saving: Any,
) -> Outcome:
    """Trains a network with these hidden layers, saves it after each epoch, and measures it.

    A quarter of the rows is held out. A fifth of the others chooses the best epoch. The encoder,
    the scaler and the network see only the rest; so does a linear model, to compare with. `lifted`
    is True by default if NumPy is installed, and `saving` is `resume` and `progress` of `fit`.
    """
    checks.instance("data", data, Dataset, "a Dataset")
    hidden = [checks.whole_number("each of hidden", n) for n in checks.listed("hidden", hidden)]
    epochs = checks.whole_number("epochs", epochs)
    rate = checks.finite_number("learning_rate", learning_rate, 0, advice=". It is that of Adam")
    lifted = find_spec("numpy") is not None if lifted is None else lifted
    known, held_out = data.split(0.25, seed)
    learn, choose = known.split(0.2, seed)
    parts = [part._encoded_by(learn) for part in (learn, choose, held_out)]
    learn, choose, test = [part.standardized(by=parts[0]) for part in parts]
    encoder: Any = learn.encoder
    is_class, outputs = data.task == "classification", len(data.class_names) or 1
    if not is_class:
        scaler = Scaler().fit([[target] for target in learn.targets])
        encoder = replace(encoder, target_scaler=scaler)
        scaled = [scaler.transform([[y] for y in part.targets]) for part in (learn, choose)]
        learn = replace(learn, targets=[z for [z] in scaled[0]], encoder=encoder)
        choose = replace(choose, targets=[z for [z] in scaled[1]])

    def trained(widths: Sequence[int], **saving: Any) -> tuple[MLP, History]:
        model = MLP(len(learn.feature_names), [*widths, outputs], activation="tanh", seed=seed)
        optimizer = Adam(model.parameters(), lr=rate)
        return model, fit(
            model, learn, optimizer=optimizer, epochs=epochs, seed=seed, validation=choose,
            callback=Recorder(model, learn, math.ceil(epochs / 100)), lifted=lifted, **saving,
        )

    last, history = trained(hidden, checkpoint=path, **saving)
    # The saved model is that of the best epoch, so what happens after it does not matter.
    findings = [f for f in diagnose(last, learn, history) if f.fault != RISES]
    models = {"the network": load_run(path).model, "a linear model": trained((), progress=False)[0]}
    answers = {name: encoder.answers(predict(model, test)) for name, model in models.items()}
    if is_class:
        [same] = encoder.answers([statistics.mode(known.targets)])
    else:
        same = statistics.fmean(known.targets)
    answers[f"always {same if is_class else f'{same:.4g}, the mean'}"] = [same] * len(test)
    right = encoder.answers(held_out.targets) if is_class else held_out.targets
    return Outcome(history, right, answers, findings)


def predict_csv(run: Run, path: str | os.PathLike[str], **reading: Any) -> list[tuple[Any, Any]]:
    """Returns the line and the answer for each row in a CSV file, below their names.

    It is read like the training file where it can be read in two ways. `reading` is `header`,
    `delimiter`, `decimal` and `encoding` of `Dataset.from_csv`, where the file differs.

    Raises:
        ValueError: the file has other columns than the training data, or the run lacks an encoder.
    """
    checks.instance("run", run, Run, "what load_run returned")
    if (encoder := run.encoder) is None:
        raise ValueError("run must have the encoder of a Dataset, but was trained on plain lists")
    table = read_csv(path, {*encoder.columns, encoder.target}, usual=encoder.reading, **reading)
    lost = [name for name in encoder.columns if name not in table.columns]
    known = {*encoder.columns, encoder.target, *encoder.dropped}
    new = [name for name in table.columns if name not in known]
    if lost or new:
        said = [f"{what}: {', '.join(n)}" for what, n in (("missing", lost), ("new", new)) if n]
        said += ["add or rename what is missing"] * bool(lost)
        said += ["remove or rename what is new"] * bool(new)
        why = "; ".join(said)
        raise ValueError(f"{table.name} must have the columns of the training data; {why}")
    answers = encoder.answers(predict(run.model, encoder.inputs(table), task=encoder.task))
    lines = [place.rpartition(" ")[2] for place in table.places]
    return [("line", encoder.target), *zip(lines, answers, strict=True)]
