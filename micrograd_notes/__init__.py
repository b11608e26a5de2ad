"""A scalar autograd engine and a micro neural net, made to be read, stepped through and trusted.

Every name that a notebook needs is here. A room of the package is imported when one of its names is
first used, so that `import micrograd_notes` costs no more than the engine. Read README.md beside
this file next: it is the map of the rooms.
"""

from micrograd_notes.common import ctrl_c  # noqa: F401, I001  (first: the command's Ctrl-C)
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from micrograd_notes.common import moved
from micrograd_notes.engine import *  # noqa: F403
from micrograd_notes.engine import __all__ as _engine

if TYPE_CHECKING:  # the same names, for editors and type checkers: a test compares the two
    from micrograd_notes.course.exercises import check as check
    from micrograd_notes.course.guess import guess_first as guess_first
    from micrograd_notes.draw import (
        draw_backward as draw_backward,
        draw_dot as draw_dot,
        draw_model as draw_model,
        plots as plots,
    )
    from micrograd_notes.draw.training.page import training_page as training_page
    from micrograd_notes.lifting import (
        CannotLift as CannotLift,
        lift as lift,
        lift_of_sizes as lift_of_sizes,
    )
    from micrograd_notes.nn import (
        MLP as MLP,
        Layer as Layer,
        Module as Module,
        Neuron as Neuron,
        load_model as load_model,
        save_model as save_model,
    )
    from micrograd_notes.nn.losses import (
        binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
        cross_entropy as cross_entropy,
        hinge_loss as hinge_loss,
        mse_loss as mse_loss,
    )
    from micrograd_notes.testing import (
        check_operation as check_operation,
        gradcheck as gradcheck,
        opcheck as opcheck,
    )
    from micrograd_notes.train import (
        SGD as SGD,
        Adam as Adam,
        Dataset as Dataset,
        History as History,
        Recorder as Recorder,
        Scaler as Scaler,
        Watcher as Watcher,
        accuracy as accuracy,
        data as data,
        evaluate as evaluate,
        fit as fit,
        load_run as load_run,
        predict as predict,
        predict_proba as predict_proba,
    )
    from micrograd_notes.train.diagnosis import diagnose as diagnose
    from micrograd_notes.train.estimators import (
        MLPClassifier as MLPClassifier,
        MLPRegressor as MLPRegressor,
    )
    from micrograd_notes.train.pytorch import from_torch as from_torch, to_torch as to_torch

_HOMES = {
    "nn": "MLP Layer Module Neuron load_model save_model",
    "nn.losses": "binary_cross_entropy_with_logits cross_entropy hinge_loss mse_loss",
    "lifting": "CannotLift lift lift_of_sizes",
    "train": "SGD Adam Dataset History Recorder Scaler Watcher accuracy data evaluate fit load_run "
    "predict predict_proba",
    "train.diagnosis": "diagnose",
    "train.pytorch": "from_torch to_torch",
    "train.estimators": "MLPClassifier MLPRegressor",
    "draw": "draw_backward draw_dot draw_model plots",
    "draw.training.page": "training_page",
    "testing": "check_operation gradcheck opcheck",
    "course.exercises": "check",
    "course.guess": "guess_first",
}
"""The public names outside of the engine, by their room."""

_home_of = {name: room for room, names in _HOMES.items() for name in names.split()}

_names = [*_engine, *_home_of]
__version__ = "0.1.0"

moved.install()


def __getattr__(name: str) -> Any:
    """Imports the room of a public name when it is first used."""
    if name == "__all__":  # of import *, which must not raise where an extra is not installed
        return [each for each in _names if _is_there(each)]
    if name not in _home_of:
        raise AttributeError(f"micrograd_notes does not have {name!r}")
    room = import_module(f"micrograd_notes.{_home_of[name]}")
    # A module, such as `plots`, is an attribute of its room only after it was imported.
    is_module = not hasattr(room, name)
    thing = import_module(f"{room.__name__}.{name}") if is_module else getattr(room, name)
    globals()[name] = thing
    return thing


def _is_there(name: str) -> bool:
    with suppress(ImportError):
        return name in globals() or __getattr__(name) is not None
    return False


def __dir__() -> list[str]:
    return sorted({*globals(), *_names})
