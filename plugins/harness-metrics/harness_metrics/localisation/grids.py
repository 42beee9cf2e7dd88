"""Grids of images of different classes: a sample among training images of which the model is sure."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, Classifier
from harness_metrics.curves import target_probability

Side = Annotated[int, Field(ge=2, le=4)]
"""How many images there are along each side of a grid."""
Confidence = Annotated[float, Field(ge=0, lt=1)]
"""The probability that a training image's own class must have."""


class TakesNoGrid(ValueError):
    """A network that takes images of one size alone, and is to be shown a grid of whole images."""


def require_taken(case: Case, size: tuple[int, int], otherwise: str = "") -> None:
    """Raise `TakesNoGrid` if the model takes no images of this size, found out once for a model; ``otherwise`` says what can be done."""
    reason = case.ctx.lasting(("harness-metrics", "takes larger images", size), lambda: no_grid_reason(case.model, size, otherwise))
    if reason is not None:
        raise TakesNoGrid(reason)


def no_grid_reason(model: Classifier, size: tuple[int, int], otherwise: str = "") -> str | None:
    """Reason why a model takes no images of this size, with what can be done; None if it does."""
    if size == tuple(model.input_shape[1:]):
        return None
    try:
        with torch.no_grad():
            model(torch.zeros(1, model.input_shape[0], *size, device=model.device, dtype=model.dtype))
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # whatever a network's layers raise
        said = (str(error) or type(error).__name__).splitlines()[0]
        return f"the network takes no images of {size[0]} x {size[1]} ({said}){otherwise}"
    return None


def sure_images(case: Case, count: int, confidence: float) -> tuple[Tensor, Tensor]:
    """Of ``count`` training images those ``(n, C, H, W)`` whose own class has the probability, and their labels ``(n,)``, which ascend."""

    def find() -> tuple[Tensor, Tensor]:
        images, labels = case.ctx.training_samples(count)
        images, labels = images.to(case.images), labels.to(case.images.device)
        sure = target_probability(case.model, case.predict(images).float(), labels) >= confidence
        order = labels.argsort(stable=True)
        order = order[sure[order]]
        return images[order], labels[order]

    return case.ctx.lasting(("harness-metrics", "images of which the model is sure", count, confidence), find)


def other_images(case: Case, labels: Tensor, count: int, samples: int) -> Tensor:
    """``(B, samples, count)`` training images, as their places in ``labels`` (n,), which ascend, of other classes than the target's.

    Of each class a first image is taken before a second of any.
    """
    device = case.images.device
    lots, turns = case.ctx.fresh("images of a grid").uniform((2, samples, len(labels)), dtype=torch.float64).to(device).unbind(dim=1)
    images = (labels + lots).argsort(dim=2)  # shuffled within their class
    nth = torch.arange(len(labels), device=device) - torch.searchsorted(labels, labels)
    turn = torch.where(labels == case.targets[:, None, None], torch.inf, nth + turns)
    return images.gather(2, turn.topk(count, dim=2, largest=False).indices)


def has_grid(case: Case, labels: Tensor, count: int) -> Tensor:
    """``(B,)`` bool: whether a sample is of its target's class, as far as is known, and there are ``count`` images of others."""
    enough = (labels != case.targets[:, None]).sum(dim=1) >= count
    return enough if case.labels is None else enough & (case.labels == case.targets)
