"""Sufficiency (Dasgupta et al. 2022)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.citations import DASGUPTA_2022
from harness_metrics.maps import share
from harness_metrics.parameters import Samples
from harness_metrics.passes import explanations
from harness_metrics.similarity import average_ranks

Likeness = Literal["cosine", "pearson", "spearman"]


@metric(
    category="faithfulness",
    direction="higher",
    needs={"explainer", "training-data"},
    bounds=(0, 1),
    passes=explanations,  # for a whole batch: its samples are all held against the same training images
    cite=DASGUPTA_2022,
)
def sufficiency(
    case: Case,
    *,
    samples: Samples = 100,
    neighbours: Annotated[int, Field(ge=1)] = 10,
    similarity: Likeness = "cosine",
    absolute: bool = False,
) -> Tensor:
    """Share of training images with a similar explanation that get the same prediction.

    Dasgupta et al. 2022, local sufficiency: ``Pr(f(x') = f(x))`` over the inputs x' of the data distribution to which the explanation of x
    applies too. The distribution is that of the training images; an explanation applies to the ``neighbours`` of ``samples`` training
    images whose own maps, for their own predicted classes, are most similar. A number of neighbours suits every explainer, where a
    threshold on the similarity would find all images under a smooth map and none under a noisy one.

    Quantus compares the samples of one batch with each other: a map is near where its distance, standardised by the variance of each pixel
    over the batch, is within 0.6 of the batch's largest. There a score depends on the batch, and is 0 where nothing is near.

    Args:
        case: the samples; their explainer explains the training images.
        samples: training images, the same for every sample and explainer.
        neighbours: how many of them, at most ``samples``, the explanation is taken to apply to.
        similarity: between maps as vectors of pixels.
        absolute: compare |a| instead of the signed values.

    Returns:
        ``(B,)`` in [0, 1], higher is better; a map that says nothing of the class scores the share of the target among the predictions. NaN
        where a map is 0 everywhere (or constant, but for ``cosine``), or where fewer than ``neighbours`` training images other than the
        sample itself have a map that is not.
    """
    if neighbours > samples:
        raise ValueError(f"{neighbours} neighbours of {samples} training images: choose at most as many")
    images, predicted, maps = explained_training(case, samples)
    if absolute:
        maps = maps.abs()
    own = directions(case.attributions.abs() if absolute else case.attributions, similarity)
    alike = (own @ directions(maps, similarity).T).masked_fill(same(case.images, images), torch.nan)
    return share_of_nearest(alike, predicted[None] == case.targets[:, None], neighbours)


def share_of_nearest(alike: Tensor, agree: Tensor, neighbours: int) -> Tensor:
    """Mean of ``agree`` (B, N) where ``alike`` (B, N) is largest: ``(B,)``; NaN where fewer than ``neighbours`` are not NaN.

    >>> share_of_nearest(torch.tensor([[0.9, 0.1, 0.8]]), torch.tensor([[True, True, False]]), neighbours=2).item()
    0.5
    """
    known = ~alike.isnan()
    nearest = alike.masked_fill(~known, -torch.inf).argsort(dim=1, descending=True, stable=True)[:, :neighbours]
    scores = agree.gather(1, nearest).double().mean(dim=1)
    return scores.masked_fill(known.sum(dim=1) < neighbours, torch.nan)


def directions(maps: Tensor, similarity: Likeness) -> Tensor:
    """``(B, H, W)`` → ``(B, P)`` unit vectors whose products are the similarities; NaN where there is no direction."""
    rows = average_ranks(maps.flatten(1)) if similarity == "spearman" else maps.flatten(1).double()
    if similarity != "cosine":
        constant = rows.amax(dim=1, keepdim=True) == rows.amin(dim=1, keepdim=True)
        rows = (rows - rows.mean(dim=1, keepdim=True)).masked_fill(constant, 0)
    return share(rows, torch.linalg.vector_norm(rows, dim=1, keepdim=True))


def same(images: Tensor, others: Tensor) -> Tensor:
    """``(B, N)`` which images are which others: as told by their products with one random vector."""
    vector = torch.randn(images[0].numel(), 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(images.device)
    products, others_products = images.flatten(1).double() @ vector, others.flatten(1).double() @ vector
    return (products - others_products.T).abs() <= 1e-9 * products.abs()


def explained_training(case: Case, samples: int) -> tuple[Tensor, Tensor, Tensor]:
    """Training images ``(N, C, H, W)``, their predicted classes ``(N,)`` and the maps ``(N, H, W)`` for them, once for all metrics.

    A training image is explained with a random stream of its own, so that its map is the same whatever the batch.
    """

    def compute() -> tuple[Tensor, Tensor, Tensor]:
        images = case.ctx.background(samples).to(case.images)
        predicted = case.predict(images).argmax(dim=1)
        like = case.explaining or case.ctx
        streams = like.about([f"training image {i}" for i in range(len(images))])
        maps = replace(case, images=images, targets=predicted, explaining=streams).explain()
        return images, predicted, maps

    return case.shared(("harness-metrics", "explained training images", samples), compute)
