"""Linearity (Sundararajan et al. 2017)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init

from harness.api import Case, Classifier, metric
from harness.api.kept_networks import kept_network
from harness_metrics.axiomatic.networks import Forward, Rounding, relative_distance, with_forward
from harness_metrics.citations import SUNDARARAJAN_2017


@metric(category="axiomatic", direction="lower", needs={"explainer"}, bounds=(0, None), passes=2, cite=SUNDARARAJAN_2017)
def linearity(
    case: Case, *, a: float = 0.5, b: float = 0.5, other: Literal["class", "twin"] = "class", tolerance: Rounding = 1e-3
) -> Tensor:
    """How far the map of a sum of two functions is from the sum of their maps.

    Sundararajan et al. 2017: the attribution of ``a f₁ + b f₂`` must be ``a A(f₁) + b A(f₂)``. f₁ is the target's logit. The
    score is the norm of the difference of the two sides over that of the right one.

    Args:
        case: the samples; their explainer explains other networks, in which the layers of f₁ keep their names.
        a: weight of f₁.
        b: weight of f₂.
        other: what f₂ is. ``class``: the logit of the next class of the same network, so that every layer serves both functions, also to
            an explainer that looks at one layer. ``twin``: the target's logit of a network of the same kind with fresh weights, beside
            the first; no layer serves both then, and class activation maps fail by right.
            A method whose maps have the same sum for every function (LRP that starts at 1) is linear for neither.
        tolerance: relative difference up to which it is rounding, and counts as 0.

    Returns:
        ``(B,)`` of at least 0, lower is better; NaN where the sum of the two maps is 0 everywhere, and for ``class`` in a network of one.
        The norm is Frobenius over pixels.
    """
    model, key = case.model, ("harness-metrics", "linear", a, b, other, case.ctx.seed)
    if other == "twin":
        second = kept_network(model, ("harness-metrics", "twin", case.ctx.seed), lambda: model.randomised(case.ctx.seed % 2**31))
        maps = case.explain(model=second)
        both = kept_network(model, key, lambda: model.with_module(side_by_side(model.module, second.module, a, b)))
    elif model.num_classes > 1:
        maps = case.explain(targets=(case.targets + 1) % model.num_classes)
        both = kept_network(model, key, lambda: model.with_module(classes_added(model, a, b)))
    else:
        return torch.full_like(case.attributions[:, 0, 0], torch.nan)
    return relative_distance(case.explain(model=both), a * case.attributions + b * maps, tolerance)


def side_by_side(first: nn.Module, second: nn.Module, a: float, b: float) -> nn.Module:
    """A copy of ``first`` that adds ``b`` times what ``second`` computes to ``a`` times its own."""

    def forward(copied: nn.Module, own: Forward, inputs: Tensor) -> Tensor:
        twin: Tensor = copied.get_submodule("linearity_twin")(inputs)
        return a * own(inputs) + b * twin

    both = with_forward(first, forward)
    both.add_module("linearity_twin", second)
    return both


def classes_added(model: Classifier, a: float, b: float) -> nn.Module:
    """A copy of the network in which each logit is ``a`` times itself plus ``b`` times that of the next class, by a linear layer."""

    def forward(copied: nn.Module, own: Forward, inputs: Tensor) -> Tensor:
        added: Tensor = copied.get_submodule("linearity_sum")(own(inputs))
        return added

    both = with_forward(model.module, forward)
    classes = torch.eye(model.num_classes, device=model.device, dtype=model.dtype)
    layer = skip_init(nn.Linear, model.num_classes, model.num_classes, bias=False)  # which would draw from the global generator
    layer.weight = nn.Parameter(a * classes + b * classes.roll(1, dims=1), requires_grad=False)
    both.add_module("linearity_sum", layer)
    return both
