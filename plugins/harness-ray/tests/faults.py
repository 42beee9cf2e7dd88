"""Explainers that end or never leave their process, or keep its memory. Given as ``--plugin``."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import torch
from torch import Tensor

from harness.api import Classifier, explainer


@explainer()
def crashes(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Kills its process."""
    os.kill(os.getpid(), signal.SIGKILL)
    return torch.zeros(len(images), *images.shape[-2:])


@explainer()
def stuck(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Never lets go of the interpreter, so that no other thread of its process runs again."""
    Path(os.environ["STUCK_PID"]).write_text(str(os.getpid()))
    re.match(r"(a+)+$", "a" * 64 + "b")
    return torch.zeros(len(images), *images.shape[-2:])


KEPT: list[Tensor] = []


@explainer()
def keeps(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Keeps its images."""
    KEPT.append(images)
    return images


@explainer()
def crowded(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Says that its device is full, as CUDA does, where its process keeps anything."""
    if KEPT:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    return images
