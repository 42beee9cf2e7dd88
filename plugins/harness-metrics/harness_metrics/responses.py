"""Losses of a model's output as pixels are changed, beside what the map says of those pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from harness.api import Case
from harness_metrics.curves import OUTPUTS, Output, original_outputs, target_outputs
from harness_metrics.memory import at_once

Correlation = Literal["pearson", "spearman"]
"""How a metric compares attributions with responses: linear, or by rank."""

Perturbation = Callable[[Tensor], Tensor]
"""``(S, B, H, W)`` which pixels are changed, or by how much → ``(S, B, C, H, W)`` inputs. An `Imputer` is one."""


class Responses(NamedTuple):
    """N perturbations of each sample.

    Attributes:
        drops: ``(B, N)`` the output for the image less the output for the perturbed one, double.
        sums: ``(B, N)`` the product of the map and the perturbation, summed over pixels, double: for masks, the attribution of the set.
    """

    drops: Tensor
    sums: Tensor


def responses(case: Case, perturbations: Iterable[Tensor], perturb: Perturbation, output: Output, *, absolute: bool = False) -> Responses:
    """Drops and sums of perturbations.

    Args:
        case: the samples.
        perturbations: ``(B, H, W)`` each: bool, the pixels that are replaced, or real, what is taken from them.
        perturb: makes the inputs.
        output: of the model, for the target.
        absolute: sum |a| instead of the signed value.

    Perturbed inputs are made and predicted in parts, so that memory does not grow with their number. Sums are in double precision, so that
    equal sets of a constant map have exactly equal sums.
    """
    which = OUTPUTS.index(output)
    original = original_outputs(case)[:, which]
    maps = (case.attributions.abs() if absolute else case.attributions).flatten(1).double()
    drops, sums = [], []
    for part in _stacked(perturbations, at_once(case.images)):
        logits = case.predict(perturb(part).flatten(0, 1))
        after = target_outputs(case.model, logits, case.targets.repeat(len(part)))[:, which]
        drops.append(original - after.view(len(part), -1))
        sums.append(torch.einsum("sbp,bp->sb", part.flatten(2).double(), maps))
    return Responses(torch.cat(drops).T.double(), torch.cat(sums).T)


def _stacked(tensors: Iterable[Tensor], size: int) -> Iterator[Tensor]:
    """Tensors in stacks of at most ``size``."""
    remaining = iter(tensors)
    while part := list(islice(remaining, size)):
        yield torch.stack(part)
