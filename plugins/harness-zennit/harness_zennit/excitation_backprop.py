"""Excitation backpropagation, and its contrastive form."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.api import Attribution, Classifier, explainer
from harness_zennit import citations
from harness_zennit.composites import Layers, Settings, composite
from harness_zennit.propagation import WITHOUT_HEAD, Propagation, one_hot, propagation, without_head, without_relus_alone

LAYERS = Layers("z-plus", "z-plus")


def not_excited(model: Classifier, stop_at: str | None) -> str | None:
    """Reason why excitation backpropagation says nothing of ``model``; None where it does."""
    if stop_at is not None and stop_at not in model.layers:
        return f"the model has no layer called {stop_at}"
    return without_relus_alone(model, LAYERS)


def not_contrasted(model: Classifier, stop_at: str | None) -> str | None:
    """Reason why contrastive excitation backpropagation says nothing of ``model``; None where it does."""
    return not_excited(model, stop_at) or without_head(model)


@explainer(family="modified backpropagation", signed=False, passes=5, cite=citations.EXCITATION_BACKPROP)
def excitation_backprop(model: Classifier, images: Tensor, targets: Tensor, *, stop_at: str | None = None) -> Attribution:
    """Excitation backpropagation: how likely a winner drawn from the target's down the layers ends here (Zhang et al. 2016).

    A neuron passes its probability on to its inputs by their excitatory contributions, w⁺ a (equation 4), which is the z⁺-rule without
    biases; so do additions and average pooling. Maps of the image are ``(B, C, H, W)``, of a layer its channels' sum ``(B, 1, h, w)``;
    they are not negative and sum to 1, less what arrives at neurons that nothing excites.
    Raises ``ValueError`` where the model has other activations than ReLUs.

    Args:
        stop_at: the layer at whose output the map is taken, as the paper does in the middle of the network; by default the image.
    """
    if (reason := not_excited(model, stop_at)) is not None:
        raise ValueError(reason)
    with propagation(model, images, composite(LAYERS, Settings(zero_bias=True, positive_sums=True)), stop_at) as passed:
        start = one_hot(passed.logits, targets)
        found = passed.from_logits(start)
    if stop_at is None:
        return Attribution(found, expected=start.sum(dim=1))
    return Attribution(_summed(found, stop_at), coarse=True)


@explainer(family="modified backpropagation", signed=False, passes=5, cite=citations.EXCITATION_BACKPROP)
def contrastive_excitation_backprop(model: Classifier, images: Tensor, targets: Tensor, *, stop_at: str | None = None) -> Attribution:
    """Contrastive excitation backpropagation: less where the opposite of the target is excited too (Zhang et al. 2016, section 3.3).

    The probabilities of a dual unit, whose weights are those of the target's with the opposite sign, are taken off. As all below the last
    layer is linear in them, that is done at its input, in one pass. The map ``(B, 1, H, W)``, or of a layer ``(B, 1, h, w)``, is the
    channels' sum where that is positive. Raises ``ValueError`` where the model has other activations than ReLUs or no dense last layer.

    Args:
        stop_at: the layer at whose output the map is taken, as the paper does in the middle of the network; by default the image.
    """
    if (reason := not_excited(model, stop_at)) is not None:
        raise ValueError(reason)
    with propagation(model, images, composite(LAYERS, Settings(zero_bias=True, positive_sums=True)), stop_at) as passed:
        winning, dual = head_shares(passed, targets)
        found = passed.from_hidden(winning - dual)
    return Attribution(_summed(found, stop_at).clamp(min=0), coarse=stop_at is not None)


def head_shares(passed: Propagation, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Shares ``(B, D)`` of what the head was given in each target's logit, and in that of the dual unit, by z⁺ without bias.

    Each sums to 1, or to 0 where nothing speaks for the unit. Raises ``ValueError`` where the logits do not come from a dense layer.
    """
    if passed.head is None or passed.hidden is None:
        raise ValueError(WITHOUT_HEAD)
    parts = passed.head.weight.detach()[targets] * passed.hidden
    return _shares(parts.clamp(min=0)), _shares((-parts).clamp(min=0))


def _summed(found: Tensor, stop_at: str | None) -> Tensor:
    if found.ndim != 4:
        raise ValueError(f"{stop_at} gives {tuple(found.shape[1:])}, and no feature map (C, h, w) over the image")
    return found.sum(dim=1, keepdim=True)


def _shares(parts: Tensor) -> Tensor:
    total = parts.sum(dim=1, keepdim=True)
    return parts / torch.where(total == 0, 1, total)


excitation_backprop.applicable = not_excited  # type: ignore[attr-defined]
contrastive_excitation_backprop.applicable = not_contrasted  # type: ignore[attr-defined]
