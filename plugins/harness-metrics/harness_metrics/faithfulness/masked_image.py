"""The image as its own map lets it through."""

from __future__ import annotations

from torch import Tensor

from harness.api import Case
from harness_metrics.curves import target_probability
from harness_metrics.imputation import ImageReference, reference_input
from harness_metrics.maps import mass


def masked_images(images: Tensor, masks: Tensor, reference: Tensor) -> Tensor:
    """``masks · images + (1 − masks) · reference``: ``(B, C, H, W)`` for masks ``(B, H, W)`` in [0, 1]."""
    return reference.lerp(images, masks[:, None].to(images))


def case_masked_images(case: Case, reference: ImageReference, absolute: bool) -> Tensor:
    """``(B, C, H, W)`` a case's images under their maps.

    The map is its positive part, or its absolute value, divided by its maximum; where that is 0 everywhere, the reference remains.
    """
    return masked_images(case.images, mass(case.attributions, absolute), reference_input(case, reference))


def masked_logits(case: Case, reference: ImageReference, absolute: bool) -> Tensor:
    """``(B, K)`` for the images under their maps (`case_masked_images`), computed once for all metrics."""
    key = ("harness-metrics", "masked logits", reference, absolute)
    return case.shared(key, lambda: case.predict(case_masked_images(case, reference, absolute)))


def masked_probability(case: Case, reference: ImageReference, absolute: bool) -> Tensor:
    """``(B,)`` the target's probability for the image under its map."""
    return target_probability(case.model, masked_logits(case, reference, absolute), case.targets)
