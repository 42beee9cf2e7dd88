"""PatternNet and PatternAttribution, fitted to training images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from harness.api import Classifier, Context, explainer
from harness.api.gradients import once_per_network
from harness.api.hidden_operations import unwatched_reason
from harness_backprop import citations
from harness_backprop.function_rules import blank_image, passed_on
from harness_backprop.patterns import Estimator, LinearMap, LinearMaps, Watched, fit_patterns

IMAGES_AT_ONCE = 16


@once_per_network
def without_patterns(model: Classifier) -> str | None:
    """Reason why patterns of linear maps do not make up what ``model`` computes; None where they do."""
    if (reason := unwatched_reason(model)) is not None:
        return reason
    with torch.enable_grad(), Watched(lambda *_: None) as seen:
        model(blank_image(model))
    if not seen.without_rule:
        return None
    return f"patterns are of linear layers and ReLUs, and the model computes something by {', '.join(sorted(seen.without_rule))} too"


class PatternParams(BaseModel):
    """Parameters of the fit of patterns."""

    model_config = ConfigDict(extra="forbid")
    samples: Annotated[int, Field(ge=2)] = Field(512, description="training images that patterns are fitted to, or all if there are fewer")
    estimator: Estimator = Field("two-component", description="expectations where the neuron is positive, as the paper has it, or of all")


class _Patterned:
    """Explainers that put patterns in place of weights."""

    Params = PatternParams

    def __init__(self, params: PatternParams) -> None:
        self.params = params
        self._patterns: list[Tensor] | None = None

    def applicable(self, model: Classifier) -> str | None:
        """Reason why the method says nothing of ``model``; None where it does."""
        return without_patterns(model)

    def fit(self, model: Classifier, ctx: Context) -> None:
        """Fit a pattern to every linear layer."""
        images, _ = ctx.training_samples(self.params.samples)
        self._patterns = fit_patterns(model, images.split(IMAGES_AT_ONCE), self.params.estimator)

    def _sent_back(self, model: Classifier, images: Tensor, targets: Tensor, weighted: bool) -> Tensor:
        if (reason := self.applicable(model)) is not None:
            raise ValueError(reason)
        if self._patterns is None:
            raise RuntimeError("not fitted: call fit with training images first")
        points = images.detach().clone().requires_grad_()
        with torch.enable_grad():
            with PatternsBack(self._patterns, weighted):
                logits = model(points)
            chosen = logits.gather(1, targets[:, None])[:, 0]
        return torch.autograd.grad(chosen, points, chosen.detach())[0]


@explainer(family="modified backpropagation", signed=True, needs={"training-labels"}, labelled="samples", passes=2, cite=citations.PATTERNS)
class PatternNet(_Patterned):
    """PatternNet: the signal in the image that the logit is made of, by patterns in place of weights (Kindermans et al. 2018).

    Returns ``(B, C, H, W)``, in the unit of the model's input: the logit, sent back through ReLUs and poolings as a gradient, and through
    each linear layer by its neurons' patterns, the directions in which inputs move with what they look for. It estimates what of the
    image is signal and not distractor, and is no attribution: its sum means nothing. Patterns are fitted once per model, in two forward
    passes of the training images.
    """

    def __call__(self, model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
        """The signal ``(B, C, H, W)`` of ``images`` (B, C, H, W) for ``targets`` (B,)."""
        return self._sent_back(model, images, targets, weighted=False)


@explainer(family="modified backpropagation", signed=True, needs={"training-labels"}, labelled="samples", passes=2, cite=citations.PATTERNS)
class PatternAttribution(_Patterned):
    """PatternAttribution: how much each input's share in the signal adds to the logit (Kindermans et al. 2018).

    Returns ``(B, C, H, W)``: as `pattern-net`, with each pattern times the weights, so that a dense layer passes on all of its relevance.
    What ReLUs that are off, zeros around images and biases are given is lost.
    """

    def __call__(self, model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
        """The attribution ``(B, C, H, W)`` of ``images`` (B, C, H, W) for ``targets`` (B,)."""
        return self._sent_back(model, images, targets, weighted=True)


class PatternsBack(LinearMaps):
    """Inside the block gradients go through linear maps by their ``patterns``, ``weighted`` by their weights or not."""

    def __init__(self, patterns: Sequence[Tensor], weighted: bool) -> None:
        super().__init__()
        self.patterns, self.weighted = patterns, weighted

    def linear(self, place: int, apply: LinearMap, inputs: Tensor, weight: Tensor, output: Tensor) -> Tensor:
        """The output, whose gradient goes by the pattern."""
        pattern = self.patterns[place]
        output_with_pattern: Tensor = _ByPattern.apply(apply, inputs, pattern * weight if self.weighted else pattern, output)
        return output_with_pattern

    def normalised(self, place: int | None, inputs: Tensor, output: Tensor, scale: Tensor) -> Tensor:
        """The output, as of a linear map with one input each: its pattern is 1 / scale."""
        if self.weighted:
            return passed_on(inputs, output)
        inverse = torch.where(scale == 0, torch.zeros_like(scale), 1 / scale)
        return passed_on(inputs * inverse.view(-1, *[1] * (inputs.ndim - 2)), output)


class _ByPattern(torch.autograd.Function):
    """A linear map's output, whose gradient is that of a map of another weight."""

    @staticmethod
    def forward(ctx: Any, apply: LinearMap, inputs: Tensor, pattern: Tensor, output: Tensor) -> Tensor:
        ctx.linear_map = apply
        ctx.save_for_backward(inputs, pattern)
        return output.view_as(output)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, None, None]:
        inputs, pattern = ctx.saved_tensors
        with torch.enable_grad():
            points = inputs.detach().to(pattern.dtype).requires_grad_()
            (found,) = torch.autograd.grad(ctx.linear_map(points, pattern), points, gradients[0].to(pattern.dtype))
        return None, found, None, None
