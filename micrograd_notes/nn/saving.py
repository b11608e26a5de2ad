"""`save_model` and `load_model`: a network as a readable JSON file, exact to the last bit.

A file of version 2 lists the layers and, in each layer, its neurons, one per line. A parameter is a
number with enough digits to restore the same float; or the arguments of a `Value`, if it is frozen
or has a name; or the name of an earlier parameter that it shares, like "layers[0].neurons[1].w[0]".

The checksum covers the content: the same JSON in another layout loads, a changed digit is refused.
A file with an unknown entry is refused too, because skipping it could change what the model
computes. Files of version 1 load, but they lack a checksum: save them again. A file of version 3
also holds a training run: see `train/saved_run.py`.
"""

import hashlib
import json
import math
import os
from collections import Counter
from pathlib import Path
from typing import Any

from micrograd_notes.common.checks import flag, shown
from micrograd_notes.common.files import as_path, write_whole
from micrograd_notes.engine import Value
from micrograd_notes.engine.op import TABLE, Op
from micrograd_notes.nn.layers import MLP, Layer, Neuron, find_activation

__all__ = ["load_model", "save_model"]

FORMAT = "micrograd_notes.MLP"
VERSION, VERSION_OF_RUN = 2, 3

PathLike = str | os.PathLike[str]


def save_model(model: MLP, path: PathLike) -> None:
    """Writes an MLP to a JSON file, which `load_model` reads. An existing file is replaced.

    Raises:
        TypeError: the model is not an MLP; `state_dict()` returns the numbers of any module.
        ValueError: the model has something that a file can't hold, like a number that is not
            finite, an activation without a name, or a neuron of your own class.
        OSError: the file cannot be written. An existing file is unchanged.

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
      "version": 2,
      "checksum": "00f7d07c2fddf45e3802bd23d2e36107",
      "layers": [
        [
          {"activation": "tanh", "w": [0.5, -0.25], "b": 0.1}
        ],
        [
          {"activation": "linear", "w": [2.0], "b": -1.0}
        ]
      ]
    }
    <BLANKLINE>
    MLP of [Layer of [TanhNeuron(2)], Layer of [LinearNeuron(1)]]
    """
    write_document(path, {"layers": layers_of(model)}, VERSION)


def load_model(path: PathLike, *, check: bool = True) -> MLP:
    """Returns the MLP that `save_model` wrote.

    Args:
        path: the name of the file.
        check: whether the content must match the checksum. If you changed a file on purpose, pass
            check=False, and save the model again.

    Raises:
        ValueError: the file is not a saved model, was changed after it was saved, or was written by
            a newer version of the package.
        OSError: the file cannot be read.
    """
    return read_document(path, VERSION, check)[0]


def write_document(path: PathLike, content: dict[str, Any], version: int) -> None:
    """Writes the layers of a model, and in version 3 a training run."""
    document = {"format": FORMAT, "version": version, "checksum": _checksum(content), **content}
    write_whole(path, (_pretty(document) + "\n").encode())


def read_document(path: PathLike, version: int, check: bool = True) -> tuple[MLP, Any]:
    """Returns the model in a file, and in version 3 its run; the errors are `load_model`'s."""
    file = as_path(path)
    try:
        content = _read(file, flag("check", check))
        if ("run" in content) != (version == VERSION_OF_RUN):
            kinds = ("a network with its training run", "load_run"), ("a network", "load_model")
            what, door = kinds["run" not in content]
            raise ValueError(f"it holds {what}; {door}(path) returns it")
        return _model(content["layers"]), content.get("run")
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}; path must be readable", str(path)) from error
    except (ValueError, TypeError) as error:
        raise ValueError(f"{os.fspath(path)} can't be loaded: {error}") from error


# ---- the file ------------------------------------------------------------------------------------


def _read(path: Path, check: bool) -> Any:
    """Returns the content of the file, that of version 1 in the form of version 2."""
    if path.is_dir():
        raise ValueError("it is a folder; pass the name of a file")
    try:
        content = json.loads(
            path.read_bytes(),
            object_pairs_hook=_entries,
            parse_constant=_finite,
            parse_float=_finite,
            parse_int=lambda digits: -0.0 if digits == "-0" else int(_finite(digits) and digits),
        )
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"it is not a complete JSON text: {error}") from error
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise ValueError(f'its "format" is not "{FORMAT}"')
    version = content.pop("version", None)
    if version == 1 and version is not True:
        return {"layers": _layers_of_version_1(content)}
    if version not in (VERSION, VERSION_OF_RUN):
        raise ValueError(
            f"it has version {shown(version)}, and this package reads versions 1 to "
            f"{VERSION_OF_RUN}; install the version of micrograd_notes that wrote it"
        )
    if content.pop("checksum", None) != _checksum(content) and check:
        raise ValueError(
            "its content does not match its checksum, so it was changed after it was saved. "
            "load_model(path, check=False) loads it anyway; then save the model again"
        )
    _check_entries("the file", content, "layers", *["run"] * (version == VERSION_OF_RUN))
    return content


def _layers_of_version_1(content: dict[str, Any]) -> list[Any]:
    """Returns the layers of a file with sizes, one activation, and the arrays of a state dict.

    The sizes are compared with the arrays before anything of that size is built.
    """
    _check_entries("the file", content, "sizes", "activation", "parameters")
    sizes, activation, arrays = (content[key] for key in ("sizes", "activation", "parameters"))
    layers: list[Any] = []
    try:
        for i in range(len(sizes) - 1):
            pairs = zip(arrays[f"layers.{i}.weight"], arrays[f"layers.{i}.bias"], strict=True)
            name = activation if i < len(sizes) - 2 else "linear"
            layers.append([{"activation": name, "w": w, "b": b} for w, b in pairs])
        found = [len(layers[0][0]["w"]), *map(len, layers)]
    except (LookupError, TypeError, ValueError):
        found = []
    if str(found) != str(sizes) or len(arrays) != 2 * len(layers):
        raise ValueError(f"its parameters are not those of a network of sizes {shown(sizes)}")
    return layers


def _check_entries(what: str, held: Any, *needed: str, optional: tuple[str, ...] = ()) -> None:
    """Raises ValueError if it is not an object with exactly these entries."""
    if not isinstance(held, dict) or not {*needed} <= held.keys() <= {*needed, *optional}:
        got = list(held) if isinstance(held, dict) else held
        raise ValueError(
            f"{what} must have the entries {', '.join(needed)}, got {shown(got)}; another "
            "version of micrograd_notes may read it"
        )


def _entries(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Returns the entries of an object; ValueError if two have the same name."""
    for key, count in Counter(key for key, _ in pairs).items():
        if count > 1:
            raise ValueError(f"it has the entry {shown(key)} {count} times; keep one of them")
    return dict(pairs)


def _finite(digits: str) -> float:
    """Returns the number; ValueError if it is NaN, infinite, or too large for a float."""
    if not math.isfinite(number := float(digits)):
        raise ValueError(f"it holds {shown(digits)}, which is not a finite float")
    return number


def _checksum(content: dict[str, Any]) -> str:
    """Returns digits that depend only on the content; 1 is the same as 1.0."""
    content = json.loads(json.dumps(content), parse_int=float)
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()


def _pretty(thing: Any, indent: str = "") -> str:
    """Returns the thing as JSON, with one line per neuron and per entry."""
    items = list(thing.values()) if isinstance(thing, dict) else thing
    has_lists = isinstance(items, list) and any(isinstance(item, dict | list) for item in items)
    if not has_lists or "activation" in thing:
        return json.dumps(thing)
    parts = [_pretty(item, indent + "  ") for item in items]
    if isinstance(thing, dict):
        parts = [f"{json.dumps(key)}: {part}" for key, part in zip(thing, parts, strict=True)]
    lines = ",\n".join(f"{indent}  {part}" for part in parts)
    start, end = "{}" if isinstance(thing, dict) else "[]"
    return f"{start}\n{lines}\n{indent}{end}"


# ---- the model -----------------------------------------------------------------------------------


def layers_of(model: MLP) -> list[Any]:
    """Returns the model as plain data; ValueError if `_model` would not restore the same model."""
    if type(model) is not MLP:
        raise TypeError(
            f"model must be an MLP, got {type(model).__name__}; state_dict() returns the "
            "numbers of any module"
        )
    names = {parameter: name for name, parameter in model.named_parameters()}
    layers = [
        [
            {
                "activation": _activation_name(neuron.activation),
                "w": [_written(w, f"{name}.w[{k}]", names) for k, w in enumerate(neuron.w)],
                "b": _written(neuron.b, f"{name}.b", names),
            }
            for name, neuron in _neurons(i, layer)
        ]
        for i, layer in enumerate(model.layers)
    ]
    held = _parts(_model(layers))
    if lost := [part for part in _parts(model) if part not in held]:
        raise ValueError(
            f"a file can hold the sizes, layers and neurons of an MLP, but not {shown(lost)}, "
            "which this model has; state_dict() returns all of its numbers"
        )
    return layers


def _parts(model: MLP) -> list[str]:
    """Returns the model's sizes, its classes, and the names of its parameters."""
    parts = [part for layer in model.layers for part in (layer, *layer.neurons)]
    classes = [f"{type(part).__module__}.{type(part).__qualname__}" for part in parts]
    return [f"sizes {model.sizes}", *classes, *(name for name, _ in model.named_parameters())]


def _neurons(i: int, layer: Layer) -> list[tuple[str, Neuron]]:
    """Returns the neurons of layer i with their names in `named_parameters`."""
    return [(f"layers[{i}].neurons[{o}]", neuron) for o, neuron in enumerate(layer.neurons)]


def _written(parameter: Any, place: str, names: dict[Value, str]) -> Any:
    """Returns a parameter as plain data: its number, or the name of the one that it shares."""
    if not isinstance(parameter, Value) or parameter not in names:
        raise ValueError(f"{place} must be a Value without operands, got {shown(parameter)}")
    if names[parameter] != place:
        return names[parameter]
    if not math.isfinite(parameter.data):
        raise ValueError(f"{place} is {parameter.data}, and a file holds finite numbers")
    named = {} if parameter.name is None else {"name": parameter.name}
    frozen = {} if parameter.requires_grad else {"requires_grad": False}
    return {"data": parameter.data, **named, **frozen} if named or frozen else parameter.data


def _parameter(given: Any, place: str, found: dict[str, Value]) -> Value:
    """Returns the parameter that `_written` wrote, and adds it to `found`."""
    if isinstance(given, str) and given in found:
        return found[given]
    options = given if isinstance(given, dict) else {"data": given}
    _check_entries(place, options, "data", optional=("name", "requires_grad"))
    kinds = type(options["data"]), type(options.get("requires_grad", True))
    if kinds[0] not in (int, float) or kinds[1] is not bool:
        raise ValueError(
            f"{place} must be a number or the name of an earlier parameter, got {shown(given)}"
        )
    found[place] = Value(**options)
    return found[place]


def _activation_name(activation: Any) -> str:
    """Returns the name of an activation; ValueError if loading could not find it."""
    if activation is None:
        return "linear"
    name = activation.name if isinstance(activation, Op) else ""
    if TABLE.get(name) is not activation or name == "linear":
        raise ValueError(
            f"the activation {shown(activation)} can't be found again by its name; register it "
            "with operation(...), under a new name"
        )
    return name


def _model(layers: Any) -> MLP:
    """Returns the model described by the layers of a file."""
    try:
        sizes = [len(layers[0][0]["w"]), *map(len, layers)]
    except (LookupError, TypeError):
        raise ValueError('its "layers" must be lists of neurons') from None
    # With a seed, because loading a model must not draw from Python's global generator.
    model = MLP(sizes[0], sizes[1:], seed=0)
    found: dict[str, Value] = {}
    for i, layer in enumerate(model.layers):
        for (name, neuron), given in zip(_neurons(i, layer), layers[i], strict=True):
            _check_entries(name, given, "activation", "w", "b")
            weights = given["w"]
            if not isinstance(weights, list) or len(weights) != len(neuron.w):
                raise ValueError(
                    f"{name}.w must be a list of {len(neuron.w)} numbers, got {shown(weights)}"
                )
            neuron.activation = find_activation(given["activation"])
            neuron.w = [_parameter(w, f"{name}.w[{k}]", found) for k, w in enumerate(weights)]
            neuron.b = _parameter(given["b"], f"{name}.b", found)
    return model
