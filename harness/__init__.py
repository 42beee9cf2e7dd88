"""Evaluates explainers (attribution methods) of image classifiers; names load on first use, so that importing it is cheap."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.api.classifiers import classifier
    from harness.python_api.calls import attribute, score
    from harness.python_api.components import dataset, explainer, metric, model
    from harness.python_api.running import run
    from harness.spec.problems import SpecError

_HOMES = {
    "SpecError": "harness.spec.problems",
    "attribute": "harness.python_api.calls",
    "classifier": "harness.api.classifiers",
    "dataset": "harness.python_api.components",
    "explainer": "harness.python_api.components",
    "metric": "harness.python_api.components",
    "model": "harness.python_api.components",
    "run": "harness.python_api.running",
    "score": "harness.python_api.calls",
}
__all__ = ["SpecError", "attribute", "classifier", "dataset", "explainer", "metric", "model", "run", "score"]

os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")  # what a Mac's GPU has no kernel for is done by the CPU; read on importing torch


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
