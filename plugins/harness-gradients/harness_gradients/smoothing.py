"""Explanations of noisy copies of the image, and what is made of them: their mean, the mean of their squares, their variance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Classifier, Context, Explainer, explainer
from harness.api.gradients import no_gradient_reason
from harness.api.target_logits import gradients_in_turn, target_gradients
from harness_gradients import citations

Draws = Annotated[int, Field(ge=1)]
Noise = Annotated[float, Field(ge=0)]


def no_reason(model: Classifier, over: Explainer | None = None) -> str | None:
    """Reason why the plain gradient says nothing of ``model``; another explainer has reasons of its own."""
    return no_gradient_reason(model) if over is None else None


def passes(params: Mapping[str, Any]) -> float | None:
    """Forward-equivalents of the plain gradient; of other explainers they are not known here."""
    return 2 * params["draws"] if params["over"] is None else None


@explainer(family="gradients", signed=True, passes=passes, cite=citations.SMOOTH_GRAD)
def smooth_grad(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    draws: Draws = 50,
    noise: Noise = 0.15,
    over: Explainer | None = None,
    ctx: Context,
) -> Tensor:
    """SmoothGrad: the mean of explanations of noisy copies of the image (Smilkov et al. 2017, section 3.1).

    Returns ``(B, C, H, W)``; ``(B, H, W)`` with ``over``. It has the sign of what it averages.

    Args:
        draws: noisy copies of each image.
        noise: standard deviation of the Gaussian noise, as a share of the image's range (its largest less its smallest value).
        over: the explainer whose maps are averaged; by default the plain gradient.
    """
    return mean_of(noisy_maps(model, images, targets, draws, noise, over, ctx))


@explainer(family="gradients", signed=False, passes=passes, cite=citations.SQUARE_GRAD)
def square_grad(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    draws: Draws = 50,
    noise: Noise = 0.15,
    over: Explainer | None = None,
    ctx: Context,
) -> Tensor:
    """SquareGrad (SmoothGrad²): the mean square of explanations of noisy copies of the image (Hooker et al. 2019, section 4.1).

    Returns ``(B, C, H, W)``, not negative; ``(B, H, W)`` with ``over``. Of the plain gradient each channel is squared by itself.

    Args:
        draws: noisy copies of each image.
        noise: standard deviation of the Gaussian noise, as a share of the image's range (its largest less its smallest value).
        over: the explainer whose maps are squared; by default the plain gradient.
    """
    return mean_of(maps.square() for maps in noisy_maps(model, images, targets, draws, noise, over, ctx))


@explainer(family="gradients", signed=False, passes=passes, cite=citations.VAR_GRAD)
def var_grad(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    draws: Annotated[int, Field(ge=2)] = 50,
    noise: Noise = 0.15,
    over: Explainer | None = None,
    ctx: Context,
) -> Tensor:
    """VarGrad: the variance of explanations of noisy copies of the image (Adebayo et al. 2018, appendix).

    Returns ``(B, C, H, W)``, not negative; ``(B, H, W)`` with ``over``. It is that of the draws themselves, divided by their number, and
    summed up draw by draw (Welford), since the mean of squares less the square of the mean leaves rounding where the variance is small. Of
    the plain gradient each channel has its own.

    Args:
        draws: noisy copies of each image.
        noise: standard deviation of the Gaussian noise, as a share of the image's range (its largest less its smallest value).
        over: the explainer whose maps vary; by default the plain gradient.
    """
    mean = torch.zeros((), device=images.device)
    squares = torch.zeros((), device=images.device)
    for count, maps in enumerate(noisy_maps(model, images, targets, draws, noise, over, ctx), start=1):
        change = maps - mean
        mean = mean + change / count
        squares = squares + change * (maps - mean)
    return squares / draws


for _component in (smooth_grad, square_grad, var_grad):
    _component.applicable = no_reason  # type: ignore[attr-defined]


def noisy_maps(
    model: Classifier, images: Tensor, targets: Tensor, draws: int, noise: float, over: Explainer | None, ctx: Context
) -> Iterator[Tensor]:
    """Maps of ``draws`` noisy copies of each image, one copy of all images after the other: gradients ``(B, C, H, W)``, or (B, H, W).

    Every image has noise of its own. An explainer that draws by itself draws the same for every copy.
    """
    size = noise * image_range(images)
    noisy = (images + size * ctx.noise(images.shape[1:]).to(images) for _ in range(draws))
    if over is None:
        return (gradients for _, gradients, _ in gradients_in_turn(model, noisy, targets))
    return (base_maps(model, copies, targets, over, ctx) for copies in noisy)


def base_maps(model: Classifier, images: Tensor, targets: Tensor, over: Explainer | None, ctx: Context) -> Tensor:
    """Maps of ``over`` ``(B, H, W)``, or, without it, plain gradients ``(B, C, H, W)``."""
    return target_gradients(model, images, targets)[0] if over is None else over(model, images, targets, ctx=ctx).map


def mean_of(maps: Iterable[Tensor]) -> Tensor:
    """The mean of some maps, at least one, of which one is held at a time."""
    rest = iter(maps)
    total, count = next(rest), 1
    for other in rest:
        total, count = total + other, count + 1
    return total / count


def image_range(images: Tensor) -> Tensor:
    """The largest less the smallest value of each image ``(B, C, H, W)``: ``(B, 1, 1, 1)``."""
    return images.amax((1, 2, 3), keepdim=True) - images.amin((1, 2, 3), keepdim=True)
