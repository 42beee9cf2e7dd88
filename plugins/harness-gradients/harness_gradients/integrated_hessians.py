"""Integrated Hessians, summed over the pixels that each interacts with."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from harness.api import Classifier, explainer
from harness.api.hidden_operations import hidden_operations_reason
from harness.api.preprocessing import ReferenceKind
from harness.api.second_gradients import no_second_gradient_reason, second_gradients
from harness_gradients import citations


def not_softened(model: Classifier) -> str | None:
    """Reason why no second derivative can be taken of ``model``, or not all its ReLUs be softened; None where both can."""
    return no_second_gradient_reason(model) or hidden_operations_reason(model, additions=False)


@explainer(family="gradients", signed=True, passes=lambda params: 4 * params["steps"], cite=citations.INTEGRATED_HESSIANS)
def integrated_hessians(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    steps: Annotated[int, Field(ge=1)] = 32,
    baseline: ReferenceKind = "black",
    sharpness: Annotated[float, Field(gt=0)] = 10.0,
) -> Tensor:
    """Integrated Hessians: all interactions of a pixel, its own included, summed up (Janizek et al. 2021, eq. 5 and 6).

    Returns ``(B, C, H, W)``. Interactions of pixel pairs are never made: their sums are Hessian-vector products. As ReLUs have no second
    derivative they are softened, log(1 + exp(s x)) / s, and the map sums to f(x) − f(x₀) of the softened network, which need not be near
    the network's own. The sum of a pixel's interactions is its Integrated Gradient there (the paper's completeness), which the
    integration by parts of ∫∫ … dα dβ = ∫ … (−ln t) dt shows; the two differ by the errors of their sums, and where the gradient jumps:
    max-pooling layers are not softened, and what changes as another pixel becomes the largest is in no second derivative.

    Args:
        steps: points on the path from the reference.
        baseline: the input that stands for nothing: black, white, the image's mean colour, the blurred image, or the zero tensor.
        sharpness: s of the softened ReLU, 10 in the paper.
    """
    if (reason := not_softened(model)) is not None:
        raise ValueError(reason)
    references = model.reference(baseline, images)
    change = images - references
    total = torch.zeros_like(images)
    with softened(model, sharpness), second_gradients(), torch.enable_grad():
        for place, weight in zip(*log_quadrature(steps), strict=True):
            point = (references + place * change).detach().requires_grad_()
            logits = model(point).gather(1, targets[:, None])
            (gradient,) = torch.autograd.grad(logits.sum(), point, create_graph=True)
            product = torch.zeros_like(point)
            if gradient.requires_grad:
                found = torch.autograd.grad((gradient * change).sum(), point, allow_unused=True)[0]
                product = product if found is None else found
            total += weight * (place * product + gradient.detach())
    return change * total


integrated_hessians.applicable = not_softened  # type: ignore[attr-defined]


def softened(model: Classifier, sharpness: float) -> ExitStack:
    """Hooks that have every ReLU of a model return the softplus of its input; gone when the block is left."""
    hooks = ExitStack()
    for layer in model.module.modules():
        if isinstance(layer, nn.ReLU):
            hooks.callback(layer.register_forward_hook(lambda _, args, output: F.softplus(args[0], beta=sharpness)).remove)
    return hooks


@cache
def log_quadrature(steps: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Points and weights of ∫₀¹ g(t) (−ln t) dt, which is the mean of g(α β) over the unit square; weights add up to 1.

    With t = u² the weight is −4 u ln u, which is continuous: Gauss and Legendre's points of u.
    """
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    places = (nodes + 1) / 2
    shares = -4 * places * np.log(places) * weights
    return tuple((places**2).tolist()), tuple((shares / shares.sum()).tolist())
