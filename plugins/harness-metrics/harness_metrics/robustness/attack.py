"""An attack on the explanation that keeps the prediction (Ghorbani et al. 2019)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, Context, metric
from harness.api.transfer import sent
from harness_metrics.citations import GHORBANI_2019
from harness_metrics.curves import original_logits
from harness_metrics.imputation import input_range
from harness_metrics.maps import share
from harness_metrics.memory import runs_of
from harness_metrics.parameters import Radius, Samples
from harness_metrics.similarity import similarity as similarity_of

Measure = Literal["top", "spearman", "pearson", "cosine", "ssim", "hog"]
"""Top-k intersection, or a `harness_metrics.similarity.Similarity`."""

Judge = Callable[[Tensor, Tensor], Tensor]
"""Maps ``(N, H, W)`` and the samples ``(N,)`` they belong to → ``(N,)``: how much each still says what its sample's map says."""


@dataclass(frozen=True)
class Goal:
    """Aims of an attack: it lowers ``loss`` (continuous, so that no batch decides the way of the search) and is judged by ``score``."""

    loss: Judge
    score: Judge


@metric(
    category="robustness",
    direction="higher",
    needs={"explainer"},
    bounds=(-1, 1),
    passes=lambda params: float(params["samples"]) * float(params["steps"]),  # times what explaining takes, at most
    cite=GHORBANI_2019,
)
def attack(
    case: Case,
    *,
    radius: Radius = 8 / 255,
    steps: Annotated[int, Field(ge=1)] = 10,
    samples: Samples = 10,
    similarity: Measure = "top",
    fraction: Annotated[float, Field(gt=0, le=1)] = 0.02,
) -> Tensor:
    """What is left of the map under an imperceptible change of the image that keeps the prediction.

    Ghorbani et al. 2019: a perturbation within the L∞ ball of ``radius`` that makes the map as different as it can, while the model
    predicts the same class. The authors follow the gradient of the difference, for which the explainer must be differentiable twice (they
    explain a softplus twin of ReLU networks); this attack asks any explainer for maps alone, so that its score is an upper bound of
    theirs. It begins with the authors' random signs, then draws the signs anew in random squares of the best perturbation so far, which
    shrink from the whole image, and keeps what lowers the loss most. For ``top`` the loss is the authors' too: the share of |map| that is
    on the pixels that were the top ones; for any other similarity it is the similarity.

    Args:
        case: the samples; their explainer is asked again, with the random stream it had.
        radius: of the ball, as a share of the range of the inputs; the authors' largest is 8 of 255. Attacked images stay in that range
            where the model's preprocessing says what it is.
        steps: rounds of the search. With ``samples`` of 10 these are 100 explanations, as many as the authors' attack takes.
        samples: candidates per round. Those that change the class are not explained.
        similarity: of the original and the attacked map; the least over all candidates is returned. ``top``: the authors' top-k
            intersection, the share of the ``fraction`` of pixels with the largest values that still are among them.
        fraction: of the pixels, for ``top``; the authors take 1000 of 224². Ties are in a seeded order.

    Returns:
        ``(B,)`` in [0, 1] for ``top``, else in [-1, 1]; higher is more robust. NaN where every candidate changes the class (the authors
        give 1), or where the similarity to every map that was found is undefined.
    """
    goal, ctx = _goal(case, similarity, fraction), case.ctx.fresh("attack")
    signs = torch.zeros_like(case.images, dtype=torch.int8)
    lowest = score = torch.full((len(signs),), torch.inf, dtype=torch.float64, device=signs.device)
    for step in range(steps):
        side = torch.where(lowest.isinf(), 1, 1 - step / steps)
        candidates = torch.stack([redrawn(signs, side, ctx) for _ in range(samples)])
        losses, scores = _tried(case, candidates, radius, goal)
        least, chosen = losses.min(dim=0)
        better = least < lowest
        lowest, score = torch.where(better, least, lowest), torch.minimum(score, scores.amin(dim=0))
        signs = torch.where(better[:, None, None, None], candidates[chosen, torch.arange(len(signs), device=signs.device)], signs)
    return score.masked_fill(score.isinf(), torch.nan)


def redrawn(signs: Tensor, side: Tensor, ctx: Context) -> Tensor:
    """``signs`` (B, C, H, W) int8 with those in a random square drawn anew; ``side`` (B,) of it, as a share of the image's sides."""
    size = sent(torch.tensor(signs.shape[-2:]), signs.device)
    length = (side[:, None] * size).ceil()
    corner = (ctx.uniform((2,)).to(length) * (size - length + 1)).floor()
    rows, columns = (torch.arange(n, device=signs.device) for n in signs.shape[-2:])
    inside = [(at >= corner[:, i, None]) & (at < (corner + length)[:, i, None]) for i, at in enumerate((rows, columns))]
    square = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    fresh = (ctx.uniform(signs.shape[1:]) < 0.5).to(signs) * 2 - 1
    return torch.where(square, fresh, signs)


def _tried(case: Case, candidates: Tensor, radius: float, goal: Goal) -> tuple[Tensor, Tensor]:
    """Losses and scores ``(S, B)`` of candidate signs ``(S, B, C, H, W)``; infinite where the class changes or they are undefined."""
    results = torch.full((2, *candidates.shape[:2]), torch.inf, dtype=torch.float64, device=candidates.device)
    classes = original_logits(case).argmax(dim=1)
    for run in runs_of(len(candidates), case.images):
        images = attacked(case, candidates[run.start : run.stop], radius).flatten(0, 1)
        rows = torch.arange(len(classes), device=images.device).repeat(len(run))
        (kept,) = torch.where(case.predict(images).argmax(dim=1) == classes[rows])
        if len(kept):
            maps = case.explain(images[kept], index=rows[kept])
            judged = torch.stack([judge(maps, rows[kept]).double() for judge in (goal.loss, goal.score)])
            results[:, run.start : run.stop].flatten(1)[:, kept] = judged.nan_to_num(nan=torch.inf)
    return results[0], results[1]


def attacked(case: Case, signs: Tensor, radius: float) -> Tensor:
    """Images moved by ``radius`` of the range of the inputs along ``signs`` (S, B, C, H, W), within that range where it is known."""
    low, high = input_range(case)
    moved = case.images + radius * (high - low) * signs
    return moved if case.model.bounds is None else moved.clamp(low, high)


def _goal(case: Case, similarity: Measure, fraction: float) -> Goal:
    if similarity != "top":
        compare = similarity_of(similarity)

        def close(maps: Tensor, rows: Tensor) -> Tensor:
            return compare(maps, case.attributions[rows])

        return Goal(loss=close, score=close)
    count = max(1, round(fraction * case.attributions[0].numel()))
    order = case.ctx.fresh("order of ties").permutation(case.attributions[0].numel()).to(case.attributions.device)
    top = top_pixels(case.attributions, order, count)

    def mass_left(maps: Tensor, rows: Tensor) -> Tensor:
        values = maps.double().flatten(1).gather(1, order[rows])
        return share((values * top[rows]).sum(dim=1), values.abs().sum(dim=1))

    return Goal(loss=mass_left, score=lambda maps, rows: (top[rows] & top_pixels(maps, order[rows], count)).sum(dim=1) / count)


def top_pixels(maps: Tensor, order: Tensor, count: int) -> Tensor:
    """The ``count`` largest of ``(N, H, W)``: ``(N, H·W)`` bool, its pixels in ``order`` (N, H·W), in which equal ones come first or later.

    >>> top_pixels(torch.tensor([[[0.0, 2.0], [0.0, 0.0]]]), torch.tensor([[3, 2, 1, 0]]), 2).tolist()
    [[True, False, True, False]]
    """
    values = maps.flatten(1).gather(1, order)
    least = values.topk(count, dim=1).values[:, -1:]
    above, tied = values > least, values == least
    return above | (tied & (tied.cumsum(dim=1) <= count - above.sum(dim=1, keepdim=True)))
