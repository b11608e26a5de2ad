"""The estimators pass scikit-learn's own checks, and train as the scalars would."""

import pickle
from typing import Any

import pytest

np: Any = pytest.importorskip("numpy")
pytest.importorskip("sklearn")

from sklearn.base import clone  # noqa: E402
from sklearn.datasets import load_iris, load_wine, make_classification  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks  # noqa: E402

from micrograd_notes import MLPClassifier, MLPRegressor, fit, predict, predict_proba  # noqa: E402
from micrograd_notes.nn import MLP  # noqa: E402
from micrograd_notes.train.optim import Adam  # noqa: E402

ESTIMATORS = [MLPClassifier(), MLPRegressor()]


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(ESTIMATORS)  # type: ignore[untyped-decorator]
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda each: type(each).__name__)
def test_scikit_learns_checks_on_short_training(estimator: Any) -> None:
    """The checks themselves, except those that ask for a well-trained model."""
    found = check_estimator(clone(estimator).set_params(max_iter=2), on_fail=None)
    failed = {each["check_name"] for each in found if each["status"] == "failed"}
    assert failed <= {"check_classifiers_train", "check_regressors_train"}
    assert len(found) > 45


def in_a_pipeline(**options: Any) -> Any:
    return make_pipeline(StandardScaler(), MLPClassifier(random_state=0, **options))


def test_it_works_where_scikit_learn_works() -> None:
    X, y = load_wine(return_X_y=True)
    names = np.array(["barolo", "grignolino", "barbera"])[y]
    search = GridSearchCV(in_a_pipeline(max_iter=20), {
        "mlpclassifier__hidden_layer_sizes": [(8,), (8, 4)],
        "mlpclassifier__activation": ["tanh", "relu"],
    }, cv=3)
    best = search.fit(X, names).best_estimator_
    assert search.best_score_ > 0.9
    assert set(best.predict(X)) == set(names)
    again = pickle.loads(pickle.dumps(best))
    np.testing.assert_array_equal(again.predict_proba(X), best.predict_proba(X))
    np.testing.assert_allclose(best.predict_proba(X).sum(1), 1.0)
    assert cross_val_score(in_a_pipeline(max_iter=20), X, y, cv=3).mean() > 0.9


def test_a_full_batch_trains_as_fit_does_on_scalars() -> None:
    """With one batch, and so no order, and the same first weights, the parameters agree."""
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)[::3]
    options: dict[str, Any] = {
        "hidden_layer_sizes": (4,), "activation": "tanh", "batch_size": 50, "max_iter": 3,
        "random_state": 0, "weight_decay": 0.01,
    }
    seed = int(np.random.RandomState(0).randint(2**31 - 1))
    for labels, classes in ((y[::3], 3), (y[::3] > 0, 2)):
        mine = MLPClassifier(**options).fit(X, labels)
        model = MLP(4, [4, classes if classes > 2 else 1], activation="tanh", seed=seed)
        adam = Adam(model.parameters(), lr=0.01, weight_decay=0.01)
        data = (X, [int(label) for label in labels])
        history = fit(model, data, optimizer=adam, epochs=3, batch_size=50, progress=False)
        np.testing.assert_allclose(mine.loss_curve_, history["loss"], rtol=1e-12)
        for p, q in zip(mine.mlp_.parameters(), model.parameters(), strict=True):
            assert p.data == pytest.approx(q.data, rel=1e-9)  # Adam divides by small roots
        np.testing.assert_array_equal(mine.predict(X), mine.classes_[predict(model, X)])
        np.testing.assert_allclose(mine.predict_proba(X), predict_proba(model, X), rtol=1e-8)


def test_early_stopping_keeps_the_best_weights() -> None:
    X, y = make_classification(150, 20, flip_y=0.3, random_state=0)  # much to learn by heart
    model = MLPClassifier(
        early_stopping=True, validation_fraction=0.3, learning_rate_init=0.05, random_state=0
    ).fit(X, y)
    curve = model.validation_loss_curve_
    assert model.n_iter_ == len(curve) < 200
    best = int(np.argmin(curve))
    assert best < len(curve) - 1
    short = MLPClassifier(
        early_stopping=True, validation_fraction=0.3, learning_rate_init=0.05, random_state=0,
        max_iter=best + 1,
    ).fit(X, y)
    for p, q in zip(model.mlp_.parameters(), short.mlp_.parameters(), strict=True):
        assert p.data == q.data


def test_training_stops_when_the_loss_does_not_improve() -> None:
    X = np.linspace(-1, 1, 30)[:, None]
    flat = MLPRegressor(tol=10.0, n_iter_no_change=3, random_state=0).fit(X, X[:, 0])
    assert flat.n_iter_ == 4  # the first epoch improves on nothing
    assert MLPRegressor(max_iter=7, tol=0.0, random_state=0).fit(X, X[:, 0]).n_iter_ == 7


@pytest.mark.parametrize(("options", "words"), [
    ({"hidden_layer_sizes": (3, 0)}, "each of hidden_layer_sizes must be a whole number"),
    ({"hidden_layer_sizes": "ab"}, "hidden_layer_sizes must be a list"),
    ({"activation": "tann"}, "unknown activation 'tann'"),
    ({"learning_rate_init": -1.0}, "lr must be a number of at least 0"),
    ({"batch_size": 0}, "batch_size must be a whole number"),
    ({"max_iter": 0}, "max_iter must be a whole number"),
    ({"n_iter_no_change": 0}, "n_iter_no_change must be a whole number"),
    ({"tol": -1.0}, "tol must be a finite number"),
    ({"early_stopping": 2}, "early_stopping must be True or False"),
    ({"early_stopping": True, "validation_fraction": 2.0}, "validation_fraction must be"),
])
def test_bad_arguments_are_refused_by_fit(options: dict[str, Any], words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        MLPRegressor(**options).fit([[1.0], [2.0]], [1.0, 2.0])


def test_one_class_is_refused_and_a_loss_that_explodes_stops() -> None:
    with pytest.raises(ValueError, match="got one class: 7"):
        MLPClassifier().fit([[1.0], [2.0]], [7, 7])
    with pytest.raises(FloatingPointError, match="the loss became"):
        MLPRegressor(learning_rate_init=1e200).fit([[1.0], [2.0]], [1.0, 2.0])
