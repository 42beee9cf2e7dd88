"""Perturbed neighbours of each sample, their predictions and how far their maps are: computed once for all metrics that ask for the same.

A neighbour is the image plus noise from the sample's own stream, so that neither the batch nor the explainer decides which neighbours a
sample has. They are made, predicted and explained in parts that fit into memory, many in one call.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from harness.api import Case, Unexplained
from harness_metrics.curves import original_logits
from harness_metrics.imputation import input_range
from harness_metrics.memory import runs_of

Noise = Literal["uniform", "gaussian"]
"""Uniform in the L∞ ball of a radius, or Gaussian with the radius as its standard deviation."""

EPSILON = 1e-6
"""Stands for a 0 that is divided by: Quantus's ``eps_min``."""


@dataclass(frozen=True)
class Neighbourhood:
    """Neighbours of a sample: ``samples`` draws of ``noise`` with a ``radius`` that is a share of the range of the inputs (per channel)."""

    noise: Noise
    radius: float
    samples: int

    def parts(self, case: Unexplained) -> Iterator[Tensor]:
        """All neighbours in order, ``(S, B, C, H, W)`` at a time, as many draws as fit into the budget; they are not clamped."""
        low, high = input_range(case)
        reach = self.radius * (high - low)
        ctx = case.ctx.fresh(f"{self.noise} perturbations")
        shape = case.images.shape[1:]
        for run in runs_of(self.samples, case.images):
            draws = len(run)
            noise = ctx.noise(shape, draws=draws) if self.noise == "gaussian" else 2 * ctx.uniform(shape, draws=draws) - 1
            yield case.images + reach * noise.to(case.images)


@dataclass(frozen=True)
class Changes:
    """Distances of neighbours from their samples, each ``(B, S)``, double.

    Attributes:
        maps: Frobenius norm of Φ(x′) − Φ(x).
        normalised: the same after each map was divided by its own largest absolute value; NaN where Φ(x) is 0 everywhere.
        relative: norm of (Φ(x′) − Φ(x)) / Φ(x), pixel by pixel; NaN where Φ(x) is 0 everywhere.
        inputs: Euclidean norm of x′ − x, in units of the range of the inputs.
        relative_inputs: norm of (x′ − x) / x, value by value of the input as the model takes it.
    """

    maps: Tensor
    normalised: Tensor
    relative: Tensor
    inputs: Tensor
    relative_inputs: Tensor


def changes(case: Case, around: Neighbourhood) -> Changes:
    """Explain every neighbour for its sample's target, and measure; computed once for all metrics."""
    return case.shared(("harness-metrics", "changes of maps", around), lambda: measured(case, around.parts(case)))


def measured(case: Case, parts: Iterator[Tensor]) -> Changes:
    """`Changes` of images ``(S, B, C, H, W)`` that stand for those of the case."""
    low, high = input_range(case)
    original = case.attributions.double()
    measures = []
    for images in parts:
        maps, inputs = explained(case, images).double(), (images - case.images).double()
        measures.append(
            (
                norm(maps - original, 2),
                norm(peaked(maps) - peaked(original), 2).masked_fill((original == 0).all(dim=(-2, -1)), torch.nan),
                norm(elementwise_change(maps, original, 2), 2),
                norm(inputs / (high - low), 3),
                norm(inputs / nonzero(case.images.double(), 1.0), 3),
            )
        )
    return Changes(*(torch.cat(measure).T for measure in zip(*measures, strict=True)))


def explained(case: Case, images: Tensor, targets: Tensor | None = None) -> Tensor:
    """Maps ``(S, B, H, W)`` of changed images ``(S, B, C, H, W)``, each with its sample's random stream, for ``targets`` (S, B)."""
    rows = torch.arange(images.shape[1]).repeat(len(images))
    maps = case.explain(images.flatten(0, 1), None if targets is None else targets.flatten(), index=rows)
    return maps.view(*images.shape[:2], *maps.shape[1:])


class Answers(NamedTuple):
    """Answers of the model to neighbours, each ``(B, S)``.

    Attributes:
        classes: that it predicts, int64.
        moved: Euclidean norm of the change of all logits, double.
    """

    classes: Tensor
    moved: Tensor


def answers(case: Case, around: Neighbourhood) -> Answers:
    """`Answers` of all neighbours, computed once for all metrics and explainers."""

    def compute(samples: Unexplained) -> Tensor:
        original, found = original_logits(samples), []
        for images in around.parts(samples):
            logits = samples.predict(images.flatten(0, 1)).view(*images.shape[:2], -1)
            found.append(torch.stack([logits.argmax(dim=2).double(), norm((logits - original).double(), 1)], dim=2))
        return torch.cat(found).transpose(0, 1)

    found = case.for_all_explainers(["answers to neighbours", around.noise, around.radius, around.samples], compute)
    return Answers(found[..., 0].long(), found[..., 1])


def norm(values: Tensor, dims: int) -> Tensor:
    """Euclidean norm over the last ``dims`` dimensions."""
    length: Tensor = torch.linalg.vector_norm(values, dim=tuple(range(-dims, 0)))
    return length


def peaked(maps: Tensor) -> Tensor:
    """Each of ``(…, H, W)`` divided by its largest absolute value; a map that is 0 everywhere stays."""
    largest = maps.abs().amax(dim=(-2, -1), keepdim=True)
    return torch.where(largest > 0, maps / largest, maps)


def nonzero(values: Tensor, unit: Tensor | float) -> Tensor:
    """``values`` with `EPSILON` units in the place of 0."""
    return torch.where(values == 0, EPSILON * unit, values)


def elementwise_change(after: Tensor, before: Tensor, dims: int) -> Tensor:
    """``(after − before) / before``, element by element; 0 is `EPSILON` of the largest absolute value over the last ``dims`` dimensions.

    NaN where ``before`` is 0 everywhere.

    >>> elementwise_change(torch.tensor([3.0, 2.0]), torch.tensor([2.0, 4.0]), 1).tolist()
    [0.5, -0.5]
    """
    largest = before.abs().amax(dim=tuple(range(-dims, 0)), keepdim=True)
    return (after - before) / nonzero(before, torch.where(largest > 0, largest, torch.nan))
