"""Evaluates explainers (attribution methods) of image classifiers; names load on first use, so that importing it is cheap."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.api.classifiers import classifier
    from harness.python_api.functions import attribute, dataset, explainer, metric, model, run, score
    from harness.spec.problems import SpecError

__all__ = ["SpecError", "attribute", "classifier", "dataset", "explainer", "metric", "model", "run", "score"]

os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")  # what a Mac's GPU has no kernel for is done by the CPU; read on importing torch


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    homes = {"classifier": "harness.api.classifiers", "SpecError": "harness.spec.problems"}
    return getattr(import_module(homes.get(name, "harness.python_api.functions")), name)
