"""The oracle: maps made of the samples' masks, by which metrics are tried. Explainers are given no mask."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.api.blurring import gaussian_blur
from harness.api.classifiers import Classifier
from harness.api.context import Context
from harness.registry.recipe import Recipe
from harness.worker.batching import Batching
from harness.worker.bound_components import BoundExplainer
from harness.worker.samples import SampleBatch

BLUR_SIGMA = 2.0  # pixels


def oracle_explainer(recipe: Recipe, samples: SampleBatch, batching: Batching) -> BoundExplainer:
    """What explains ``samples`` by their masks, whatever is asked of it: it finds them by the ids in ``ctx``.

    Of an image that is none of them (a training image that a metric compares with) it knows no mask: the map is 0.
    """
    masks = torch.zeros_like(samples.images[:, 0]) if samples.masks is None else samples.masks
    truths = dict(zip(samples.ids, maps_from_masks(masks), strict=True))
    unknown = torch.zeros_like(masks[0], dtype=torch.float32)

    def oracle(model: Classifier, images: Tensor, targets: Tensor, *, ctx: Context) -> Tensor:
        return torch.stack([truths.get(sample, unknown) for sample in ctx.ids])

    return BoundExplainer(recipe, oracle, takes_ctx=True, batching=batching)


def maps_from_masks(masks: Tensor) -> Tensor:
    """Maps ``(B, H, W)`` that are 0 outside ``masks`` (B, H, W), positive inside, and the higher the more of the mask is around."""
    inside = masks[:, None].float()
    return (inside * gaussian_blur(inside, BLUR_SIGMA))[:, 0]
