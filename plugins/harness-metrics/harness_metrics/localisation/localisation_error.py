"""The weakly supervised localisation error (Cao et al. 2015; Fong and Vedaldi 2017)."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness.api.geometry import masks_to_boxes
from harness_metrics.localisation.boxes import boxes_of, intersection_over_union
from harness_metrics.localisation.citations import FONG_2017
from harness_metrics.maps import energetic, mass


@metric(category="localisation", direction="lower", needs={"boxes"}, bounds=(0, 1), passes=0, cite=FONG_2017)
def localisation_error(
    case: Case,
    *,
    fraction: Annotated[float, Field(gt=0, le=1)] = 0.95,
    overlap: Annotated[float, Field(ge=0, lt=1)] = 0.5,
    absolute: bool = False,
) -> Tensor:
    """Whether the box round the map's energy misses the object: 1 for an error, 0 for a hit.

    Fong and Vedaldi 2017, after Cao et al. 2015: the map is cut at the value above which lies a share of its energy, the
    tightest box round what is left is the prediction, and it is right where its intersection over union with a box of the object is more
    than 0.5 (the rule of ImageNet). The mean over samples is their error. Their code chooses the share for each method on
    held-out images, in steps of 0.05 (learned masks 0.95, Excitation Backprop 0.60, Guided Backprop 0.30, gradients 0.10); at 0.95 all but
    the masks come near to the box of the whole image. Compare methods at shares that suit them, or as here all at the same.

    Args:
        case: the samples; where boxes are not given, the box round the mask.
        fraction: of its energy that the map keeps; 0.95 is the review's and suits maps with a background of 0.
        overlap: the intersection over union that a hit must exceed, with any of the boxes.
        absolute: the energy of a pixel is |a|; by default its positive part.

    Returns:
        ``(B,)`` 0 or 1, lower is better; NaN for a sample without a box or a map without energy. Pixels that are tied at the cut are all
        kept (the authors drop the pixel that reaches the share, and break ties by position).
    """
    boxes = boxes_of(case)
    values = mass(case.attributions, absolute)
    predicted = masks_to_boxes(energetic(values, fraction)).to(boxes)
    found = (intersection_over_union(predicted[:, None], boxes) > overlap).any(dim=1)
    defined = (boxes != 0).flatten(1).any(dim=1) & (values > 0).flatten(1).any(dim=1)
    return torch.where(defined, (~found).float(), torch.nan)
