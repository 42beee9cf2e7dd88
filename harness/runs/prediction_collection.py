"""The answers of a model as the store has them, put together for measures of classification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from harness.analysis.classification import areas_under_roc
from harness.planning.facts import ModelFacts
from harness.results.field_types import Floats
from harness.results.predictions import MOST_CLASSES, Predictions, probability_field
from harness.store.sample_alignment import MaskedColumn
from harness.text_format import format_count

OLD_PREDICTIONS = "an earlier version predicted these samples and kept no probabilities; `harness run --fresh` predicts them again"


def collect_predictions(fields: Mapping[str, MaskedColumn], size: int, model: ModelFacts) -> Predictions:
    """Labels, predictions and areas under ROC curves out of the fields of a column of predictions of ``size`` samples."""
    labels, predicted = (fields.get(name, MaskedColumn.all_missing(size)).values for name in ("label", "predicted"))
    few = model.num_classes <= MOST_CLASSES
    areas, why = _areas(fields, labels, predicted, model.num_classes)
    names = [_one_line(name) for name in model.class_names or ()] if few else []
    return Predictions(labels=labels, predicted=predicted, classes=model.num_classes, names=names, areas=areas, no_areas=why)


def _areas(fields: Mapping[str, MaskedColumn], labels: Floats, predicted: Floats, classes: int) -> tuple[Floats, str | None]:
    """The areas ``(K,)``, or none and why."""
    none, known = np.zeros(0), ~np.isnan(labels)
    if classes > MOST_CLASSES:
        return none, f"probabilities are kept of at most {MOST_CLASSES} classes, and the model has {classes:,}"
    broken = int((known & np.isnan(predicted)).sum())
    if broken:
        return none, f"the model's outputs are not finite for {format_count(broken, 'sample')}"
    columns: Sequence[MaskedColumn | None] = [fields.get(probability_field(k)) for k in range(classes)]
    kept = [column.values for column in columns if column is not None and column.there[known].all()]
    if len(kept) < classes:
        return none, OLD_PREDICTIONS
    return areas_under_roc(labels[known], np.stack(kept, axis=1)[known]), None


def _one_line(name: str) -> str:
    """A class's name as a run folder takes it."""
    return "".join(char if char.isprintable() else " " for char in name)[:500].strip() or "?"
