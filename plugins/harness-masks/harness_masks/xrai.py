"""XRAI: regions in the order of how much attribution they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from harness.api import Classifier, Context, Explainer, explainer, to_float64
from harness.api.gradients import no_gradient_reason
from harness.api.target_logits import mean_gradients
from harness.api.transfer import sent
from harness_masks import citations
from harness_masks.segments import overlapping_segments


def passes(params: Mapping[str, Any]) -> float | None:
    """Forward-equivalents of Integrated Gradients from two references; of other explainers they are not known here."""
    return 4.0 * params["steps"] if params["over"] is None else None


def no_reason(model: Classifier, over: Explainer | None = None) -> str | None:
    """Reason why gradients say nothing of ``model``; another explainer has reasons of its own."""
    return no_gradient_reason(model) if over is None else None


@explainer(family="perturbation", signed=True, passes=passes, cite=citations.XRAI)
def xrai(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    steps: Annotated[int, Field(ge=1)] = 100,
    channels: Literal["max", "sum"] = "max",
    side: Annotated[int, Field(ge=16)] = 224,
    dilation: Annotated[int, Field(ge=0)] = 5,
    smallest: Annotated[int, Field(ge=1)] = 50,
    over: Explainer | None = None,
    ctx: Context,
) -> Tensor:
    """XRAI: the mean attribution of regions, joined in the order of what each adds (Kapishnikov et al. 2019, algorithm 1).

    Returns ``(B, H, W)``, signed. Integrated Gradients from black and from white are averaged; the image is cut up at six scales, each
    segment grown; of all, the one is taken whose pixels that are not covered yet have the greatest mean, which they get, and so on, as by
    the authors' library (`saliency`). One image after another is cut up on the CPU, which takes about a second.

    Args:
        steps: of each path, at the middles of equal parts.
        channels: what the attribution of a pixel is: the greatest of its channels, as in the authors' library, or their sum.
        side: pixels to which the image is brought to be cut up; the scales are meant for 224.
        dilation: pixels by which a segment is grown.
        smallest: pixels that a segment has to add; what is left over in the end gets its mean.
        over: the explainer whose maps, channels summed, are used instead of Integrated Gradients.
    """
    if over is not None:
        maps = over(model, images, targets, ctx=ctx).map
    else:
        gradients = integrated_from_black_and_white(model, images, targets, steps)
        maps = gradients.amax(dim=1) if channels == "max" else gradients.sum(dim=1)
    pictures = model.denormalise(images.detach()).cpu().permute(0, 2, 3, 1).double().numpy()
    found = [
        joined_regions(overlapping_segments(picture, dilation, side).numpy(), attribution, smallest)
        for picture, attribution in zip(pictures, to_float64(maps).cpu().numpy(), strict=True)
    ]
    return sent(torch.from_numpy(np.stack(found)).to(images.dtype), images.device)


xrai.applicable = no_reason  # type: ignore[attr-defined]


def integrated_from_black_and_white(model: Classifier, images: Tensor, targets: Tensor, steps: int) -> Tensor:
    """``(B, C, H, W)``: the mean of Integrated Gradients from the least and from the greatest input."""
    low, high = model.input_range(images)
    total = torch.zeros_like(images)
    for reference in (low, high):
        start = reference.expand_as(images)
        total += (images - start) * mean_gradients(model, start, images, targets, steps)
    return total / 2


def joined_regions(segments: NDArray[np.bool_], attribution: NDArray[np.float64], smallest: int) -> NDArray[np.float64]:
    """``(H, W)``: at each pixel the mean ``attribution`` (H, W) of what its segment, of ``segments`` (S, H, W), added when it was taken.

    The next is always the segment whose new pixels have the greatest mean, the first of equal ones; those with fewer than ``smallest`` are
    left, and the pixels that no segment has in the end have their mean.
    """
    values, rest = attribution.ravel(), segments.reshape(len(segments), -1)
    found, open_ = np.empty_like(values), np.ones(len(values), dtype=bool)
    sums, sizes = rest @ values, rest.sum(axis=1)
    while (large := sizes >= smallest).any():
        means = np.where(large, sums / np.maximum(sizes, 1), -np.inf)
        best = int(means.argmax())
        added = rest[best] & open_
        found[added] = values[added].mean()
        open_ &= ~added
        sums -= rest[:, added] @ values[added]
        sizes -= rest[:, added].sum(axis=1)
    if open_.any():
        found[open_] = values[open_].mean()
    return found.reshape(attribution.shape)
