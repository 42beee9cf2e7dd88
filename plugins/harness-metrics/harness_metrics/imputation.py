"""Values that stand where a pixel was removed: one interface for all metrics that remove pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from harness.api import Context, Unexplained
from harness.api.normalised_convolution import convolution_imputation
from harness.api.transfer import sent
from harness_metrics.noisy_linear import linear_imputation

Reference = Literal["black", "white", "mean", "blur", "zero"]
"""A reference input, as `Classifier.reference` makes it: one colour, each image's mean colour, the blurred image, the zero tensor."""

ImageReference = Literal["black", "white", "mean", "blur", "zero", "noise"]
"""A reference input, or uniform noise over the input's range: what does not depend on which pixels are removed."""

Imputation = Literal["black", "white", "mean", "blur", "zero", "noise", "convolution", "linear", "noisy-linear"]
"""A reference input, uniform noise over the input's range, in-painting by normalised convolution, or linear imputation (Rong et al. 2022)
without or with its noise. Metrics call the parameter ``reference`` where their paper puts another input in the place of what is removed,
and ``impute`` where it fills a hole; both take all of these."""

RANDOM: frozenset[Imputation] = frozenset({"noise", "noisy-linear"})
"""Imputations that differ from draw to draw."""

Imputer = Callable[[Tensor], Tensor]
"""``(S, B, H, W)`` bool, true where pixels are removed → ``(S, B, C, H, W)`` inputs without them."""


def imputer(case: Unexplained, kind: Imputation, noise: float = 0.01, draw: int = 0) -> Imputer:
    """The imputation of a case's images.

    ``noise`` is the standard deviation of ``noisy-linear``'s Gaussian noise in units of an image in [0, 1], as Rong et al. have it;
    where the model's preprocessing is the identity, in units of the input. One field of noise is drawn per sample, the same for every
    mask; another ``draw`` is another field.
    """
    if kind == "convolution":
        return holes_filled(case.images, convolution_imputation)
    if kind == "linear":
        return holes_filled(case.images, linear_imputation)
    if kind == "noisy-linear":
        low, high = input_range(case)
        field = _stream(case, "noise of linear imputation", draw).noise(case.images.shape[1:]).to(case.images)
        return noisy(holes_filled(case.images, linear_imputation), noise * (high - low) * field)
    return filled(case.images, reference_input(case, kind, draw))


def reference_input(case: Unexplained, kind: ImageReference, draw: int = 0) -> Tensor:
    """``(B, C, H, W)`` what an image is replaced by: a reference of `Classifier.reference`, or uniform noise over the input's range."""
    if kind != "noise":
        return case.model.reference(kind, case.images)
    low, high = input_range(case)
    return low + (high - low) * _stream(case, "imputed noise", draw).uniform(case.images.shape[1:]).to(case.images)


def filled(images: Tensor, reference: Tensor) -> Imputer:
    """Removed pixels are those of ``reference`` (B, C, H, W)."""
    return lambda removed: torch.where(removed[:, :, None], reference, images)


def holes_filled(images: Tensor, fill: Callable[[Tensor, Tensor], Tensor]) -> Imputer:
    """Removed pixels are filled in from what is left, by ``fill`` of images (N, C, H, W) and masks (N, H, W)."""

    def impute(removed: Tensor) -> Tensor:
        repeated = images.expand(len(removed), *images.shape).flatten(0, 1)
        return fill(repeated, removed.flatten(0, 1)).view(len(removed), *images.shape)

    return impute


def noisy(impute: Imputer, noise: Tensor) -> Imputer:
    """Removed pixels are those of ``impute`` plus ``noise`` (B, C, H, W)."""
    return lambda removed: impute(removed).addcmul_(removed[:, :, None].to(noise), noise)


def input_range(case: Unexplained) -> tuple[Tensor, Tensor]:
    """Least and greatest value of an input per channel ``(C, 1, 1)``; 0 and 1 where the model's preprocessing is the identity."""
    if case.model.bounds is None:
        unit = case.images.new_ones(case.images.shape[1], 1, 1)
        return torch.zeros_like(unit), unit
    low, high = case.model.bounds
    return sent(low, case.images.device, case.images.dtype), sent(high, case.images.device, case.images.dtype)


def _stream(case: Unexplained, purpose: str, draw: int) -> Context:
    """Random streams of one draw: the first has the purpose's own name."""
    return case.ctx.fresh(purpose if draw == 0 else f"{purpose} {draw}")
