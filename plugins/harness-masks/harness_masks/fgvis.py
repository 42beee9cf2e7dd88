"""FGVis: fine-grained masks, by gradients that excite no neuron which the image does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import log
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from harness.api import Classifier, Context, explainer
from harness.api.gradients import no_gradient_reason
from harness.api.hidden_operations import hidden_operations_reason
from harness.api.masking import Baseline, baseline_input
from harness.api.network_features import activation_modules
from harness_masks import citations
from harness_masks.search import minimised, target_log_probabilities

ROUNDING = 1e-5
"""Of a layer's largest activation of an image: by so much a neuron may pass its bounds."""


def no_hooks(model: Classifier) -> str | None:
    """Reason why gradients cannot be guarded at the activations of ``model``; None where they can."""
    return no_gradient_reason(model) or hidden_operations_reason(model, additions=False)


@explainer(family="perturbation", passes=lambda params: 2 * params["steps"] + 1, cite=citations.FGVIS)
def fgvis(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    game: Literal["deletion", "preservation"] = "deletion",
    steps: Annotated[int, Field(ge=0)] = 500,
    rate: Annotated[float, Field(gt=0)] = 0.1,
    sparsity: Annotated[float, Field(ge=0)] | None = None,
    until: Annotated[float, Field(ge=0, lt=1)] = 0.1,
    baseline: Baseline = "zero",
    ctx: Context,
) -> Tensor:
    """FGVis: a mask of every pixel and channel, searched for without adversarial evidence (Wagner et al. 2019, sections 3.1 and 3.2).

    Returns ``(B, C, H, W)`` in 0 … 1: what is deleted, 1 − m, of m with the least f(m x + (1 − m) r) + λ ‖1 − m‖₁ in the game of deletion;
    what is kept, m, of the least −log f + λ ‖m‖₁ in that of preservation. The gradient is guarded: it passes behind an activation h only
    where min(0, h(x)) ≤ h(m x + (1 − m) r) ≤ max(0, h(x)), so that no neuron is made to speak that is silent for the image. Steps are
    against the gradient, divided by its largest number, from m = 1, brought back to 0 … 1. In the game of deletion the mask of an image is
    done when the target's probability has fallen to a share of what it was; the passes are made all the same. The paper chooses λ for each
    image. A network without activations has none to guard.

    Args:
        game: ``deletion`` or ``preservation``.
        steps: of the search.
        rate: how far the number with the largest gradient goes in a step.
        sparsity: λ; by default 1e-4, and 0 in the game of deletion, which has an end.
        until: the share of the target's probability at which deletion ends.
        baseline: r: zero as in the paper (after normalisation, the data's mean colour), black, white, each image's mean colour, the blurred
            image, or uniform noise.
    """
    if (reason := no_hooks(model)) is not None:
        raise ValueError(reason)
    hidden = baseline_input(model, images, baseline, ctx)
    layers = activation_modules(model)
    with _recorded(layers) as bounds, torch.no_grad():
        start = target_log_probabilities(model, images, targets)
    deleting = game == "deletion"
    price = sparsity if sparsity is not None else 0.0 if deleting else 1e-4
    end = start + log(max(until, 1e-30))

    def losses(masks: Tensor, step: int) -> Tensor:
        with _guarded(layers, bounds):
            found = target_log_probabilities(model, masks * images + (1 - masks) * hidden, targets)
        if not deleting:
            return price * masks.sum((1, 2, 3)) - found
        return torch.where(found.detach() > end, found.exp() + price * (1 - masks).sum((1, 2, 3)), 0 * found)

    masks = minimised(torch.ones_like(images), losses, steps, lambda given: _LargestStep(given, rate))
    return 1 - masks if deleting else masks


fgvis.applicable = no_hooks  # type: ignore[attr-defined]


@dataclass(frozen=True)
class _LargestStep:
    """Steps against the gradient of each image, of which the largest number is ``rate``; none where it is 0."""

    given: list[Tensor]
    rate: float

    def step(self) -> None:
        """One step of all."""
        for values in self.given:
            assert values.grad is not None
            largest = values.grad.abs().amax(tuple(range(1, values.ndim)), keepdim=True)
            with torch.no_grad():
                values -= torch.where(largest > 0, self.rate * values.grad / largest, 0)


@contextmanager
def _recorded(layers: list[nn.Module]) -> Iterator[dict[nn.Module, list[Tensor]]]:
    """By layer what it returns inside the block, call by call."""
    seen: dict[nn.Module, list[Tensor]] = {}
    with ExitStack() as hooks:
        for layer in layers:
            handle = layer.register_forward_hook(lambda module, _, output: seen.setdefault(module, []).append(output.clone()))
            hooks.callback(handle.remove)
        yield seen


@contextmanager
def _guarded(layers: list[nn.Module], bounds: dict[nn.Module, list[Tensor]]) -> Iterator[None]:
    """Let gradients pass behind a layer only where what it returns lies between 0 and what it returned for the image."""
    calls = {layer: iter(found) for layer, found in bounds.items()}
    with ExitStack() as hooks:
        for layer in layers:
            handle = layer.register_forward_hook(lambda module, _, output: _Guard.apply(output, next(calls[module])))
            hooks.callback(handle.remove)
        yield


class _Guard(torch.autograd.Function):
    """The identity, with a gradient of 0 where a value is not between 0 and what it was for the image."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, before: Tensor) -> Tensor:
        """The values."""
        slack = ROUNDING * before.abs().amax(tuple(range(1, before.ndim)), keepdim=True)
        ctx.save_for_backward((values <= before.clamp(min=0) + slack) & (values >= before.clamp(max=0) - slack))
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """What may pass."""
        (within,) = ctx.saved_tensors
        return gradients[0] * within, None
