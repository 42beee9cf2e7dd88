"""Explainers that end or never leave their process, or keep its memory. Given as ``--plugin``."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import torch
from torch import Tensor

from harness.api import Classifier, explainer

MEETING = 50  # seconds


@explainer()
def meets(model: Classifier, images: Tensor, targets: Tensor, *, where: str) -> Tensor:
    """Waits on each of two nodes until the other has come to it, too."""
    if "STUCK_PID" in os.environ:
        folder, name = Path(os.environ["STUCK_PID"]).parent, Path(os.environ["SMALL_CALLS"]).name
        (folder / f"{where}-{name}").touch()
        end = time.monotonic() + MEETING
        while len(list(folder.glob(f"{where}-*"))) < 2 and time.monotonic() < end:
            time.sleep(0.02)
    return images


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
