"""The target's probability and logit as more and more pixels are removed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Literal

import torch
from torch import Tensor

from harness.api import Case, Classifier, Unexplained
from harness.api.transfer import sent
from harness_metrics.imputation import Imputation, Imputer, imputer
from harness_metrics.memory import runs_of
from harness_metrics.patches import case_patch_ranks, grid_of

Order = Literal["morf", "lerf"]
"""Which pixels go first: the most relevant, or the least."""

Output = Literal["probability", "logit"]
"""What a curve is of: the probability of the target as the model has it (`harness.api.Classifier.output`), or its logit."""

OUTPUTS: tuple[Output, ...] = ("probability", "logit")


def target_probability(model: Classifier, logits: Tensor, targets: Tensor) -> Tensor:
    """Probability of each row's target: ``(N, K)``, ``(N,)`` → ``(N,)``."""
    return model.probabilities(logits).gather(1, targets[:, None])[:, 0]


def target_shortfall(model: Classifier, logits: Tensor, targets: Tensor) -> Tensor:
    """What each row's target lacks of probability 1: ``(N, K)``, ``(N,)`` → ``(N,)``, however near 1 that probability is."""
    if model.output == "sigmoid":
        return target_probability(model, -logits, targets)
    return model.probabilities(logits).scatter(1, targets[:, None], 0).sum(dim=1)


def target_outputs(model: Classifier, logits: Tensor, targets: Tensor) -> Tensor:
    """Probability and logit of each row's target: ``(N, K)``, ``(N,)`` → ``(N, 2)``."""
    logits = logits.float()
    return torch.stack([target_probability(model, logits, targets), logits.gather(1, targets[:, None])[:, 0]], dim=1)


def original_logits(case: Unexplained) -> Tensor:
    """``(B, K)`` for the images as they are, computed once for all metrics and explainers."""
    return case.for_all_explainers(["logits"], lambda samples: samples.predict(samples.images))


def original_outputs(case: Unexplained) -> Tensor:
    """``(B, 2)`` probability and logit of the target for the images as they are."""
    return target_outputs(case.model, original_logits(case), case.targets)


def original_probability(case: Unexplained) -> Tensor:
    """``(B,)`` the target's probability for the images as they are."""
    return original_outputs(case)[:, 0]


def removal_counts(pixels: int, steps: int, step: int | None) -> tuple[int, ...]:
    """Numbers of pixels that are removed at each point of a curve, from 0 to all.

    ``step`` pixels at a time where it is given (the last step may be shorter), else in ``steps`` steps of equal size, or one
    pixel at a time where there are fewer pixels than steps.

    >>> removal_counts(10, steps=4, step=None), removal_counts(10, steps=4, step=4)
    ((0, 2, 5, 8, 10), (0, 4, 8, 10))
    """
    if step is not None:
        return (*range(0, pixels, step), pixels)
    steps = min(steps, pixels)
    return tuple(round(pixels * i / steps) for i in range(steps + 1))


def removal_outputs(case: Case, ranks: Tensor, units: Sequence[int], counts: Sequence[int], order: Order, impute: Imputer) -> Tensor:
    """Probability and logit of the target after ``counts[s]`` units are removed.

    Args:
        case: the samples.
        ranks: ``(B, H, W)`` the place of the unit (pixel, patch, segment) that each pixel belongs to, 0 the most relevant.
        units: how many units each of the B samples has; the host must know, so that it need not wait for what is to be predicted.
        counts: S numbers of units.
        order: ``morf`` removes the lowest ranks first, ``lerf`` the highest.
        impute: what stands in their place.

    Returns:
        ``(S, B, 2)``; NaN where a sample has fewer units. Perturbed inputs are made and predicted in parts, so that memory does not grow
        with S.
    """
    ends = torch.tensor([[count if order == "morf" else last - count for last in units] for count in counts], dtype=ranks.dtype)
    ends = sent(ends, ranks.device)[:, :, None, None]
    outputs = []
    for run in runs_of(len(counts), case.images):
        bounds = ends[run.start : run.stop]
        inputs = impute(ranks < bounds if order == "morf" else ranks >= bounds).flatten(0, 1)
        targets = case.targets.repeat(len(run))
        present = [row for row, (step, last) in enumerate(product(run, units)) if counts[step] <= last]
        if len(present) == len(targets):
            outputs.append(target_outputs(case.model, case.predict(inputs), targets))
        else:
            rows = sent(torch.tensor(present), ranks.device)
            reached = target_outputs(case.model, case.predict(inputs[rows]), targets[rows])
            outputs.append(reached.new_full((len(targets), 2), torch.nan).index_copy_(0, rows, reached))
    return torch.cat(outputs).view(len(counts), -1, 2)


def case_curve(
    case: Case,
    counts: Sequence[int],
    order: Order,
    impute: Imputation,
    *,
    noise: float = 0.01,
    absolute: bool = False,
    patch: int = 1,
    draw: int = 0,
    output: Output = "probability",
) -> Tensor:
    """``(B, S)`` the target's probability or logit after ``counts[s]`` pixels, or patches of side ``patch``, are removed.

    They go in the order of the case's own maps. What is predicted is a point of the curve, once for all metrics that pass through it: by
    its probability or by its logit, in steps of any size, from either end.
    """
    removal = ("harness-metrics", "removal", impute, noise if impute == "noisy-linear" else None, absolute, patch, draw)
    points: dict[tuple[str, int], Tensor] = case.shared(removal, dict)
    rows, columns = grid_of((case.attributions.shape[-2], case.attributions.shape[-1]), patch)
    names = {count: _point(order, count, rows * columns) for count in counts}
    missing = [count for count, name in names.items() if name not in points and count > 0]
    points[_point(order, 0, rows * columns)] = original_outputs(case)
    if missing:
        ranks, units = case_patch_ranks(case, absolute, patch), [rows * columns] * len(case.targets)
        outputs = removal_outputs(case, ranks, units, missing, order, imputer(case, impute, noise, draw))
        points.update((names[count], reached) for count, reached in zip(missing, outputs.unbind(), strict=True))
    return torch.stack([points[names[count]] for count in counts], dim=1)[..., OUTPUTS.index(output)]


def _point(order: Order, count: int, units: int) -> tuple[str, int]:
    """A point's name: nothing removed and everything removed are the same from either end."""
    return ("either" if count in (0, units) else order, count)


def area(curve: Tensor, positions: Sequence[float]) -> Tensor:
    """Trapezoid area ``(B,)`` under a curve ``(B, S)`` at increasing positions, divided by the length of their range.

    >>> area(torch.tensor([[1.0, 0.5, 0.0]]), [0.0, 0.5, 1.0]).item()
    0.5
    """
    at = torch.tensor(positions, dtype=curve.dtype)
    return torch.trapezoid(curve, sent(at, curve.device), dim=1) / (at[-1] - at[0]).item()
