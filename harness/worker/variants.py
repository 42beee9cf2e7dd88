"""Makes what a variant alters: the model, the images or the explainer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from harness.api.classifiers import Classifier
from harness.api.context import Context
from harness.meta.disturbances import disturb_images, disturb_model
from harness.meta.oracle import maps_from_masks
from harness.planning.variants import ORACLE, ORACLE_EVIDENCE, Variant
from harness.worker.batching import Batching
from harness.worker.bound_components import BoundExplainer
from harness.worker.samples import SampleBatch


def alter_model(model: Classifier, variant: Variant) -> Classifier:
    """The model that is explained under a variant: a copy, or the model itself."""
    if variant.kind == "random model":
        return model.randomised(variant.seed)
    if variant.kind == "weights":
        return disturb_model(model, variant.scale, seed=variant.seed, repeat=variant.repeat)
    return model


def alter_images(images: Tensor, ids: Sequence[str], model: Classifier, variant: Variant) -> Tensor:
    """The images ``(B, C, H, W)`` that are explained under a variant."""
    if variant.kind != "inputs":
        return images
    return disturb_images(images, ids, model, variant.scale, seed=variant.seed, repeat=variant.repeat)


def oracle_explainer(samples: SampleBatch, batching: Batching) -> BoundExplainer:
    """Explainer of ``samples`` by their masks, whatever is asked of it: it finds them by the ids in ``ctx``.

    Of an image that is none of them (a training image that a metric compares with) it knows no mask: the map is 0.
    """
    masks = cast(Tensor, samples.evidence.get(ORACLE_EVIDENCE, torch.zeros_like(samples.images[:, 0])))
    truths = dict(zip(samples.ids, maps_from_masks(masks), strict=True))
    unknown = torch.zeros_like(masks[0], dtype=torch.float32)

    def oracle(model: Classifier, images: Tensor, targets: Tensor, *, ctx: Context) -> Tensor:
        return torch.stack([truths.get(sample, unknown) for sample in ctx.ids])

    return BoundExplainer(ORACLE, oracle, takes_ctx=True, batching=batching)
