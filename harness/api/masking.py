"""Images of which a part is replaced, and what a model says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import torch
from torch import Tensor

from harness.api.classifiers import Classifier
from harness.api.context import Context
from harness.api.normalised_convolution import convolution_imputation
from harness.api.preprocessing import ReferenceKind
from harness.api.target_logits import target_logits

Output = Literal["logit", "probability"]
"""The output that is explained: the target's logit, or its probability as the model has it (`Classifier.output`)."""

Baseline = ReferenceKind | Literal["noise"]
"""An input that stands for nothing: a reference of `Classifier.reference`, or uniform noise over the input's range."""

HoleBaseline = Baseline | Literal["convolution"]
"""A baseline, or in-painting by normalised convolution, of what is kept around a hole."""

Replacement = Callable[[Tensor], Tensor]
"""Shares of pixels that are kept ``(S, B or 1, H, W)``, bool or real in 0 … 1 → inputs ``(S, B, C, H, W)``."""

Shares = Callable[[range], Tensor]
"""Numbers of masks → ``(S, B or 1, H, W)``, the share of each pixel that is kept: bool, or real in 0 … 1."""

PIXELS = {"cpu": 2**18, "cuda": 2**22}
"""Pixels that a forward pass takes at once, or those of one batch: a CPU should stay near its caches, and what hidden layers of a large
network make of 80 images of 224 pixels fits into any GPU."""


def baseline_input(model: Classifier, images: Tensor, kind: Baseline, ctx: Context) -> Tensor:
    """``(B, C, H, W)`` what each of ``images`` is replaced by."""
    if kind != "noise":
        return model.reference(kind, images)
    low, high = model.input_range(images)
    return low + (high - low) * ctx.fresh(f"{ctx.purpose}: baseline").uniform(images.shape[1:]).to(images)


def mixed_with(images: Tensor, baseline: Tensor) -> Replacement:
    """Images where a share is 1, ``baseline`` (B, C, H, W) where it is 0, and their mixture between."""

    def replaced(shares: Tensor) -> Tensor:
        weights = shares[:, :, None]
        return torch.where(weights, images, baseline) if shares.dtype == torch.bool else torch.lerp(baseline, images, weights.to(images))

    return replaced


def hole_replacement(model: Classifier, images: Tensor, kind: HoleBaseline, ctx: Context) -> Replacement:
    """Replacement of whole pixels by ``kind``."""
    if kind != "convolution":
        return mixed_with(images, baseline_input(model, images, kind, ctx))

    def filled(shares: Tensor) -> Tensor:
        removed = ~shares.expand(-1, len(images), -1, -1)
        repeated = images.expand(len(removed), *images.shape)
        return convolution_imputation(repeated.flatten(0, 1), removed.flatten(0, 1)).view_as(repeated)

    return filled


def nothing_kept(images: Tensor, replace: Replacement) -> Tensor:
    """``(B, C, H, W)`` what is left of images when every pixel is replaced."""
    return replace(torch.zeros(1, 1, *images.shape[-2:], dtype=torch.bool, device=images.device))[0]


def shared_streams(ctx: Context, streams: int, numbers: int, images: Tensor) -> Tensor:
    """Uniform numbers ``(streams, numbers)`` that belong to the seed and to no sample: the same for every batch.

    Each stream has its own numbers whatever the number of streams.
    """
    shared = ctx.fresh(f"{ctx.purpose}: shared by all samples").about([f"stream {number}" for number in range(streams)])
    return shared.uniform((numbers,)).to(images.device)


def target_outputs(model: Classifier, inputs: Tensor, targets: Tensor, output: Output) -> Tensor:
    """``(B,)`` each input's logit or probability of its own target, without gradients."""
    if output == "logit":
        return target_logits(model, inputs, targets)
    with torch.no_grad():
        return model.probabilities(model(inputs)).gather(1, targets[:, None])[:, 0]


def chunks(total: int, images: Tensor, copies: int = 1) -> Iterator[range]:
    """``range(total)`` in successive parts that `PIXELS` has room for, of which each takes ``copies`` of all images; at least one."""
    room = PIXELS["cuda" if images.is_cuda else "cpu"]
    at_once = max(1, room // (copies * len(images) * images.shape[-2] * images.shape[-1]))
    return (range(start, min(start + at_once, total)) for start in range(0, total, at_once))


def predictions(
    model: Classifier, images: Tensor, targets: Tensor, *, masks: int, kept: Shares, replace: Replacement, output: Output
) -> Iterator[tuple[range, Tensor, Tensor]]:
    """What a model says of masked images, as many masks at a time as `PIXELS` has room for.

    Yields the numbers of some masks, their shares ``(S, B or 1, H, W)``, and outputs ``(S, B)`` of what ``replace`` makes of them.
    """
    for part in chunks(masks, images):
        shares = kept(part)
        found = target_outputs(model, replace(shares).flatten(0, 1), targets.repeat(len(part)), output)
        yield part, shares, found.view(len(part), len(images))


def all_predictions(
    model: Classifier, images: Tensor, targets: Tensor, *, masks: int, kept: Shares, replace: Replacement, output: Output
) -> Tensor:
    """`predictions` of all masks: ``(B, masks)``."""
    parts = predictions(model, images, targets, masks=masks, kept=kept, replace=replace, output=output)
    return torch.cat([images.new_zeros(0, len(images)), *(found for _, _, found in parts)]).T
