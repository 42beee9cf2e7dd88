"""The digits with masks, a metric that asks the model by itself, and components that only the CPU suits. Given as ``--plugin``."""

from __future__ import annotations

from typing import Literal

import torch
from harness_torchvision.digits import Digits
from torch import Tensor

from harness.api import Case, Classifier, Sample, dataset, explainer, metric


class Masked(Digits):
    """Digits whose mask is what is bright, whose human map how bright it is, and whose parts are its halves."""

    def __getitem__(self, index: int) -> Sample:
        sample = super().__getitem__(index)
        without = torch.stack([half.clone() for half in (sample.image,) * 2])
        without[0, :, :4], without[1, :, 4:] = 0, 0
        evidence = {"mask": sample.image[0] > 0.5, "human-map": sample.image[0].sqrt(), "counterfactuals": without}
        return Sample(sample.image, sample.label, sample.id, evidence=evidence)


@dataset(selection={"samples"})
def masked_digits(*, split: Literal["train", "validation", "test"] = "test", samples: int | None = None) -> Masked:
    """Digits with masks and human maps of what is bright."""
    return Masked(split, samples)


@metric(category="faithfulness", direction="higher")
def steepness(case: Case) -> Tensor:
    """Correlation of the map with the size of the gradient."""
    images = case.images.clone().requires_grad_()
    with torch.enable_grad():
        logits = case.model(images).gather(1, case.targets[:, None]).sum()
        slope = torch.autograd.grad(logits, images)[0].abs().sum(dim=1)
    pairs = torch.stack([slope.flatten(1), case.attributions.flatten(1)], dim=1).double()
    return torch.stack([torch.corrcoef(pair)[0, 1] for pair in pairs])


@metric(category="complexity", direction="higher", passes=0)
def imprint(case: Case) -> Tensor:
    """A number that tells maps apart: each pixel's value times a weight of its own, relative to the mass."""
    maps = case.attributions.flatten(1)
    weights = 1 + torch.arange(maps.shape[1], dtype=maps.dtype, device=maps.device) * 0.618034 % 1
    return (maps * weights).sum(dim=1) / maps.abs().sum(dim=1)


@explainer()
def wide(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """The image, by way of float64."""
    return images.double().mean(dim=1)


@metric(category="complexity", direction="lower")
def careless(case: Case) -> Tensor:
    """The mass of the map, weighted by a tensor that is made where tensors are made by default."""
    return (case.attributions * torch.ones(case.attributions.shape[1:])).flatten(1).sum(dim=1)
