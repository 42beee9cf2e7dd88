"""Measures of classification: of one model on one data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from harness.results.classification_document import MEASURES, Measure
from harness.results.field_types import Floats
from harness.results.predictions import Predictions
from harness.text_format import format_some

SUM_TOLERANCE = 1e-4  # of float32
NOTHING_PREDICTED = "the model predicted no sample"


@dataclass(frozen=True)
class Classification:
    """Measures of a model, as `harness.results.classification_document.ClassifierEntry` defines them; why each that is NaN is so."""

    samples: int
    values: Mapping[Measure, float]
    undefined: Mapping[Measure, str]


def measure_classification(predictions: Predictions) -> Classification:
    """Accuracy, and the means over classes with samples of recall, precision, F1 and area under the ROC curve."""
    known = predictions.known
    labels, predicted = predictions.labels[known].astype(np.int64), predictions.predicted[known]
    if not len(labels):
        return Classification(0, dict.fromkeys(MEASURES, np.nan), dict.fromkeys(MEASURES, NOTHING_PREDICTED))
    there = np.unique(labels)
    hits, support, answers = (
        np.bincount(classes.astype(np.int64), minlength=predictions.classes)[there].astype(np.float64)
        for classes in (labels[labels == predicted], labels, predicted[~np.isnan(predicted)])
    )
    recall = float((hits / support).mean())
    never = there[answers == 0]
    undefined: dict[Measure, str] = {}
    if len(never):
        names = [predictions.names[k] if predictions.names else str(k) for k in never]
        undefined["precision"] = f"never predicted: {format_some(names)}"
    areas, why = (predictions.areas[there], None) if len(predictions.areas) else (np.full(1, np.nan), predictions.no_areas)
    if len(there) == 1:
        areas, why = np.full(1, np.nan), "all samples are of one class"
    if np.isnan(areas).any():
        undefined["auc"] = why or "the probabilities are not known"
    values: dict[Measure, float] = {
        "accuracy": float(hits.sum() / len(labels)),
        "balanced_accuracy": recall,
        "precision": float("nan") if len(never) else float((hits / answers).mean()),
        "recall": recall,
        "f1": float((2 * hits / (support + answers)).mean()),
        "auc": float(areas.mean()),
    }
    return Classification(len(labels), values, undefined)


def areas_under_roc(labels: Floats, probabilities: Floats) -> Floats:
    """Areas ``(K,)`` under the ROC curves of ``probabilities`` (N, K): of samples of each class against all others, ties half.

    Each is the share of pairs that are in the right order (Hanley and McNeil 1982); NaN for a class without samples, or with all. Where
    probabilities of a sample sum to 1, those near 1 are in the order of the odds: over the sum of the others, which tells apart what rounds
    to 1.
    """
    own = labels[:, None] == np.arange(probabilities.shape[1])
    inside = own.sum(axis=0).astype(np.float64)
    outside = len(labels) - inside
    ranks = np.stack([_mid_ranks(column) for column in _ordering(probabilities).T], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        areas: Floats = ((ranks * own).sum(axis=0) - inside * (inside + 1) / 2) / (inside * outside)
    return areas


def _ordering(probabilities: Floats) -> Floats:
    """Numbers (N, K) in the order of the probabilities of each class.

    Odds take the place of those that are all but 1 alone: sums of the others are rounded, which would put ties in an order.
    """
    if not np.allclose(probabilities.sum(axis=1), 1, atol=SUM_TOLERANCE):
        return probabilities
    others = np.stack([np.delete(probabilities, k, axis=1).sum(axis=1) for k in range(probabilities.shape[1])], axis=1)
    with np.errstate(divide="ignore"):
        return np.where(probabilities > 1 - SUM_TOLERANCE, probabilities / others, probabilities)


def _mid_ranks(values: Floats) -> Floats:
    """Ranks ``(N,)`` from 1, the least; equal values share their mean rank."""
    ordered = np.sort(values)
    return np.asarray((ordered.searchsorted(values, "left") + ordered.searchsorted(values, "right") + 1) / 2)


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided p of the exact test that either of two models is as often the only one that is right (McNemar 1947; binomial, p = 1/2)."""
    return float(min(1.0, 2 * special.bdtr(min(only_first, only_second), only_first + only_second, 0.5)))
