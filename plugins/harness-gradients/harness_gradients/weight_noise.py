"""Explanations by networks whose weights are noisy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from harness.api import Classifier, Context, Explainer, explainer
from harness.api.network_copies import noisy_networks
from harness_gradients import citations
from harness_gradients.smoothing import Draws, Noise, base_maps, mean_of, no_reason, noisy_maps, passes


@explainer(family="gradients", signed=True, passes=passes, cite=citations.NOISE_GRAD)
def noise_grad(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    draws: Draws = 10,
    weight_noise: Noise = 0.2,
    over: Explainer | None = None,
    ctx: Context,
) -> Tensor:
    """NoiseGrad: the mean of explanations by networks whose weights are multiplied by noise (Bykov et al. 2022, eq. 4).

    Returns ``(B, C, H, W)``; ``(B, H, W)`` with ``over``. All images are explained by the same networks, each of which is drawn from the
    trained weights. The authors' package draws each from the one before, and leaves the last in the model: it restores from a state that
    shares the weights' memory.

    Args:
        draws: noisy networks.
        weight_noise: standard deviation of the Gaussian factors, whose mean is 1. The paper chooses it so that accuracy falls by some five
            percent, which is for the user to look at; 0.2 is the authors' package's.
        over: the explainer whose maps are averaged; by default the plain gradient.
    """
    return mean_of(base_maps(noisy, images, targets, over, ctx) for noisy in noisy_networks(model, [weight_noise] * draws, ctx))


def fusion_passes(params: Mapping[str, Any]) -> float | None:
    """Forward-equivalents of the plain gradient."""
    once = passes(params)
    return None if once is None else once * params["image_draws"]


@explainer(family="gradients", signed=True, passes=fusion_passes, cite=citations.NOISE_GRAD)
def fusion_grad(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    draws: Draws = 10,
    image_draws: Draws = 10,
    weight_noise: Noise = 0.2,
    noise: Noise = 0.15,
    over: Explainer | None = None,
    ctx: Context,
) -> Tensor:
    """FusionGrad: the mean of explanations of noisy copies of the image by noisy networks (Bykov et al. 2022, eq. 5).

    Returns ``(B, C, H, W)``; ``(B, H, W)`` with ``over``. Noise is added to the image, as in the paper; the authors' package multiplies the
    image by noise of mean 0.

    Args:
        draws: noisy networks.
        image_draws: noisy copies of each image, for every network.
        weight_noise: standard deviation of the Gaussian factors of weights, whose mean is 1.
        noise: standard deviation of the Gaussian noise on images, as a share of the image's range.
        over: the explainer whose maps are averaged; by default the plain gradient.
    """
    networks = noisy_networks(model, [weight_noise] * draws, ctx)
    return mean_of(maps for noisy in networks for maps in noisy_maps(noisy, images, targets, image_draws, noise, over, ctx))


noise_grad.applicable = no_reason  # type: ignore[attr-defined]
fusion_grad.applicable = no_reason  # type: ignore[attr-defined]
