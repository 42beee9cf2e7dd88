"""Adversarial Gradient Integration: paths that end in images of other classes."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Classifier, explainer
from harness.api.gradients import no_gradient_reason
from harness_paths import citations
from harness_paths.steps import input_range, within_bounds


@explainer(family="gradients", signed=True, passes=lambda params: 3 * params["classes"] * params["steps"], cite=citations.AGI)
def adversarial_gradient_integration(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    classes: Annotated[int, Field(ge=1)] = 20,
    steps: Annotated[int, Field(ge=1)] = 20,
    step_size: Annotated[float, Field(gt=0, le=1)] = 0.05,
) -> Tensor:
    """Adversarial Gradient Integration (Pan, Li and Zhu 2021, algorithm 1): no reference input, but steepest ascents to other classes.

    From the image, for each of some other classes c, steps of ε sign(∇p_c) lead to an image of class c, unless ``steps`` end before; the
    fall of the target's probability, −∇p_t · step, is added up on the way and over classes. Returns ``(B, C, H, W)``. It sums to about
    Σ_c p_t(x) − p_t(x_c), less what a step cut off at the range of images loses. (The authors' code takes every step from the image
    itself, so that its paths do not go on.) An image that is of class c already is no path's beginning. Passes are counted as if no search
    ended early.

    Args:
        classes: at most so many other classes, at equal distances in the list of classes, as the authors choose them.
        steps: at most so many steps to each; 15 to 20 in the paper.
        step_size: ε, as a share of the range of inputs.
    """
    total = torch.zeros_like(images)
    size = step_size * input_range(model, images)
    for others in other_classes(model.num_classes, targets, classes):
        place = images.detach()
        for _ in range(steps):
            points = place.clone().requires_grad_()
            with torch.enable_grad():
                logits = model(points)
                shares = model.probabilities(logits)
                (toward,) = torch.autograd.grad(shares.gather(1, others[:, None]).sum(), points, retain_graph=True)
                (away,) = torch.autograd.grad(shares.gather(1, targets[:, None]).sum(), points)
            searching = (logits.argmax(dim=1) != others).view(-1, 1, 1, 1)
            if not bool(searching.any()):
                break
            step = torch.where(searching, within_bounds(model, place + size * toward.sign()) - place, 0)
            total -= away * step
            place = place + step
    return total


adversarial_gradient_integration.applicable = no_gradient_reason  # type: ignore[attr-defined]


def other_classes(count: int, targets: Tensor, wanted: int) -> Tensor:
    """``(n, B)``: for each target n = min(``wanted``, ``count`` − 1) other classes, at equal distances behind it in the ring of classes."""
    n = min(wanted, count - 1)
    distances = 1 + torch.arange(n, device=targets.device) * (count - 1) // n
    return (targets[None] + distances[:, None]) % count
