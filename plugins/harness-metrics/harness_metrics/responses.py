"""Losses of a model's output as pixels are changed, beside what the map says of those pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from harness.api import Case, Unexplained
from harness_metrics.curves import OUTPUTS, Output, original_outputs, target_outputs
from harness_metrics.memory import at_once

Correlation = Literal["pearson", "spearman"]
"""How a metric compares attributions with responses: linear, or by rank."""

Perturbation = Callable[[Tensor], Tensor]
"""``(S, B, H, W)`` which pixels are changed, or by how much → ``(S, B, C, H, W)`` inputs. An `Imputer` is one."""

Draws = Callable[[Unexplained], tuple[Iterable[Tensor], Perturbation]]
"""Perturbations ``(B, H, W)`` of samples from their own streams, the same whenever they are asked for, and what makes inputs of them."""


class Responses(NamedTuple):
    """N perturbations of each sample.

    Attributes:
        drops: ``(B, N)`` the output for the image less the output for the perturbed one, double.
        sums: ``(B, N)`` the product of the map and the perturbation, summed over pixels, double: for masks, the attribution of the set.
    """

    drops: Tensor
    sums: Tensor


def responses(case: Case, perturbations: Iterable[Tensor], perturb: Perturbation, output: Output, *, absolute: bool = False) -> Responses:
    """Drops and sums of perturbations that the map decides.

    Args:
        case: the samples.
        perturbations: ``(B, H, W)`` each: bool, the pixels that are replaced, or real, what is taken from them.
        perturb: makes the inputs.
        output: of the model, for the target.
        absolute: sum |a| instead of the signed value.

    Perturbed inputs are made and predicted in parts, so that memory does not grow with their number. Sums are in double precision, so that
    equal sets of a constant map have exactly equal sums.
    """
    maps, outputs, sums = _flat_maps(case, absolute), [], []
    for part in _stacked(perturbations, at_once(case.images)):
        outputs.append(_outputs(case, perturb(part)))
        sums.append(_sums(part, maps))
    return Responses(_drops(case, torch.cat(outputs, dim=1), output), torch.cat(sums, dim=1))


def random_responses(case: Case, key: Sequence[object], draw: Draws, output: Output, *, absolute: bool = False) -> Responses:
    """`responses` to what ``draw`` makes of the samples alone under this key: its outputs are predicted once for all explainers."""
    maps, sums = _flat_maps(case, absolute), []

    def predicted(samples: Unexplained) -> Tensor:
        perturbations, perturb = draw(samples)
        outputs = []
        for part in _stacked(perturbations, at_once(samples.images)):
            outputs.append(_outputs(samples, perturb(part)))
            if samples.images is case.images:  # what is drawn for all of them need not be drawn again
                sums.append(_sums(part, maps))
        return torch.cat(outputs, dim=1)

    outputs = case.for_all_explainers(key, predicted)
    sums = sums or [_sums(part, maps) for part in _stacked(draw(case)[0], at_once(case.images))]
    return Responses(_drops(case, outputs, output), torch.cat(sums, dim=1))


def _flat_maps(case: Case, absolute: bool) -> Tensor:
    return (case.attributions.abs() if absolute else case.attributions).flatten(1).double()


def _outputs(samples: Unexplained, inputs: Tensor) -> Tensor:
    """``(S, B, C, H, W)`` → ``(B, S, 2)`` probability and logit of the target."""
    logits = samples.predict(inputs.flatten(0, 1))
    return target_outputs(samples.model, logits, samples.targets.repeat(len(inputs))).view(*inputs.shape[:2], -1).transpose(0, 1)


def _drops(case: Case, outputs: Tensor, output: Output) -> Tensor:
    which = OUTPUTS.index(output)
    return (original_outputs(case)[:, which, None] - outputs[..., which]).double()


def _sums(perturbations: Tensor, maps: Tensor) -> Tensor:
    """``(S, B, H, W)``, ``(B, H·W)`` → ``(B, S)``."""
    return torch.einsum("sbp,bp->bs", perturbations.flatten(2).double(), maps)


def _stacked(tensors: Iterable[Tensor], size: int) -> Iterator[Tensor]:
    """Tensors in stacks of at most ``size``."""
    remaining = iter(tensors)
    while part := list(islice(remaining, size)):
        yield torch.stack(part)
