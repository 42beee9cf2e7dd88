"""Implementation invariance (Sundararajan et al. 2017)."""

from __future__ import annotations

import copy
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.api import Case, Classifier, metric
from harness.api.kept_networks import kept_network
from harness.api.network_features import reached_modules
from harness_metrics.axiomatic.networks import Rounding, computes_the_same, relative_distance, replaced
from harness_metrics.citations import SUNDARARAJAN_2017

Change = Literal["rectifiers", "weights"]


@metric(category="axiomatic", direction="lower", needs={"explainer"}, bounds=(0, None), passes=1, cite=SUNDARARAJAN_2017)
def implementation_invariance(case: Case, *, change: Change = "rectifiers", tolerance: Rounding = 1e-3) -> Tensor:
    """How far the map moves when the network computes the same in another way.

    Sundararajan et al. 2017: the attributions of two networks with the same output for every input must be the same. The
    score is ``‖A(f') − A(f)‖ / ‖A(f)‖``, f' being the same function with the same gradient. Every layer keeps its name.

    Args:
        case: the samples; their explainer explains another network.
        change: what is other in f'. ``rectifiers``: each ReLU but the first is computed as a selection of what is above 0, equal to the
            last bit, in which a hook sees no ReLU (one stays, since explainers that need a ReLU refuse a network without). ``weights``:
            each convolution and linear layer is the sum of two, between which its weights are divided at random; equal up to rounding.
            The two are inside the layer, which stays a convolution or a linear layer with all its weights: no rule for kinds of layers
            and no hook sees them, so that the score is 0 for every explainer but one that is not the same twice.
        tolerance: relative difference up to which it is rounding, and counts as 0.

    Returns:
        ``(B,)`` of at least 0, lower is better; NaN where the map is 0 everywhere, where there is nothing to change (no second ReLU), or
        where the logits of the two networks are not the same within 1e-3 of the greatest. The norm is Frobenius over pixels.
    """
    find, build = {"rectifiers": (further_rectifiers, with_selections), "weights": (divisible_layers, with_divided_weights)}[change]
    if not find(case.model):
        return torch.full_like(case.attributions[:, 0, 0], torch.nan)
    other = kept_network(case.model, ("harness-metrics", "same function", change), lambda: build(case.model))
    moved = relative_distance(case.explain(model=other), case.attributions, tolerance)
    return torch.where(computes_the_same(case, other, case.images), moved, torch.nan)


class Selection(nn.Module):
    """Selection of what is above 0, and 0 elsewhere: a ReLU with a ReLU's gradient, by another name."""

    def forward(self, inputs: Tensor) -> Tensor:
        """``inputs`` where they are above 0."""
        return torch.where(inputs > 0, inputs, torch.zeros_like(inputs))


def further_rectifiers(model: Classifier) -> list[str]:
    """Names of the ReLUs that the image reaches, but the first."""
    serving = {layer for layer in reached_modules(model) if isinstance(layer, nn.ReLU)}
    return [name for name, layer in model.module.named_modules() if layer in serving][1:]


def with_selections(model: Classifier) -> Classifier:
    """The network with each ReLU but the first as a `Selection`."""
    module = copy.deepcopy(model.module)
    for name in further_rectifiers(model):
        replaced(module, name, Selection())
    return model.with_module(module)


class DividedConv2d(nn.Conv2d):
    """A convolution as the sum of two: ``first`` (0 or 1) says to which of them a weight belongs."""

    first: Tensor

    def forward(self, input: Tensor) -> Tensor:
        """The sum of what the two compute."""
        first = self._conv_forward(input, self.weight * self.first, self.bias)
        second = self._conv_forward(input, self.weight * (1 - self.first), None)
        return torch.stack([first, second]).sum(dim=0)  # an addition would become a module inside this one


class DividedLinear(nn.Linear):
    """A linear layer as the sum of two: ``first`` (0 or 1) says to which of them a weight belongs."""

    first: Tensor

    def forward(self, input: Tensor) -> Tensor:
        """The sum of what the two compute."""
        first = F.linear(input, self.weight * self.first, self.bias)
        return torch.stack([first, F.linear(input, self.weight * (1 - self.first))]).sum(dim=0)


def divisible_layers(model: Classifier) -> list[str]:
    """Names of the plain convolutions and linear layers."""
    return [name for name, layer in model.module.named_modules() if type(layer) in (nn.Conv2d, nn.Linear)]


def with_divided_weights(model: Classifier) -> Classifier:
    """The network with every plain convolution and linear layer divided, the same way each time."""
    module = copy.deepcopy(model.module)
    generator = torch.Generator().manual_seed(0)
    for name in divisible_layers(model):
        layer = cast("nn.Conv2d | nn.Linear", module.get_submodule(name))
        first = torch.rand(layer.weight.shape, generator=generator) < 0.5
        layer.register_buffer("first", first.to(layer.weight), persistent=False)
        layer.__class__ = DividedConv2d if isinstance(layer, nn.Conv2d) else DividedLinear
    return model.with_module(module)
