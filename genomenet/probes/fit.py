"""One probe: a linear model on one kind of features, all choices by inner cross-validation."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from genomenet.probes.embeddings import Features
from genomenet.probes.task import Rows, Task

STRENGTHS = (0.001, 0.01, 0.1, 1.0)
"""Inverse regularisation of the logistic regression; its inverse is that of the ridge."""

FOLDS = 3
CHOICE_ROWS = 500
"""Rows on which the layer is chosen: more would only cost time."""

_CHOICE_STRENGTH = 0.1


@dataclass(frozen=True)
class Fitted:
    """What a probe says of the test rows.

    Attributes
    ----------
    predictions : ndarray, shape (test rows,)
        Classes or numbers.
    chosen : str
        Which features.
    strength : float
        Which inverse regularisation.
    warnings : int
        Fits that stopped before they converged.
    """

    predictions: np.ndarray
    chosen: str
    strength: float
    warnings: int


def fit_probe(
    task: Task,
    features: Features,
    train: Rows,
    seed: int,
    strengths: Sequence[float] = STRENGTHS,
) -> Fitted:
    """Choose features and regularisation on train rows, fit, and predict the test rows.

    Parameters
    ----------
    task : Task
        Labels and test rows.
    features : mapping of str to ndarray
        What may be chosen from; test rows have no part in the choice.
    train : ndarray of int64
        Rows to learn from.
    seed : int
        Of the folds and of the rows on which features are chosen.
    strengths : sequence of float
        What may be chosen from; a single one is taken as it is.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        folds = _folds(task, train, seed)
        chosen = next(iter(features))
        if len(features) > 1 and folds is not None:
            some = _some_rows(task, train, seed)
            some_folds = _folds(task, some, seed)
            scores = {
                name: cross_val_score(
                    _pipeline(task, _CHOICE_STRENGTH),
                    values[some],
                    task.labels[some],
                    scoring=_scoring(task),
                    cv=some_folds,
                ).mean()
                for name, values in features.items()
            }
            chosen = max(scores, key=lambda name: scores[name])
        values = features[chosen]
        model = _pipeline(task, strengths[0])
        if len(strengths) > 1 and folds is not None:
            grid = {key: [_as_parameter(task, s) for s in strengths] for key in [_parameter(task)]}
            model = GridSearchCV(model, grid, scoring=_scoring(task), cv=folds)
        model.fit(values[train], task.labels[train])
        predictions = model.predict(values[task.test])
    strength = strengths[0]
    if isinstance(model, GridSearchCV):
        strength = _as_parameter(task, model.best_params_[_parameter(task)])
    missed = [one for one in caught if issubclass(one.category, ConvergenceWarning)]
    for one in caught:
        if one not in missed:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    return Fitted(predictions, chosen, float(strength), len(missed))


def draw_rows(task: Task, shots: int, seed: int) -> Rows | None:
    """Train rows: all of them, or some of each class; None when a class has too few.

    Parameters
    ----------
    task : Task
        Whose train rows.
    shots : int
        Rows of each class, or of all rows where labels are numbers; 0 is every row.
    seed : int
        Of the draw.
    """
    if not shots:
        return task.train
    generator = np.random.default_rng(seed)
    if task.numeric:
        groups = [task.train]
    else:
        here = task.labels[task.train]
        groups = [task.train[here == number] for number in range(len(task.classes))]
    if min(len(rows) for rows in groups) < shots:
        return None
    return np.sort(np.concatenate([generator.permutation(rows)[:shots] for rows in groups]))


def _pipeline(task: Task, strength: float) -> Pipeline:
    model: Any = (
        Ridge(alpha=_as_parameter(task, strength))
        if task.numeric
        else LogisticRegression(C=strength, max_iter=5000)
    )
    return Pipeline([("scale", StandardScaler()), ("probe", model)])


def _parameter(task: Task) -> str:
    return "probe__alpha" if task.numeric else "probe__C"


def _as_parameter(task: Task, strength: float) -> float:
    return 1 / strength if task.numeric else strength


def _scoring(task: Task) -> str:
    # Smoother than accuracy on folds of a few rows.
    return "r2" if task.numeric else "neg_log_loss"


def _folds(task: Task, rows: Rows, seed: int) -> Any:
    """Folds that keep the shares of classes; None when a class has a single row."""
    if task.numeric:
        return KFold(FOLDS, shuffle=True, random_state=seed) if len(rows) >= 2 * FOLDS else None
    counts = np.bincount(task.labels[rows])
    fewest = int(counts[counts > 0].min())
    if fewest < 2:
        return None
    return StratifiedKFold(min(FOLDS, fewest), shuffle=True, random_state=seed)


def _some_rows(task: Task, rows: Rows, seed: int) -> Rows:
    """At most `CHOICE_ROWS` of them, with the shares of classes kept."""
    if len(rows) <= CHOICE_ROWS:
        return rows
    order = np.random.default_rng(seed).permutation(rows)
    if task.numeric:
        return order[:CHOICE_ROWS]
    by_class = np.argsort(task.labels[order], kind="stable")
    return order[by_class[np.linspace(0, len(order) - 1, CHOICE_ROWS).round().astype(int)]]
