"""Explainers that average gradients on straight paths from reference inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import torch
from captum import attr
from pydantic import Field
from torch import Tensor

from harness.api import Attribution, Background, Classifier, Context, backgrounds, explainer
from harness.api.background import WITHOUT_TRAINING, background_size
from harness.api.declarations import BY_BACKGROUND
from harness.api.gradients import no_gradient_reason
from harness.api.preprocessing import ReferenceKind
from harness.api.target_logits import target_logits, together
from harness_captum import citations

Quadrature = Literal["gausslegendre", "riemann_middle", "riemann_left", "riemann_right"]
Reference = ReferenceKind | Literal["uniform"]
ROWS = 16
USUAL = 16


def integration_passes(params: Mapping[str, Any]) -> float:
    """Forward-equivalents: a gradient for every step from every reference, and the logits at both ends."""
    references = len(params["over"] or [params["baseline"]])
    return references * (2.0 * params["steps"] + 1) + 1


@explainer(family="gradients", signed=True, complete=True, passes=integration_passes, cite=citations.INTEGRATED_GRADIENTS)
def integrated_gradients(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    steps: Annotated[int, Field(ge=1)] = 50,
    baseline: ReferenceKind = "black",
    over: Annotated[list[Reference], Field(min_length=1)] | None = None,
    method: Quadrature = "gausslegendre",
    ctx: Context,
) -> Attribution:
    """Integrated Gradients from a reference input, black as in the paper (Sundararajan et al. 2017, eq. 1 and 3).

    The map ``(B, C, H, W)`` sums to f(x) − f(x₀) of the target's logit, of several references to the mean of these, but for the error of a
    sum of ``steps`` points. One step of the whole batch is taken at a time, of few images as many as a pass is fast with. Training
    images as references: `expected-gradients`.

    Args:
        steps: points on the path at which gradients are taken.
        baseline: the input that stands for nothing: black, white, the image's mean colour, the blurred image, or the zero tensor.
        over: several such references instead, whose maps are averaged; ``uniform`` is noise between the least and the greatest input,
            another for every image.
        method: the rule by which they are summed, as captum names it.
    """
    kinds: Sequence[Reference] = over or [baseline]
    logits = target_logits(model, images, targets)
    total, difference = torch.zeros_like(images), torch.zeros_like(logits)
    rows = len(images) * together(images)
    for kind in kinds:
        references = _uniform(model, images, ctx) if kind == "uniform" else model.reference(kind, images)
        attributions = attr.IntegratedGradients(model).attribute(
            images.detach(),
            baselines=references,
            target=targets,
            n_steps=steps,
            method=method,
            internal_batch_size=rows,
        )
        total += attributions.detach() / len(kinds)
        difference += (logits - target_logits(model, references, targets)) / len(kinds)
    return Attribution(total, expected=difference)


@explainer(
    family="gradients",
    signed=True,
    wants={"training-data"},
    otherwise=WITHOUT_TRAINING,
    by={"background": BY_BACKGROUND},
    passes=lambda params: 2 * params["draws"] + 1 + background_size(params["background"], USUAL) / 8,
    cite=citations.GRADIENT_SHAP,
)
def gradient_shap(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    draws: Annotated[int, Field(ge=1)] = 16,
    background: Background = "auto",
    noise: Annotated[float, Field(ge=0)] = 0.0,
    ctx: Context,
) -> Attribution:
    """GradientSHAP: gradients at random points between the image and training images (Lundberg and Lee 2017).

    The map ``(B, C, H, W)`` sums, on average over draws, to the target's logit minus its mean over the background. Captum draws from the
    global generators, so that it is run one sample at a time under that sample's seed. Raises `NoTrainingData` where training images are
    demanded and there are none.

    Args:
        draws: random points per image, of which the gradients are averaged.
        background: what is compared with: ``auto`` 16 training images where there are any, else the black, the blurred and the mean
            reference of each image; a number is as ``auto``, with so many training images; ``training`` demands them, and ``references``
            does without.
        noise: standard deviation of Gaussian noise added to the input at every draw, in units of the model's input.
    """
    compared = backgrounds(model, images, ctx, background, USUAL)
    method = attr.GradientShap(model)
    maps = []
    for i, (image, target) in enumerate(zip(images, targets, strict=True)):
        references = compared[i if len(compared) > 1 else 0]
        with ctx.seeded(i):
            rows = _noisy(image, draws, noise)
            total = sum(method.attribute(part, baselines=references, n_samples=1, target=target).detach().sum(dim=0) for part in rows)
        maps.append(total / draws)
    with torch.no_grad():
        logits = torch.cat([model(part) for part in torch.split(compared.flatten(0, 1), ROWS)])
        mean = logits.unflatten(0, compared.shape[:2]).mean(dim=1).expand(len(images), -1)
    return Attribution(torch.stack(maps), expected=target_logits(model, images, targets) - mean.gather(1, targets[:, None])[:, 0])


integrated_gradients.applicable = no_gradient_reason  # type: ignore[attr-defined]
gradient_shap.applicable = no_gradient_reason  # type: ignore[attr-defined]


def _uniform(model: Classifier, images: Tensor, ctx: Context) -> Tensor:
    """Noise over the range of inputs."""
    low, high = model.input_range(images)
    return low + (high - low) * ctx.uniform(images.shape[1:]).to(images)


def _noisy(image: Tensor, draws: int, noise: float) -> Iterator[Tensor]:
    """``draws`` copies of one image (C, H, W), `ROWS` at a time; the noise is drawn on the CPU."""
    for start in range(0, draws, ROWS):
        rows = image.detach().expand(min(ROWS, draws - start), *image.shape)
        yield rows + noise * torch.randn(rows.shape).to(rows) if noise else rows.clone()
