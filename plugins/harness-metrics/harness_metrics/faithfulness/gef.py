"""Generalised explanation faithfulness (Hedström et al. 2025)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, Classifier, Unexplained, metric
from harness.api.network_copies import noisy_networks
from harness_metrics.curves import original_outputs
from harness_metrics.faithfulness.citations import HEDSTROEM_2025
from harness_metrics.maps import share
from harness_metrics.similarity import spearman

LEAST = 1e-3
"""Deviation of the least noise on weights."""
TRIED, RUNS = range(2, 21), 5
"""Tenths of a deviation that are tried for the greatest one, and how often it is looked for."""


def gef_passes(params: Mapping[str, object]) -> float:
    """Times what explaining takes: once for each noisy network."""
    return float(str(params["levels"])) * float(str(params["draws"]))


@metric(
    category="faithfulness",
    direction="higher",
    needs={"explainer"},
    bounds=(-1, 1),
    passes=gef_passes,
    by={"greatest": {"null": {"needs": {"explainer", "training-data"}}}},
    cite=HEDSTROEM_2025,
)
def gef(
    case: Case,
    *,
    levels: Annotated[int, Field(ge=3)] = 5,
    draws: Annotated[int, Field(ge=1)] = 5,
    greatest: Annotated[float, Field(gt=LEAST)] | None = None,
    training: Annotated[int, Field(ge=1)] = 200,
) -> Tensor:
    """Rank correlation of how far the map moves with how far the output moves, as the model's weights get noisier.

    Hedström et al. 2025 (generalised explanation faithfulness, GEF), in the form that they call Fast-GEF: every weight is multiplied by
    noise N(1, σ²), σ in equal steps from 0.001 to the deviation at which the model answers at random; the distortion of the model is the
    absolute change of the target's logit, that of the explanation the Euclidean distance of the maps, each divided by the root of its mean
    square (in the authors' code by that of the whole batch); the score is Spearman's correlation of the two over the levels of noise,
    averaged over draws. (Exact GEF measures the map's way in a metric that is pulled back from the output. In the code that was published
    with the paper its noise on activations does not reach the maps, so that it is the fourth power of the same distance, summed along
    the way.)

    Args:
        case: the samples; their explainer explains them again on the noisy networks, which are the same for all samples and explainers.
        levels: deviations.
        draws: of noise on all levels, over which the score is the mean.
        greatest: deviation; by default it is found on training images, as the authors find it on the images that they score: from 0.2 on
            (here up to 2) in steps of 0.1 the first at which the share of images that keep their class is not above chance by more than a
            tenth of that (0.01 at least), the mean of 5 runs.
        training: how many training images it is found on.

    Returns:
        ``(B,)`` in [-1, 1], higher is better; the mean over draws in which neither is constant, NaN where there is none: for maps that are
        0 everywhere, and for explainers that look at no weights.
    """
    path = deviations(randomising_deviation(case, training) if greatest is None else greatest, levels) * draws
    own = _scaled(case.attributions)
    moved = torch.stack([_distance(_scaled(case.explain(model=noisy)), own) for noisy in _networks(case, path)], dim=1)
    answers = case.for_all_explainers(["logits of noisy networks", path], lambda samples: _logits(samples, path))
    changed = (answers - original_outputs(case)[:, 1:]).abs()
    correlations = spearman(changed.reshape(-1, levels), moved.reshape(-1, levels)).view(-1, draws)
    return correlations.nanmean(dim=1).float()


def deviations(greatest: float, levels: int) -> list[float]:
    """From `LEAST` to the greatest, in equal steps.

    >>> deviations(0.501, 3)
    [0.001, 0.251, 0.501]
    """
    return [round(LEAST + (greatest - LEAST) * level / (levels - 1), 9) for level in range(levels)]


def randomising_deviation(case: Case, training: int) -> float:
    """The deviation of noise on weights under which the model's classes of training images are chance; found once for a model."""

    def find() -> float:
        images = case.ctx.background(training).to(case.images)
        classes = case.predict(images).argmax(dim=1)
        chance = 1 / case.model.num_classes
        limit = chance + max(0.1 * chance, 0.01)
        found, tried = [], [tenths / 10 for tenths in range(TRIED.start, TRIED.stop)]
        for run in range(RUNS):
            noisy = noisy_networks(case.model, tried, case.ctx.fresh(f"noise that makes a model random, {run}"))
            kept = ((case.predict(images, model=network).argmax(dim=1) == classes).float().mean() for network in noisy)
            found.append(next((deviation for deviation, part in zip(tried, kept, strict=True) if part <= limit), tried[-1]))
        return sum(found) / RUNS

    return case.ctx.lasting(("harness-metrics", "deviation that makes a model random", training), find)


def _networks(samples: Unexplained, path: list[float]) -> Iterator[Classifier]:
    """The same for what is shared as for this metric's own maps: the stream's purpose is theirs alone."""
    return noisy_networks(samples.model, path, samples.ctx.fresh("noise on weights"))


def _logits(samples: Unexplained, path: list[float]) -> Tensor:
    """``(B, len(path))`` the target's logit by each noisy network."""
    answers = [samples.predict(samples.images, model=noisy).gather(1, samples.targets[:, None]) for noisy in _networks(samples, path)]
    return torch.cat(answers, dim=1).float()


def _scaled(maps: Tensor) -> Tensor:
    """``(B, P)`` double: each map over the root of its mean square; NaN for one that is 0 everywhere."""
    values = maps.flatten(1).double()
    values = share(values, values.abs().amax(dim=1, keepdim=True))
    return values / values.square().mean(dim=1, keepdim=True).sqrt()


def _distance(a: Tensor, b: Tensor) -> Tensor:
    return torch.linalg.vector_norm(a - b, dim=1)
