"""Saving: a network as a JSON file that a person can read, and back again to the last bit.

The file holds the format's name and version, the sizes, the activation, and the parameters under
PyTorch's names, one neuron a line. Python writes a float with as many digits as it takes to read
the same float again.

This file knows the format. It knows no training: an optimiser's memory is not saved with a model.
"""

import json
import math
import os
from pathlib import Path
from typing import Any

from micrograd_notes.files import write_whole
from micrograd_notes.nn import MLP
from micrograd_notes.op import TABLE, Op

__all__ = ["load_model", "save_model"]

FORMAT = "micrograd_notes.MLP"
VERSION = 1
ENTRIES = ("format", "version", "sizes", "activation", "parameters")

PathLike = str | os.PathLike[str]


def save_model(model: MLP, path: PathLike) -> None:
    """Writes an MLP to a JSON file, which `load_model` reads. A file that is there is replaced.

    Raises:
        TypeError: the model is no MLP; `state_dict()` gives the numbers of any module.
        ValueError: a parameter is not finite, or the activations are not one of the table's.
        OSError: the file cannot be written. What was there before is there still.

    >>> import tempfile
    >>> model = MLP(2, [1, 1], activation="tanh")
    >>> model.load_state_dict({
    ...     "layers.0.weight": [[0.5, -0.25]], "layers.0.bias": [0.1],
    ...     "layers.1.weight": [[2.0]], "layers.1.bias": [-1.0],
    ... })
    LoadResult(missing_keys=[], unexpected_keys=[])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.json"
    ...     save_model(model, path)
    ...     print(path.read_text())
    ...     load_model(path)
    {
      "format": "micrograd_notes.MLP",
      "version": 1,
      "sizes": [2, 1, 1],
      "activation": "tanh",
      "parameters": {
        "layers.0.weight": [
          [0.5, -0.25]
        ],
        "layers.0.bias": [0.1],
        "layers.1.weight": [
          [2.0]
        ],
        "layers.1.bias": [-1.0]
      }
    }
    <BLANKLINE>
    MLP of [Layer of [TanhNeuron(2)], Layer of [LinearNeuron(1)]]
    """
    write_whole(path, (_pretty(_document(model)) + "\n").encode())


def load_model(path: PathLike) -> MLP:
    """Returns the MLP that `save_model` wrote.

    Raises:
        ValueError: the file is no saved model, or an entry is missing, unexpected or misshapen.
        OSError: the file cannot be read.
    """
    content = Path(path).read_bytes()
    try:
        document = json.loads(content, parse_constant=_refuse_constant, parse_float=_finite)
        return _model(document)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{os.fspath(path)} holds no saved model: {error}") from error


# ---- the format ----------------------------------------------------------------------------------


def _document(model: MLP) -> dict[str, Any]:
    """Returns the model as plain data, if a model that is built from it is the same again."""
    if type(model) is not MLP:
        raise TypeError(
            f"save_model saves an MLP, got {type(model).__name__}; "
            "state_dict() gives the numbers of any module"
        )
    for name, parameter in model.named_parameters():
        if not math.isfinite(parameter.data):
            raise ValueError(f"{name} is {parameter.data}, which is no number to save")
    activations = _activations(model)
    document = {
        "format": FORMAT,
        "version": VERSION,
        "sizes": list(model.sizes),
        "activation": _name(activations[0]),
        "parameters": model.state_dict(),
    }
    if _activations(_model(document)) != activations:
        raise ValueError(
            "an MLP is saved with one activation for all layers but the last, which is linear; "
            f"got {', '.join(dict.fromkeys(map(_name, activations)))}"
        )
    return document


def _model(document: Any) -> MLP:
    """Returns the model that a document describes."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f'its "format" is not "{FORMAT}"')
    if document.get("version") != VERSION or document["version"] is True:
        raise ValueError(
            f"it is of version {document.get('version')!r} and this package reads version "
            f"{VERSION}; another version of the package wrote it"
        )
    if set(document) != set(ENTRIES):
        raise ValueError(f"its entries are {', '.join(document)} in place of {', '.join(ENTRIES)}")
    sizes, activation = document["sizes"], document["activation"]
    if not isinstance(sizes, list) or len(sizes) < 2:
        raise ValueError(f"its sizes are a list of two or more whole numbers, not {sizes!r}")
    if not isinstance(activation, str):
        raise ValueError(f"its activation is a name, not {activation!r}")
    if not isinstance(document["parameters"], dict):
        raise ValueError("its parameters are no dictionary")
    # With a seed, so that loading a model takes nothing from Python's global generator.
    model = MLP(sizes[0], sizes[1:], activation=activation, seed=0)
    model.load_state_dict(document["parameters"])
    return model


def _activations(model: MLP) -> list[Any]:
    """Returns the activation of each neuron, None for a linear one."""
    return [neuron.activation for layer in model.layers for neuron in layer.neurons]


def _name(activation: Any) -> str:
    """Returns the name by which an activation is found again."""
    if activation is None:
        return "linear"
    if isinstance(activation, Op) and TABLE.get(activation.name) is activation:
        return activation.name
    raise ValueError(
        f"the activation {activation!r} has no name to save; register it with operation(...)"
    )


def _finite(digits: str) -> float:
    """Returns the number; ValueError if no float is large enough for it."""
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"it holds {digits}, which is too large for a float")
    return number


def _refuse_constant(constant: str) -> float:
    raise ValueError(f"it holds {constant}, which is no number in JSON")


def _pretty(thing: Any, indent: str = "") -> str:
    """Returns the thing as JSON, with a line for each entry and for each list of numbers."""
    if isinstance(thing, dict):
        parts = [
            f"{json.dumps(key)}: {_pretty(item, indent + '  ')}" for key, item in thing.items()
        ]
        brackets = "{}"
    elif isinstance(thing, list) and any(isinstance(item, list) for item in thing):
        parts = [_pretty(item, indent + "  ") for item in thing]
        brackets = "[]"
    else:
        return json.dumps(thing)
    lines = ",\n".join(f"{indent}  {part}" for part in parts)
    return f"{brackets[0]}\n{lines}\n{indent}{brackets[1]}"
