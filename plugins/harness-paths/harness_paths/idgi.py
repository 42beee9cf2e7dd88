"""IDGI: the change of the logit from one point of a path to the next, divided among pixels by their squared gradients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Attribution, Classifier, explainer
from harness.api.gradients import no_gradient_reason
from harness.api.preprocessing import ReferenceKind
from harness_paths import citations
from harness_paths.blur_ig import blur_path
from harness_paths.guided_ig import guided_path
from harness_paths.points import PathPoint, straight_path, summed_along

Path = Literal["straight", "guided", "blur"]


def passes(params: Mapping[str, Any]) -> float:
    """Forward-equivalents: one gradient at every point."""
    return 2.0 * params["steps"] + 2


@explainer(family="gradients", signed=True, complete=True, passes=passes, cite=citations.IDGI)
def idgi(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    path: Path = "straight",
    steps: Annotated[int, Field(ge=1)] = 100,
    baseline: ReferenceKind = "black",
) -> Attribution:
    """IDGI: important directions of gradient integration (Yang, Wang and Bilgic 2023, eq. 8).

    From one point of the path to the next the target's logit changes by d, of which a pixel gets the share g² / Σ g² of its gradient g at
    the first. So the map ``(B, C, H, W)`` sums to the logit's difference between the path's ends to the last digit, whatever the steps;
    where a gradient is 0 everywhere the change has no pixel to go to.

    Args:
        path: ``straight`` from the baseline as Integrated Gradients, ``guided`` as Guided IG, ``blur`` from the blurred image as
            Blur IG, both at their usual settings.
        steps: parts of the path.
        baseline: the input that stands for nothing (not of ``blur``): black, white, the image's mean colour, the blurred image, or the
            zero tensor.
    """
    return summed_along(_points(path, model, images, targets, steps, baseline), _by_squared_gradients)


idgi.applicable = no_gradient_reason  # type: ignore[attr-defined]


def _by_squared_gradients(here: PathPoint, after: PathPoint) -> Tensor:
    """The logits' change on the way, by the squares of the gradients at its beginning; 0 where all of these are 0."""
    squares = here.gradients.square()
    sums = squares.sum((1, 2, 3), keepdim=True)
    change = (after.logits - here.logits).view(-1, 1, 1, 1)
    return torch.where(sums > 0, squares / sums, 0) * change


def _points(path: Path, model: Classifier, images: Tensor, targets: Tensor, steps: int, baseline: ReferenceKind) -> Iterator[PathPoint]:
    if path == "blur":
        return blur_path(model, images, targets, steps, None)
    start = model.reference(baseline, images)
    if path == "guided":
        return guided_path(model, start, images, targets, steps, fraction=0.25, max_distance=0.02)
    return straight_path(model, start, images, targets, steps)
