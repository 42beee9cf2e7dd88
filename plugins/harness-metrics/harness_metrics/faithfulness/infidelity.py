"""Infidelity (Yeh et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, Unexplained, metric
from harness_metrics.citations import YEH_2019
from harness_metrics.curves import Output
from harness_metrics.imputation import Imputation, Imputer, imputer, input_range
from harness_metrics.parameters import Samples
from harness_metrics.responses import Perturbation, Responses, random_responses
from harness_metrics.squares import random_squares, sides_between


@metric(
    category="faithfulness",
    direction="lower",
    bounds=(0, None),
    passes=lambda params: float(params["samples"]) + 1,
    cite=YEH_2019,
)
def infidelity(
    case: Case,
    *,
    perturbation: Literal["square", "gaussian"] = "square",
    samples: Samples = 200,
    patch: Annotated[int, Field(ge=1)] | None = None,
    noise: Annotated[float, Field(gt=0)] = 0.2,
    reference: Imputation = "black",
    normalise: bool = True,
    output: Output = "logit",
) -> Tensor:
    """Squared error of the map as a prediction of how the output moves as the input is perturbed.

    Yeh et al. 2019: ``E_I [(Iᵀφ − (f(x) − f(x − I)))²]``. ``square``: the pixels of a random square become the reference;
    I is then 1 inside and 0 outside, as in the authors' code, where φ says what a pixel contributes (gradient × input). ``gaussian``: I is
    white noise, one value per pixel for all its channels, for maps that are a slope (gradient).

    Quantus multiplies the map by ``x − reference`` also for squares, removes the squares of a grid one on top of the other, and repeats
    that deterministic sum ``n_perturb_samples`` times.

    Args:
        case: the samples.
        perturbation: squares, or noise.
        samples: draws of I, one forward pass each; the authors take every square (about 5000 for 28 × 28), and 10,000 of noise.
        patch: side of the squares in pixels; where not given, each draw is one of all squares from 1/28 to 10/28 of the shorter side, the
            authors' 1 to 10 pixels of 28.
        noise: standard deviation of I as a share of the range of the inputs (its mean over channels); the authors' 0.2.
        reference: what the pixels of a square become.
        normalise: multiply the map by the factor that minimises the error, ``β = E[Iᵀφ Δf] / E[(Iᵀφ)²]``, as the authors' code does, so
            that the scale (and the sign) of a map does not count. False is the definition as it stands, for maps in the units of the
            output.
        output: of the model, for the target.

    Returns:
        ``(B,)`` of at least 0, in squared units of the output, lower is better; defined for every sample: a map that is 0 everywhere
        predicts no change, and its error is ``E[Δf²]``, which no map exceeds where ``normalise``.
    """
    drops, sums = (
        square_responses(case, samples, patch, reference, output)
        if perturbation == "square"
        else noise_responses(case, samples, noise, output)
    )
    return squared_errors(drops, sums, normalise)


def squared_errors(drops: Tensor, sums: Tensor, normalise: bool) -> Tensor:
    """Mean over N of ``(β · sums − drops)²``: ``(B, N)``, ``(B, N)`` → ``(B,)``; β is the best factor where ``normalise``, else 1.

    >>> drops, sums = torch.tensor([[1.0, 2.0]]), torch.tensor([[2.0, 4.0]])
    >>> squared_errors(drops, sums, normalise=False).item(), squared_errors(drops, sums, normalise=True).item()
    (2.5, 0.0)
    """
    if normalise:
        squares = sums.square().sum(dim=1, keepdim=True)
        sums = sums * torch.where(squares > 0, (sums * drops).sum(dim=1, keepdim=True) / squares, 0)
    return (sums - drops).square().mean(dim=1)


def square_responses(case: Case, samples: int, patch: int | None, reference: Imputation, output: Output) -> Responses:
    """Of random squares that become the reference."""
    shape = (case.attributions.shape[-2], case.attributions.shape[-1])
    sides = sides_between(shape, 1 / 28, 10 / 28) if patch is None else (patch,)

    def draw(asked: Unexplained) -> tuple[Iterator[Tensor], Imputer]:
        squares = random_squares(asked.ctx.fresh("random squares"), shape, sides, samples)
        return (square.to(asked.images.device) for square in squares), imputer(asked, reference)

    return random_responses(case, ["random squares", sides, samples, reference], draw, output)


def noise_responses(case: Case, samples: int, noise: float, output: Output) -> Responses:
    """Of Gaussian noise, taken from all channels of a pixel alike."""
    low, high = input_range(case)
    deviation = noise * (high - low).mean()

    def draw(asked: Unexplained) -> tuple[Iterator[Tensor], Perturbation]:
        ctx = asked.ctx.fresh("Gaussian perturbations")
        draws = (deviation * ctx.noise(asked.images.shape[-2:]).to(asked.images) for _ in range(samples))
        return draws, lambda moved: asked.images - moved[:, :, None]

    return random_responses(case, ["Gaussian perturbations", samples, noise], draw, output)
