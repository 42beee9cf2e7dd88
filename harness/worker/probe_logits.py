"""A model's answers to fixed inputs: what tells that a model which was made again computes what it did before."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from harness.api.classifiers import Classifier
from harness.api.randomness import restored_generators
from harness.planning.facts import COARSE_TOLERANCE, TOLERANCE

MAX_KEPT_LOGITS = 16  # logits of each input that are kept; the others are in their norm


def compute_probe_logits(model: Classifier, *, steady: bool = False) -> list[list[float]] | None:
    """Answers of a model to two fixed images, noise and a smooth one: up to `MAX_KEPT_LOGITS` logits of each, and the norm of all.

    None if it raises, or answers what is not finite. With ``steady`` also if it answers otherwise under another seed of the global
    generator: a model that draws random numbers cannot be told by its answers.
    """
    first = _seeded_logits(model, 0)
    if first is None or (
        steady and ((second := _seeded_logits(model, 1)) is None or not torch.allclose(first, second, rtol=1e-4, atol=1e-6))
    ):
        return None
    places = torch.linspace(0, first.shape[1] - 1, min(MAX_KEPT_LOGITS, first.shape[1])).round().long()
    return torch.cat([first[:, places], first.norm(dim=1, keepdim=True)], dim=1).tolist()


def _seeded_logits(model: Classifier, seed: int) -> Tensor | None:
    with restored_generators(), torch.no_grad():
        torch.manual_seed(seed)
        try:
            found = model(model.normalise(_probe_images(model.input_shape)).to(model.dtype)).detach().to("cpu", torch.float64)
        except Exception:
            return None
    return found if found.ndim == 2 and bool(torch.isfinite(found).all()) else None


def _probe_images(shape: tuple[int, int, int]) -> Tensor:
    """The fixed images ``(2, C, H, W)`` in [0, 1]."""
    generator = torch.Generator().manual_seed(0)
    noise, coarse = torch.rand(1, *shape, generator=generator), torch.rand(1, shape[0], 3, 3, generator=generator)
    return torch.cat([noise, F.interpolate(coarse, size=shape[1:], mode="bilinear", align_corners=True)])


def probe_tolerance(model: Classifier, precision: str) -> float:
    """Difference that may lie between two answers of one model."""
    exact = precision == "fp32" and model.dtype in (torch.float32, torch.float64)
    return TOLERANCE if exact else COARSE_TOLERANCE
