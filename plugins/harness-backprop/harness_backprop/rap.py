"""Relative attributing propagation: shares by the size of contributions, shifted until they add up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from harness.api import Attribution, Classifier, explainer
from harness.api.gradients import once_per_network
from harness.api.hidden_operations import unwatched_reason
from harness_backprop import citations
from harness_backprop.function_rules import MOVES, POOLINGS, SCALES, SUMS, Call, FunctionRules, blank_image, linear_arguments, passed_on


@once_per_network
def not_attributed(model: Classifier) -> str | None:
    """Reason why relevance cannot be propagated through ``model`` as RAP does; None where it can."""
    if (reason := unwatched_reason(model)) is not None:
        return reason
    image = blank_image(model)
    with torch.enable_grad(), RelativeAttribution(image) as rules:
        logits = model(image)
    if rules.without_rule:
        return f"RAP has no rule for what the model computes by {', '.join(sorted(rules.without_rule))}"
    return None if rules.begin_at(logits) else "the logits do not come from a dense layer, at which RAP begins"


@explainer(family="modified backpropagation", signed=True, complete=True, passes=6, cite=citations.RAP)
def rap(model: Classifier, images: Tensor, targets: Tensor) -> Attribution:
    """RAP: relevance by the size of contributions whatever their sign, shifted evenly in each layer until it adds up (Nam et al. 2020).

    Returns ``(B, C, H, W)``, which sums to the target's logit; what matters less than its layer's average is negative. As in the authors'
    code: the inputs of the last layer share the logit by the size of their contributions. In other layers an output's relevance R goes
    whole to the inputs that contribute to it by its sign, p in all, and besides in the proportion n / (p + n) to those that contribute
    against it, n in all; and of the sum every input that has any gets the same amount less, so that the layer conserves relevance.
    (Negative R goes whole by positive contributions in dense layers, by negative ones in convolutions: so it is there.) The first
    convolution follows the z^B-rule between the image's least and greatest value; poolings and sums share by contribution; ReLUs and batch
    normalisations pass relevance on. Biases matter in the last layer alone, where all contributions grow by theirs.
    """
    if (reason := not_attributed(model)) is not None:
        raise ValueError(reason)
    points = images.detach().clone().requires_grad_()
    with torch.enable_grad():
        with RelativeAttribution(points) as rules:
            logits = model(points)
        rules.begin_at(logits)
        chosen = logits.gather(1, targets[:, None])[:, 0]
    (found,) = torch.autograd.grad(chosen.sum(), points)
    return Attribution(found, expected=chosen.detach())


rap.applicable = not_attributed  # type: ignore[attr-defined]


Linear = Callable[[Tensor, Tensor], Tensor]


@dataclass
class _Layer:
    """A linear map of a pass, by the rule by which relevance goes through it."""

    rule: Callable[..., Tensor]


class RelativeAttribution(FunctionRules):
    """Inside the block gradients are relevance as RAP propagates it, of what the logits' gradient chooses."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        self._last: tuple[_Layer, Tensor] | None = None  # the last linear map, and what it returned
        self._pictures = [images]  # and what nothing but moves and constants has made of them

    def rule(self, name: str, call: Call, given: Sequence[Tensor]) -> Any:
        """The function with its rule for the backward pass."""
        func, args, kwargs = call
        picture = any(each is given[0] for each in self._pictures)
        alone = len(given) == 1
        if name in ("linear", "conv2d") and alone and given[0] is (args[0] if args else kwargs.get("input")):
            apply, inputs, weight = linear_arguments(call)
            rule = bounded_shares if picture and name == "conv2d" else dense_shares if name == "linear" else convolution_shares
            with torch.no_grad():
                output = func(*args, **kwargs)
            layer = _Layer(rule)
            output = _Shares.apply(layer, apply, inputs, weight, output)
            self._last = layer, output
            return output
        if (name in POOLINGS and alone) or (name in SUMS and len(given) == 2):
            return _Contributions.apply(lambda *inputs: func(*_exchanged(args, given, inputs), **kwargs), *given)
        if name in MOVES:
            output = func(*args, **kwargs)
        elif (name in ("relu", "batch_norm") or name in SUMS | SCALES) and alone:
            output = func(*args, **kwargs)
            output = passed_on(given[0], output) if output.shape == given[0].shape else self.refuse(name, call)
        else:
            return self.refuse(name, call)
        if picture and name != "relu" and isinstance(output, Tensor):
            self._pictures.append(output)
        return output

    def begin_at(self, logits: Tensor) -> bool:
        """Begin at the dense layer that returned the logits; False if there is none."""
        if self._last is None or self._last[0].rule is not dense_shares or not torch.equal(self._last[1], logits):
            return False
        self._last[0].rule = first_shares
        return True


def _exchanged(args: tuple[Any, ...], given: Sequence[Tensor], inputs: Sequence[Tensor]) -> list[Any]:
    """Arguments with ``inputs`` in place of those ``given``."""
    return [next((new for old, new in zip(given, inputs, strict=True) if old is arg), arg) for arg in args]


def divided(values: Tensor, by: Tensor) -> Tensor:
    """The quotient, 0 where the divisor is."""
    return torch.where(by == 0, torch.zeros_like(by), values / torch.where(by == 0, torch.ones_like(by), by))


class Split:
    """Contributions of inputs to the outputs of a linear map: the sizes of the ``positive`` and of the ``negative`` ones at each output."""

    def __init__(self, apply: Linear, inputs: Tensor, weight: Tensor) -> None:
        self._parts = [part.detach().requires_grad_() for part in (inputs.clamp(min=0), inputs.clamp(max=0))]
        high, low = self._parts
        up, down = weight.clamp(min=0), weight.clamp(max=0)
        self.positive = apply(high, up) + apply(low, down)
        self.negative = -apply(high, down) - apply(low, up)

    def sent(self, by_positive: Tensor, by_negative: Tensor) -> Tensor:
        """What arrives at the inputs if every contribution's size is multiplied by a factor of its output."""
        parts = torch.autograd.grad((self.positive, self.negative), self._parts, (by_positive, by_negative))
        return sum((part.detach() * gradient for part, gradient in zip(self._parts, parts, strict=True)), torch.zeros(()).to(parts[0]))


def total(values: Tensor) -> Tensor:
    """The sum of each sample, ``(B, 1, …)``."""
    return values.flatten(1).sum(dim=1).view(-1, *[1] * (values.ndim - 1))


def shifted(found: Tensor, relevance: Tensor) -> Tensor:
    """Shares less the same amount for each that is not 0, so that those of a sample sum to its relevance."""
    some = found != 0
    return found - some * divided(total(found) - total(relevance), total(some.to(found)))


def dense_shares(apply: Linear, inputs: Tensor, weight: Tensor, output: Tensor, relevance: Tensor) -> Tensor:
    """Shares of a dense layer's inputs."""
    split = Split(apply, inputs, weight)
    whole, part = divided(relevance, split.positive), divided(relevance, split.positive + split.negative)
    return shifted(split.sent(whole, part), relevance)


def convolution_shares(apply: Linear, inputs: Tensor, weight: Tensor, output: Tensor, relevance: Tensor) -> Tensor:
    """Shares of a convolution's inputs."""
    split = Split(apply, inputs, weight)
    for_, against = relevance.clamp(min=0), relevance.clamp(max=0)
    part = divided(relevance, split.positive + split.negative)
    return shifted(split.sent(divided(for_, split.positive), part + divided(against, split.negative)), relevance)


def bounded_shares(apply: Linear, inputs: Tensor, weight: Tensor, output: Tensor, relevance: Tensor) -> Tensor:
    """Shares of the image by the z^B-rule, within the least and the greatest value of each image."""
    low, high = (bound.expand_as(inputs) for bound in (inputs.amin((1, 2, 3), keepdim=True), inputs.amax((1, 2, 3), keepdim=True)))
    points = [each.detach().clone().requires_grad_() for each in (inputs, low, high)]
    outputs = [apply(point, part) for point, part in zip(points, (weight, weight.clamp(min=0), weight.clamp(max=0)), strict=True)]
    shares = divided(relevance, (outputs[0] - outputs[1] - outputs[2]).detach())
    gradients = torch.autograd.grad(outputs, points, [shares, -shares, -shares])
    return sum((point.detach() * gradient for point, gradient in zip(points, gradients, strict=True)), torch.zeros_like(inputs))


def first_shares(apply: Linear, inputs: Tensor, weight: Tensor, output: Tensor, relevance: Tensor) -> Tensor:
    """Shares of the last layer's inputs in the logits that are not 0 in ``relevance``: by the size of their contributions."""
    sizes = Split(apply, inputs, weight).sent(relevance, relevance)
    return divided(sizes, total(sizes)) * total(relevance * output)


class _Shares(torch.autograd.Function):
    """A linear map whose backward pass shares relevance by the layer's rule."""

    @staticmethod
    def forward(ctx: Any, layer: _Layer, apply: Linear, inputs: Tensor, weight: Tensor, output: Tensor) -> Tensor:
        ctx.layer, ctx.linear_map = layer, apply
        ctx.save_for_backward(inputs, weight, output)
        return output.view_as(output)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None, Tensor, None, None]:
        inputs, weight, output = ctx.saved_tensors
        inputs, output, relevance = (each.to(weight.dtype) for each in (inputs, output, gradients[0]))  # they differ under autocast
        with torch.enable_grad():
            return None, None, ctx.layer.rule(ctx.linear_map, inputs, weight, output, relevance), None, None


class _Contributions(torch.autograd.Function):
    """A function that is linear where it is, whose backward pass shares relevance by contribution: input × gradient / output."""

    @staticmethod
    def forward(ctx: Any, again: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
        ctx.again = again
        ctx.save_for_backward(*inputs)
        return again(*inputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        inputs = [each.detach().requires_grad_() for each in ctx.saved_tensors]
        with torch.enable_grad():
            output = ctx.again(*inputs)
            found = torch.autograd.grad(output, inputs, divided(gradients[0], output.detach()))
        return None, *(each.detach() * gradient for each, gradient in zip(inputs, found, strict=True))
