"""`load_run`: a training run in a file, to predict with or to resume; `fit` writes it.

The file is a model file (see `nn/saving.py`) with one entry more: the optimiser, the history, the
parameters after the last epoch, the encoder of the data, and what else decides the numbers. The
order of the examples follows from the seed and the number of epochs. Read `own_data.py` next.
"""

import hashlib
import json
import math
import os
from itertools import groupby
from typing import Any, NamedTuple

from micrograd_notes.common.files import as_path
from micrograd_notes.nn import MLP
from micrograd_notes.nn.saving import VERSION_OF_RUN, layers_of, read_document, write_document
from micrograd_notes.train.optim import Optimizer
from micrograd_notes.train.table import Encoder

__all__ = ["Run", "load_run"]


class Run(NamedTuple):
    """A training run. `model` is the best by validation loss; without validation, the last one.

    `epochs` are those of the history, `encoder` is that of the data, or None, and `state` is what
    `fit` needs to resume.
    """

    model: MLP
    epochs: list[dict[str, Any]]
    encoder: Encoder | None
    state: dict[str, Any]


def load_run(path: str | os.PathLike[str]) -> Run:
    """Returns the training run that `fit(..., checkpoint=path)` saved.

    Raises:
        ValueError: the file is not a saved run, or was changed after it was saved.
        OSError: the file cannot be read.

    >>> import tempfile
    >>> from micrograd_notes import data, fit
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model, file = MLP(2, [3, 1], activation="tanh", seed=0), folder + "/run.json"
    ...     history = fit(model, data.xor(), epochs=2, progress=False, checkpoint=file)
    ...     run = load_run(file)
    >>> run.model([1.0, 0.0]).data == model([1.0, 0.0]).data, len(run.epochs)
    (True, 2)
    """
    model, saved = read_document(path, VERSION_OF_RUN)
    try:
        encoder = saved["encoder"] and Encoder.from_dict(saved["encoder"])
        return Run(model, _numbers(saved["epochs"]), encoder, saved["state"])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{path} can't be loaded: its run is not complete: {error!r}") from error


class RunKeeper:
    """Saves a run of `fit` after each epoch, or restores it. `facts` decide its numbers."""

    def __init__(
        self, path: Any, model: Any, optimizer: Optimizer, encoder: Any, examples: Any, **facts: Any
    ) -> None:
        self.path, self.model, self.optimizer = as_path(path, "checkpoint"), model, optimizer
        if self.path.is_dir() or not self.path.absolute().parent.is_dir():
            given = str(path)
            raise ValueError(f"checkpoint must be a file in a folder that exists, got {given!r}")
        self.encoder: Encoder | None = encoder
        loss = getattr(facts["loss"], "__qualname__", type(facts["loss"]).__name__)
        numbers = json.dumps(examples, default=lambda value: value.data).encode()
        data, kind = hashlib.blake2b(numbers, digest_size=16).hexdigest(), type(optimizer).__name__
        began = json.loads(json.dumps(optimizer.state_dict()["options"]))  # before a schedule
        self.facts = {**facts, "loss": loss, "optimizer": kind, "data": data, "began": began}
        self.layers = layers_of(model)  # an error comes before the training

    def save(self, epochs: list[dict[str, Any]], backend: str) -> None:
        """Writes the run, and what ran it. Its model is that of the first best epoch."""
        losses = [logs.get("validation_loss", 0.0) for logs in epochs]
        if "validation_loss" not in epochs[-1] or min(losses[:-1], default=math.inf) > losses[-1]:
            self.layers = layers_of(self.model)
        state = self.optimizer.state_dict()
        last = [parameter.data for parameter in self.model.parameters()]
        memories = list(map(_texts, state["memories"]))
        run = {
            "encoder": self.encoder and self.encoder.to_dict(),
            "epochs": list(map(_texts, epochs)),
            "state": {
                **self.facts, **state, "memories": memories, "last": last, "backend": backend
            },
        }
        write_document(self.path, {"layers": self.layers, "run": run}, VERSION_OF_RUN)

    def resumed(self, epochs: int) -> list[dict[str, Any]]:
        """Gives model and optimiser the numbers of the saved run, and returns its epochs."""
        run = load_run(self.path)
        then = {"began": run.state["options"], **run.state, "model": _layers(run.model)}
        now = {**self.facts, "model": _layers(self.model)}
        pairs = [(name, then.get(name), now[name]) for name in now if name != "began"]
        pairs += [(name, then["began"].get(name), given) for name, given in now["began"].items()]
        for name, had, given in pairs:
            if had != given:
                what = f"which has {had!r}, got {given!r}"
                if name == "data":  # of which a run has only a hash
                    what = "but some examples, or validation data, are others"
                raise ValueError(
                    f"resume needs the same {name} as the run in {self.path}, {what}; "
                    "give what the run had, or leave out resume=True to train anew"
                )
        if len(run.epochs) > epochs:
            raise ValueError(f"resume from epoch {len(run.epochs)} needs more epochs, got {epochs}")
        options, memories = run.state["options"], _numbers(run.state["memories"])
        self.optimizer.load_state_dict({"options": options, "memories": memories})
        for parameter, number in zip(self.model.parameters(), run.state["last"], strict=True):
            parameter.data = number
        self.layers = layers_of(run.model)
        return run.epochs


def _layers(model: MLP) -> str:
    """Returns the neurons of each layer, with the number of those that are alike."""
    alike = [[(n, len([*same])) for n, same in groupby(map(repr, layer.neurons))]
             for layer in model.layers]
    return ", ".join(" and ".join(f"{size} {n}" for n, size in layer) for layer in alike)


def _texts(entries: dict[str, Any]) -> dict[str, Any]:
    """Returns the numbers among the entries, as texts if they are infinite."""
    numbers = {name: x for name, x in entries.items() if isinstance(x, int | float)}
    return {name: x if math.isfinite(x) else str(x) for name, x in numbers.items()}


def _numbers(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns dictionaries with numbers instead of their texts."""
    return [{k: float(x) if isinstance(x, str) else x for k, x in each.items()} for each in listed]
