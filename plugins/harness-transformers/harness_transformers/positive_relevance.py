"""Relevance of attention by positive contributions, as Chefer et al. (2021a) propagate it through a transformer.

Relevance travels as autograd's gradient does: each operation that has a rule is computed by a function whose backward pass is the rule.
What only moves numbers moves relevance with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils._pytree import tree_flatten, tree_unflatten

from harness.api import Classifier
from harness.api.gradients import once_per_network
from harness_transformers.attention_weights import AttentionRecorder, in_heads, no_token_attention, record
from harness_transformers.function_names import ACTIVATIONS, MOVES, PRODUCTS, SCALES, SUMS


def relevance_of_attention(model: Classifier, images: Tensor, targets: Tensor) -> list[Tensor]:
    """Relevance ``(B, heads, N, N)`` of every block's weights for the logits of ``targets`` (B,), which get 1.

    Raises ``ValueError`` where `no_rule` has a reason.
    """
    if (reason := no_rule(model)) is not None:
        raise ValueError(reason)
    logits, seen = record(model, images, PositiveRelevance)
    start = F.one_hot(targets, logits.shape[1]).to(logits)
    return in_heads(torch.autograd.grad(logits, seen.weights, start), len(images))


@once_per_network
def no_rule(model: Classifier) -> str | None:
    """Reason why relevance does not find from the logits of ``model`` to its attention; None where it does."""
    if (reason := no_token_attention(model)) is not None:
        return reason
    images = torch.zeros(2, *model.input_shape, device=model.device, dtype=model.dtype)
    _, seen = record(model, images, PositiveRelevance)
    without = ", ".join(sorted(seen.without_rule))
    return f"relevance of attention has no rule for what the model computes behind its first attention: {without}" if without else None


class PositiveRelevance(AttentionRecorder):
    """Inside the block what is computed behind the first attention passes back relevance in place of gradients.

    Attributes:
        without_rule: names of functions that have none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.without_rule: set[str] = set()

    def compute(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """What a function returns, with its rule for the backward pass."""
        leaves, form = tree_flatten((args, dict(kwargs)))
        places = [place for place, leaf in enumerate(leaves) if isinstance(leaf, Tensor) and leaf.requires_grad]

        def again(*given: Tensor) -> Any:
            positional, named = tree_unflatten(_exchanged(leaves, places, given), form)
            return func(*positional, **named)

        given = [leaves[place] for place in places]
        name = getattr(func, "__name__", "")
        if not given or name in MOVES:
            return func(*args, **kwargs)
        if name == "linear" and len(given) == 1 and given[0] is leaves[0]:
            return _PositiveContributions.apply(*args, *kwargs.values())
        if name in PRODUCTS and len(given) == 2:
            return _Contributions.apply(again, 0.5, *given)
        if name == "mean" and len(given) == 1:
            return _Contributions.apply(again, 1.0, *given)
        output = func(*args, **kwargs)
        if not isinstance(output, Tensor) or not output.requires_grad:
            return output
        if name in SUMS and len(given) == 2 and given[0].shape == given[1].shape and len(leaves) == 2:
            return _Residual.apply(*given)
        if len(given) == 1 and given[0].shape == output.shape and name in SUMS | SCALES | ACTIVATIONS | {"softmax", "layer_norm"}:
            return _Identity.apply(given[0], output.detach())
        if self.weights:
            self.without_rule.add(name.strip("_"))
        return output


def _exchanged(leaves: list[Any], places: list[int], given: tuple[Tensor, ...]) -> list[Any]:
    found = list(leaves)
    for place, tensor in zip(places, given, strict=True):
        found[place] = tensor
    return found


def divided(relevance: Tensor, total: Tensor) -> Tensor:
    """``relevance / total``, 0 where the total is 0; totals are kept 1e-9 away from it."""
    away = total + torch.where(total < 0, -1e-9, 1e-9)
    return torch.where(total == 0, torch.zeros_like(relevance), relevance / away)


class _Identity(torch.autograd.Function):
    """The second argument, whose relevance is the first one's."""

    @staticmethod
    def forward(ctx: Any, given: Tensor, output: Tensor) -> Tensor:
        return output.view_as(output)

    @staticmethod
    def backward(ctx: Any, *relevance: Tensor) -> tuple[Tensor, None]:
        return relevance[0], None


class _PositiveContributions(torch.autograd.Function):
    """A dense layer, whose relevance is shared by what is positive among weight × input; its bias gets none."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        ctx.save_for_backward(inputs, weight)
        return F.linear(inputs, weight, bias)

    @staticmethod
    def backward(ctx: Any, *relevance: Tensor) -> tuple[Tensor, None, None]:
        inputs, weight = ctx.saved_tensors
        parts = [(inputs.clamp(min=0), weight.clamp(min=0)), (inputs.clamp(max=0), weight.clamp(max=0))]
        share = divided(relevance[0], sum(F.linear(*part) for part in parts))  # type: ignore[arg-type]
        return sum(given * (share @ weights) for given, weights in parts), None, None  # type: ignore[return-value]


class _Contributions(torch.autograd.Function):
    """A function that is linear in each of its arguments, of which every one gets its contributions, times a factor."""

    @staticmethod
    def forward(ctx: Any, function: Callable[..., Tensor], factor: float, *given: Tensor) -> Tensor:
        ctx.function, ctx.factor = function, factor
        output = function(*given)
        ctx.save_for_backward(output, *given)
        return output

    @staticmethod
    def backward(ctx: Any, *relevance: Tensor) -> tuple[Tensor | None, ...]:
        output, *given = ctx.saved_tensors
        with torch.enable_grad():
            points = [each.detach().requires_grad_() for each in given]
            gradients = torch.autograd.grad(ctx.function(*points), points, divided(relevance[0], output))
        return None, None, *(ctx.factor * each * gradient for each, gradient in zip(given, gradients, strict=True))


class _Residual(torch.autograd.Function):
    """A sum of two, of which each gets its contributions, scaled so that all of a sample's keep the relevance there was."""

    @staticmethod
    def forward(ctx: Any, first: Tensor, second: Tensor) -> Tensor:
        ctx.save_for_backward(first, second)
        return first + second

    @staticmethod
    def backward(ctx: Any, *relevance: Tensor) -> tuple[Tensor, Tensor]:
        first, second = ctx.saved_tensors
        share = divided(relevance[0], first + second)
        parts = [first * share, second * share]
        sums = [part.flatten(1).sum(1) for part in parts]
        whole = divided(relevance[0].flatten(1).sum(1), sums[0].abs() + sums[1].abs())
        one, two = (
            part * divided(total.abs() * whole, total).view(-1, *[1] * (part.ndim - 1)) for part, total in zip(parts, sums, strict=True)
        )
        return one, two
