"""Blur IG: the path on which a blurred image becomes sharp."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field
from torch import Tensor

from harness.api import Attribution, Classifier, explainer
from harness.api.blurring import zero_bordered_blur
from harness.api.gradients import no_gradient_reason
from harness_paths import citations
from harness_paths.points import PathPoint, path_points, summed_along


@explainer(family="gradients", signed=True, complete=True, passes=lambda params: 2 * params["steps"] + 2, cite=citations.BLUR_IG)
def blur_ig(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    steps: Annotated[int, Field(ge=1)] = 100,
    max_sigma: Annotated[float, Field(gt=0)] | None = None,
) -> Attribution:
    """Blur IG: gradients on the path from the blurred image to the image, by falling σ (Xu et al. 2020, eq. 7).

    The map ``(B, C, H, W)`` sums to f(x) − f(blurred x) of the target's logit, but for the error of the sum: the trapezoidal rule over the
    path's own points. (The authors' code takes the path's tangent at σ, which is 0 at the sharp end, where the image changes most.)
    As there the image's surroundings are 0, in units of the model's input.

    Args:
        steps: parts of equal length in σ.
        max_sigma: standard deviation of the strongest blur, in pixels; by default 50/224 of the image's shorter side, as the paper has it.
    """

    def trapezoid(blurred: PathPoint, sharper: PathPoint) -> Tensor:
        return (sharper.place - blurred.place) * (sharper.gradients + blurred.gradients) / 2

    return summed_along(blur_path(model, images, targets, steps, max_sigma), trapezoid)


blur_ig.applicable = no_gradient_reason  # type: ignore[attr-defined]


def blur_path(model: Classifier, images: Tensor, targets: Tensor, steps: int, max_sigma: float | None) -> Iterator[PathPoint]:
    """``steps`` + 1 points, from the blurred images to the images themselves."""
    strongest = min(images.shape[-2:]) * 50 / 224 if max_sigma is None else max_sigma
    return path_points(model, (zero_bordered_blur(images, strongest * k / steps) for k in range(steps, -1, -1)), targets)
