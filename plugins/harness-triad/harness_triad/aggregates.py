"""The aggregates of Rieger and Hansen, over any explainers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Annotated

from pydantic import Field
from torch import Tensor

from harness.api import Attribution, Classifier, Context, Explainer, explainer
from harness_triad.citations import RIEGER_HANSEN
from harness_triad.fusion import Negative, mean, variance
from harness_triad.parts import fused
from harness_triad.triad import FRAMEWORK

Over = Annotated[list[Explainer], Field(min_length=1)]
OF_THE_TRIAD = list(FRAMEWORK.values())


@explainer(family="ensembles", signed=True, cite=RIEGER_HANSEN)
def agg_mean(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    over: Over = OF_THE_TRIAD,  # type: ignore[assignment]
    negative: Negative = "keep",
    ctx: Context,
) -> Attribution:
    """AGG-Mean: the mean of several explainers' maps, each of unit mass (Rieger and Hansen 2019).

    Returns ``(B, H, W)`` of at most unit mass, with the maps that it is made of as parts. It takes the passes of all of them.

    Args:
        over: the explainers whose maps are averaged; by default those of the triad, whose fusion ``mean`` this is.
        negative: whether negative evidence is kept, dropped or counted by its size in every map before.
    """
    return fused(named(over), mean, negative, model, images, targets, ctx)


@explainer(family="ensembles", signed=True, cite=RIEGER_HANSEN)
def agg_var(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    over: Over = OF_THE_TRIAD,  # type: ignore[assignment]
    stabiliser: Annotated[float, Field(gt=0)] = 10.0,
    negative: Negative = "keep",
    ctx: Context,
) -> Attribution:
    """AGG-Var: the mean of several explainers' maps, less where they deviate from one another (Rieger and Hansen 2019).

    Returns ``(B, H, W)``: AGG-Mean divided by 1 + σ/ε, where σ is the standard deviation of the maps at the pixel, and ε a number of times
    its mean over the image. That is the paper's mean / (σ + ε) up to one positive factor per image. The maps that it is made of are parts.
    It takes the passes of all of them.

    Args:
        over: the explainers whose maps are averaged; by default those of the triad, whose fusion ``variance`` this is.
        stabiliser: ε as a multiple of the mean deviation.
        negative: whether negative evidence is kept, dropped or counted by its size in every map before.
    """
    return fused(named(over), partial(variance, stabiliser=stabiliser), negative, model, images, targets, ctx)


def named(explainers: Sequence[Explainer]) -> dict[str, Explainer]:
    """Explainers by their names, numbered where several have one."""
    counts, seen, found = Counter(each.name for each in explainers), Counter[str](), {}
    for each in explainers:
        seen[each.name] += 1
        found[each.name if counts[each.name] == 1 else f"{each.name} {seen[each.name]}"] = each
    return found
