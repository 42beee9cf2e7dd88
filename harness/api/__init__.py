"""All that a plugin author imports. Names load on first use, so that declaring a component does not import torch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from harness.api.version import API_VERSION

if TYPE_CHECKING:
    from harness.api.attribution import Attribution
    from harness.api.background import Background, backgrounds
    from harness.api.case import Case, NeedsExplainer
    from harness.api.classifiers import Classifier, classifier
    from harness.api.context import Context, NoTrainingData
    from harness.api.declarations import dataset, explainer, metric, model
    from harness.api.explainers import Explainer
    from harness.api.hooks import hookimpl
    from harness.api.input_error import InputError
    from harness.api.precision import to_float64
    from harness.api.sample import Dataset, Sample
    from harness.api.training import Training, TrainingMonitor, TrainingState
    from harness.api.unexplained import Unexplained

__all__ = [
    "API_VERSION",
    "Attribution",
    "Background",
    "Case",
    "Classifier",
    "Context",
    "Dataset",
    "Explainer",
    "InputError",
    "NeedsExplainer",
    "NoTrainingData",
    "Sample",
    "Training",
    "TrainingMonitor",
    "TrainingState",
    "Unexplained",
    "backgrounds",
    "classifier",
    "dataset",
    "explainer",
    "hookimpl",
    "metric",
    "model",
    "to_float64",
]

_HOMES = {
    "Attribution": "attribution",
    "Background": "background",
    "backgrounds": "background",
    "Case": "case",
    "NeedsExplainer": "case",
    "Classifier": "classifiers",
    "classifier": "classifiers",
    "Context": "context",
    "NoTrainingData": "context",
    "Dataset": "sample",
    "Explainer": "explainers",
    "InputError": "input_error",
    "Sample": "sample",
    "Training": "training",
    "TrainingMonitor": "training",
    "TrainingState": "training",
    "Unexplained": "unexplained",
    "hookimpl": "hooks",
    "to_float64": "precision",
    "dataset": "declarations",
    "explainer": "declarations",
    "metric": "declarations",
    "model": "declarations",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
