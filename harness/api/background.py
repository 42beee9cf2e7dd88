"""Backgrounds that explainers compare an image with: training images, or references made of the image if there are none."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from harness.api.classifiers import Classifier
from harness.api.context import Context
from harness.api.preprocessing import ReferenceKind

Background = Literal["auto", "training", "references"] | Annotated[int, Field(ge=1)]
"""The type of the parameter ``background``, which `backgrounds` takes."""

REFERENCES: tuple[ReferenceKind, ...] = ("black", "blur", "mean")
WITHOUT_TRAINING = "compared with the black, the blurred and the mean reference of each image"
"""What an explainer declares as ``otherwise``."""


def background_size(background: Background, usual: int) -> int:
    """Number of training images that ``background`` asks for, ``usual`` if it does not say."""
    return background if isinstance(background, int) else usual


def backgrounds(model: Classifier, images: Tensor, ctx: Context, background: Background, usual: int) -> Tensor:
    """Inputs that each of ``images`` (B, C, H, W) is compared with, as the model takes it.

    Args:
        model: the classifier.
        images: model inputs.
        ctx: the call's context; `Context.has_training` says whether it has training images.
        background: ``"auto"`` (training images if there are any, else references), a number (as ``"auto"``, with so many training
            images), ``"training"`` or ``"references"``.
        usual: how many training images are taken if ``background`` is no number.

    Returns:
        ``(1, n, C, H, W)`` training images, the same for all; or ``(B, 3, C, H, W)`` the black, the blurred and the mean reference of each.

    Raises `NoTrainingData` if ``background`` is ``"training"`` and there are no training images. An explainer with such a parameter
    declares ``wants={"training-data"}``, `WITHOUT_TRAINING` as ``otherwise``, and what differs by the parameter's value: `BY_BACKGROUND`.
    """
    if background == "references" or (background != "training" and not ctx.has_training):
        return torch.stack([model.reference(kind, images) for kind in REFERENCES], dim=1)
    return ctx.background(background_size(background, usual)).to(images)[None]
