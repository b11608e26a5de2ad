"""`MLPClassifier` and `MLPRegressor`: networks for those who work with scikit-learn.

They follow its conventions, so `Pipeline`, `GridSearchCV`, `cross_val_score` and `clone` take them.
Arguments that have scikit-learn's names mean the same. Training runs a program of `wide.py`, which
is lifted once per kind of network. Read `fit` first, then `_train`; `fit` of `loop.py` is the
training that you can look into.
"""

from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.common.extras import install
from micrograd_notes.engine.accurate import total
from micrograd_notes.engine.ops import logsumexp
from micrograd_notes.nn import MLP
from micrograd_notes.nn.losses import binary_cross_entropy_with_logits, mse_loss
from micrograd_notes.train.arrays import chosen_classes
from micrograd_notes.train.optim import Adam
from micrograd_notes.train.plain import activations_of, leaves_of, sizes_of, vector_of
from micrograd_notes.train.refusals import refuse_to_step
from micrograd_notes.train.wide import Loss, program_of

try:  # scikit-learn's base classes make this file one that only its users import
    import numpy as np
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.model_selection import train_test_split
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(f"MLPClassifier needs scikit-learn: {install('data')}") from error

__all__ = ["MLPClassifier", "MLPRegressor"]


class _MLPEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn does not have types
    """What the two estimators share: arguments, training, and outputs."""

    def __init__(
        self, hidden_layer_sizes: Any = (32,), activation: str = "relu", *,
        learning_rate_init: float = 0.01, weight_decay: float = 0.0, batch_size: int = 32,
        max_iter: int = 200, tol: float = 1e-4, n_iter_no_change: int = 10,
        early_stopping: bool = False, validation_fraction: float = 0.1, random_state: Any = None,
    ) -> None:
        self.hidden_layer_sizes, self.activation = hidden_layer_sizes, activation
        self.learning_rate_init, self.weight_decay = learning_rate_init, weight_decay
        self.batch_size, self.max_iter, self.tol = batch_size, max_iter, tol
        self.n_iter_no_change, self.early_stopping = n_iter_no_change, early_stopping
        self.validation_fraction, self.random_state = validation_fraction, random_state

    def _fit(self, X: Any, targets: Any, outputs: int, loss: Loss, stratify: Any = None) -> None:
        """Trains a new MLP on checked data, and stores the results."""
        given: Any = self.hidden_layer_sizes
        given = [given] if checks.is_number(given) else checks.listed("hidden_layer_sizes", given)
        hidden = [checks.whole_number("each of hidden_layer_sizes", size) for size in given]
        activation = checks.text("activation", self.activation)
        draw = check_random_state(self.random_state)
        seed = int(draw.randint(2**31 - 1))
        self.mlp_ = MLP(X.shape[1], [*hidden, outputs], activation=activation, seed=seed)
        parameters = self.mlp_.parameters()
        adam = Adam(parameters, self.learning_rate_init, weight_decay=self.weight_decay)
        held_out = None
        if checks.flag("early_stopping", self.early_stopping):
            share = checks.finite_number("validation_fraction", self.validation_fraction, 0, 1)
            X, held, targets, held_targets = train_test_split(
                X, targets, test_size=share, stratify=stratify, random_state=draw
            )
            held_out = held, held_targets
        theta = self._train(adam, loss, X, targets, held_out, draw)
        for parameter, number in zip(leaves_of(self.mlp_), theta.tolist(), strict=True):
            parameter.data = number

    def _train(
        self, adam: Adam, loss: Loss, X: Any, y: Any, held_out: Any, draw: np.random.RandomState
    ) -> Any:
        """Returns the parameters of the last epoch; with held-out data, those of the best one."""
        activations = activations_of(self.mlp_)
        if activations is None:
            raise ValueError(f"activation must be a built-in one, got {self.activation!r}")
        program = program_of(sizes_of(self.mlp_), activations, loss)
        size = checks.whole_number("batch_size", self.batch_size)
        epochs = checks.whole_number("max_iter", self.max_iter)
        patience = checks.whole_number("n_iter_no_change", self.n_iter_no_change)
        tol = checks.finite_number("tol", self.tol, 0)
        theta = kept = vector_of(self.mlp_)
        least, lowest, waited = np.inf, np.inf, 0
        self.loss_curve_: list[float] = []
        self.validation_loss_curve_: list[float] = []
        for _ in range(epochs):
            order = draw.permutation(len(X))
            inputs, targets, summed = X[order], y[order], 0.0
            for start in range(0, len(X), size):
                x = inputs[start : start + size]
                mean, gradient = program(theta, x, targets[start : start + size])
                refuse_to_step("the loss", mean)
                theta = adam.stepped(theta, gradient)
                summed += mean * len(x)
            self.loss_curve_.append(summed / len(X))
            watched = self.loss_curve_[-1]
            if held_out is not None:
                watched = float(program(theta, *held_out)[0])
                self.validation_loss_curve_.append(watched)
                if watched < lowest:
                    lowest, kept = watched, theta
            waited = 0 if watched < least - tol else waited + 1
            least = min(least, watched)
            if waited >= patience:
                break
        self.n_iter_ = len(self.loss_curve_)
        self.loss_ = self.loss_curve_[-1]
        return theta if held_out is None else kept

    def _outputs(self, X: Any) -> Any:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        activations = activations_of(self.mlp_)
        assert activations is not None
        return program_of(sizes_of(self.mlp_), activations)(vector_of(self.mlp_), X)


class MLPClassifier(ClassifierMixin, _MLPEstimator):  # type: ignore[misc]
    """A network that predicts classes, trained by cross entropy, in scikit-learn's manner.

    Args:
        hidden_layer_sizes: the widths of the hidden layers.
        activation: the name of that of the hidden layers.
        learning_rate_init: the learning rate of Adam.
        weight_decay: that of Adam, for all parameters.
        batch_size: the number of examples per step.
        max_iter: the number of epochs at most.
        tol: an epoch improves the loss if it lowers it by more than this.
        n_iter_no_change: training stops after so many epochs in a row without an improvement.
        early_stopping: whether to hold out a part of the data, to watch its loss instead of that of
            the training data, and to keep the parameters of the epoch where it is the lowest.
        validation_fraction: the share of that part.
        random_state: the seed of the weights, the order of the examples, and the held-out part.

    Inputs are not scaled: put a `StandardScaler` before it in a pipeline. After `fit`, `mlp_` is
    the trained `MLP`, which all other functions of the package take; `classes_`, `n_iter_`,
    `loss_`, `loss_curve_` and `validation_loss_curve_` are what their names say.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), MLPClassifier(random_state=0))
    >>> model.fit(X, y).score(X, y) > 0.9
    True
    """

    def fit(self, X: Any, y: Any) -> "MLPClassifier":
        """Trains a new network on (examples, features) and labels of any kind."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        count = len(self.classes_)
        if count < 2:
            raise ValueError(f"y must have two or more classes, got one class: {self.classes_[0]}")
        loss: Loss = binary_cross_entropy_with_logits if count == 2 else _cross_entropy_of_row
        targets = labels.astype(float) if count == 2 else np.eye(count)[labels]
        self._fit(X, targets, 1 if count == 2 else count, loss, labels)
        return self

    def predict(self, X: Any) -> Any:
        """Returns the label of the most probable class of each example."""
        outputs = self._outputs(X)  # first, as it refuses where there are no classes_ yet
        return self.classes_[chosen_classes(outputs)]

    def predict_proba(self, X: Any) -> Any:
        """Returns the probabilities, (examples, classes), in the order of `classes_`."""
        logits = self._outputs(X)
        logits = logits if logits.ndim == 2 else np.column_stack([np.zeros_like(logits), logits])
        powers = np.exp(logits - logits.max(1, keepdims=True))
        return powers / powers.sum(1, keepdims=True)


class MLPRegressor(RegressorMixin, _MLPEstimator):  # type: ignore[misc]
    """A network that predicts numbers, trained by the squared error, in scikit-learn's manner.

    The arguments are those of `MLPClassifier`. Targets are not scaled: a
    `sklearn.compose.TransformedTargetRegressor` does it.

    >>> X = [[x / 20] for x in range(40)]
    >>> model = MLPRegressor(activation="tanh", random_state=0)
    >>> model.fit(X, [x * x for [x] in X]).score(X, [x * x for [x] in X]) > 0.9
    True
    """

    def fit(self, X: Any, y: Any) -> "MLPRegressor":
        """Trains a new network on (examples, features) and one number per example."""
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        self._fit(X, y.astype(float), 1, mse_loss)
        return self

    def predict(self, X: Any) -> Any:
        """Returns the predicted number of each example."""
        return self._outputs(X)


def _cross_entropy_of_row(logits: Any, shares: Any) -> Any:
    """Returns the cross entropy of one example whose target is a row with the share per class."""
    return logsumexp(*logits) - total(z * share for z, share in zip(logits, shares, strict=True))
