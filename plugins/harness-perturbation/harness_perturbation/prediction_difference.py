"""Prediction difference analysis: windows replaced by what else could be there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Classifier, Context, explainer, to_float64
from harness.api.masking import chunks, target_outputs
from harness_perturbation import citations
from harness_perturbation.patch_model import Conditional, PatchModel, conditional, fit_patches
from harness_perturbation.windows import mean_over_windows, spans

SIDE = 224


def passes(params: Mapping[str, Any], side: int = SIDE) -> float:
    """Forward passes per image of ``side`` pixels: the samples of all windows, and the image itself."""
    return len(starts_of(side, params["window"], params["stride"])) ** 2 * float(params["samples"]) + 1


def starts_of(length: int, window: int, stride: int | None) -> list[int]:
    """First pixels of windows that lie inside, the last at the end."""
    stride = max(1, window // 2) if stride is None else stride
    return [*range(0, length - window, stride), length - window]


@explainer(family="perturbation", signed=True, needs={"training-data"}, passes=passes, cite=citations.PREDICTION_DIFFERENCE)
def prediction_difference(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    window: Annotated[int, Field(ge=1)] = 10,
    stride: Annotated[int, Field(ge=1)] | None = None,
    padding: Annotated[int, Field(ge=1)] = 2,
    samples: Annotated[int, Field(ge=1)] = 10,
    patches: Annotated[int, Field(ge=2)] = 20000,
    background: Annotated[int, Field(ge=1)] = 64,
    training_size: Annotated[int, Field(ge=1)] = 100_000,
    ctx: Context,
) -> Tensor:
    """Prediction difference analysis: evidence that is lost as a window becomes unknown (Zintgraf et al. 2017, eq. 1 to 3, algorithm 1).

    Returns ``(B, H, W)``, signed, in bits: each pixel's mean over windows of log₂ odds(c | x) − log₂ odds(c | x without the window). What
    the model says without it is the mean probability over samples of a Gaussian given the pixels around the window, fitted to patches of
    training images for each channel, and cut off at their least and greatest values; at borders the patch is moved inside. Probabilities
    have Laplace's correction. The random numbers are the same for all images. Raises ``ValueError`` where window and padding do not fit.

    Args:
        window: side of the window in pixels (k; the paper has 10 at 227 pixels).
        stride: pixels by which it moves; by default half a window. The paper moves it by 1, which takes 25 times as long.
        padding: pixels around the window that its samples are conditioned on.
        samples: draws for each window.
        patches: drawn to fit the Gaussian, at least: all images at one random place after the other.
        background: training images that they are of.
        training_size: N of Laplace's correction (p N + 1) / (N + K).
    """
    height, width = images.shape[-2:]
    side = window + 2 * padding
    if side > min(height, width):
        raise ValueError(f"window {window} and twice its padding of {padding} do not fit into an image of {height} × {width} pixels")
    shared = ctx.fresh(f"{ctx.purpose}: shared by all samples").about(["windows"])

    def fitted() -> PatchModel:
        corners = shared.fresh(f"{ctx.purpose}: patches").uniform((-(-patches // background), 2))[0]
        return fit_patches(ctx.background(background), side, corners)

    key = ("harness-perturbation", "patches", side, patches, background)
    known = ctx.lasting(key, fitted)
    low, high = (bound.to(images) for bound in (known.low, known.high))

    def given(down: int, across: int) -> Conditional:
        """Distribution of a window that begins ``down`` and ``across`` in its patch."""
        rows, columns = (torch.arange(start, start + window, device=known.mean.device) for start in (down, across))
        found = ctx.lasting((*key, window, down, across), lambda: conditional(known, (rows[:, None] * side + columns).flatten()))
        return Conditional(*(part if part.dtype == torch.int64 else part.to(images) for part in found))

    tops, lefts = (starts_of(length, window, stride) for length in (height, width))
    places = [(top, left) for top in tops for left in lefts]
    distributions: dict[tuple[int, int], Conditional] = {}

    def sampled(top: int, left: int) -> Tensor:
        """``(samples, B, C, H, W)``."""
        upper, first = (min(max(start - padding, 0), length - side) for start, length in ((top, height), (left, width)))
        offset = (top - upper, left - first)
        if offset not in distributions:
            distributions[offset] = given(*offset)
        likely = distributions[offset]
        mean = likely.mean(images[..., upper : upper + side, first : first + side].flatten(2))
        noise = shared.noise((samples, images.shape[1], window * window))[0].to(images)
        drawn = mean + torch.einsum("ckj,scj->sck", likely.root, noise)[:, None]
        inputs = images.repeat(samples, 1, 1, 1, 1)
        inputs[..., top : top + window, left : left + window] = drawn.clamp(low, high).reshape(*drawn.shape[:3], window, window)
        return inputs

    without = []
    for part in chunks(len(places), images, samples):
        inputs = torch.cat([sampled(*places[number]) for number in part])
        found = target_outputs(model, inputs.flatten(0, 1), targets.repeat(len(inputs)), "probability")
        without.append(to_float64(found).view(len(part), samples, len(images)).mean(dim=1))
    before = log_odds(to_float64(target_outputs(model, images, targets, "probability")), training_size, model.num_classes)
    lost = before[:, None] - log_odds(torch.cat(without).T, training_size, model.num_classes)
    rows, columns = (
        spans(torch.tensor(starts, device=images.device), window, length) for starts, length in ((tops, height), (lefts, width))
    )
    return mean_over_windows(lost.to(images).reshape(-1, len(tops), len(lefts)), rows, columns)


def log_odds(probability: Tensor, training_size: int, classes: int) -> Tensor:
    """log₂ odds after Laplace's correction."""
    corrected = (probability * training_size + 1) / (training_size + classes)
    return torch.log2(corrected / (1 - corrected))
