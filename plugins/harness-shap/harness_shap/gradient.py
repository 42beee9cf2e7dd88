"""SHAP's GradientExplainer: expected gradients over training images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Attribution, Background, Classifier, Context, backgrounds, explainer
from harness.api.background import WITHOUT_TRAINING, background_size
from harness.api.declarations import BY_BACKGROUND
from harness.api.gradients import no_gradient_reason
from harness.api.target_logits import together
from harness_shap import citations
from harness_shap.expected_gradients import Draw, expected_gradients
from harness_shap.layers import layer_input, replaced_input

USUAL = 16
IMAGE = "image"  # null would mean the layer of class activation maps, as every `layer` does


@explainer(
    family="Shapley values",
    signed=True,
    wants={"training-data"},
    otherwise=WITHOUT_TRAINING,
    by={"background": BY_BACKGROUND},
    passes=lambda params: 2 * params["draws"] + 1 + background_size(params["background"], USUAL) / 8,
    cite=citations.EXPECTED_GRADIENTS,
)
def shap_gradient(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    draws: Annotated[int, Field(ge=1)] = 16,
    background: Background = "auto",
    layer: str = IMAGE,
    local_smoothing: Annotated[float, Field(ge=0)] = 0.0,
    ctx: Context,
) -> Attribution:
    """SHAP values by expected gradients over training images (Erion et al. 2021), as shap's GradientExplainer.

    It goes by two names, `expected-gradients` and `shap-gradient`, since papers know it by either.

    The map sums, on average over draws, to the target's logit minus its mean over the background. It is ``(B, C, H, W)``; with ``layer`` it
    explains what goes into that layer, and has the layer's channels, height and width. As in shap's Keras form the path then lies in the
    layer's space, between what the training image and the image put in; shap's PyTorch form multiplies by the activation instead of the
    difference, and does not add up.

    The estimator is our own: shap's takes one sample at a time and the global generators. Given the same draws the two are equal. Ours are
    stratified, which leaves the mean as it is and makes its error smaller: every image of the background is used as often, and every part
    of the path. Raises `NoTrainingData` where training images are demanded and there are none, ``ValueError`` for an unknown layer.

    Args:
        draws: random points per image, of which the gradients are averaged.
        background: what is compared with: ``auto`` 16 training images where there are any, else the black, the blurred and the mean
            reference of each image; a number is as ``auto``, with so many training images; ``training`` demands them, and ``references``
            does without.
        layer: the layer whose input is explained in the image's place, by its name; ``image`` explains the image itself.
        local_smoothing: standard deviation of noise on the input, in units of the model's input.
    """
    compared = backgrounds(model, images, ctx, background, USUAL)
    points, references = images.detach(), compared
    if layer != IMAGE:
        points = _in_batches(lambda part: layer_input(model, layer, part), points, len(images))
        inner = _in_batches(lambda part: layer_input(model, layer, part), references.flatten(0, 1), len(images))
        references = inner.unflatten(0, compared.shape[:2])

    def score(values: Tensor) -> Tensor:
        times = len(values) // len(images)
        with nullcontext() if layer == IMAGE else replaced_input(model, layer, values):
            logits = model(values if layer == IMAGE else images.repeat(times, 1, 1, 1))
        return logits.gather(1, targets.repeat(times)[:, None])[:, 0]

    drawn = _draws(ctx, draws, references.shape[1], points, local_smoothing)
    maps = expected_gradients(score, points, references, drawn, together(images))
    with torch.no_grad():
        mean = _in_batches(model, compared.flatten(0, 1), len(images)).unflatten(0, compared.shape[:2]).mean(dim=1)
        difference = (model(images) - mean).gather(1, targets[:, None])[:, 0]
    return Attribution(maps, coarse=layer != IMAGE, expected=difference)


shap_gradient.applicable = no_gradient_reason  # type: ignore[attr-defined]


def _draws(ctx: Context, count: int, background: int, points: Tensor, smoothing: float) -> Iterator[Draw]:
    """``count`` draws from each sample's own stream: the background in turn, in random order, and one position in each ``count``-th."""
    turns = [ctx.permutation(background) for _ in range(0, count, background)]
    references = torch.cat(turns, dim=1).to(points.device)
    drawn = ctx.on("cpu")  # where there is float64
    positions = ((drawn.permutation(count) + drawn.uniform((count,), torch.float64)) / count).to(points)
    for k in range(count):
        noise = smoothing * ctx.noise(points.shape[1:]).to(points) if smoothing else None
        yield Draw(references[:, k], positions[:, k], noise)


def _in_batches(function: Callable[[Tensor], Tensor], inputs: Tensor, size: int) -> Tensor:
    return torch.cat([function(part) for part in torch.split(inputs, size)])
