"""Bounding boxes of where the evidence is, ``x0, y0, x1, y1`` in pixels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from harness.api import Case
from harness.api.geometry import masks_to_boxes


class NeedsBoxes(LookupError):
    """A metric of localisation, but the case has neither boxes nor masks."""


def boxes_of(case: Case) -> Tensor:
    """``(B, N, 4)`` the boxes of each sample, rows of zeros where it has fewer than N; those round the masks where no boxes are given.

    Raises `NeedsBoxes` where the case has neither.
    """
    if case.boxes is not None:
        return pad_sequence([boxes.to(case.attributions) for boxes in case.boxes], batch_first=True)
    if case.masks is not None:
        return masks_to_boxes(case.masks).to(case.attributions)[:, None]
    raise NeedsBoxes("this metric needs boxes (or masks) of where the evidence is, but the dataset has none")


def inside(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """``(B, H, W)`` bool: the pixels whose centre is in any of the boxes ``(B, N, 4)``.

    >>> inside(torch.tensor([[[1.0, 0.0, 3.0, 1.0]]]), (2, 3)).int().tolist()
    [[[0, 1, 1], [0, 0, 0]]]
    """
    x0, y0, x1, y1 = boxes[..., None].unbind(dim=2)
    x, y = (torch.arange(length, device=boxes.device) + 0.5 for length in (size[1], size[0]))
    columns, rows = (x0 <= x) & (x < x1), (y0 <= y) & (y < y1)
    return (rows[..., :, None] & columns[..., None, :]).any(dim=1)


def intersection_over_union(a: Tensor, b: Tensor) -> Tensor:
    """Of boxes ``(…, 4)`` and ``(…, 4)``: the area they share over the area of both together; 0 where both are empty.

    >>> intersection_over_union(torch.tensor([0.0, 0.0, 2.0, 2.0]), torch.tensor([1.0, 0.0, 3.0, 2.0])).item()
    0.3333333432674408
    """
    lower, upper = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    shared = (upper - lower).clamp_min(0).prod(dim=-1)
    together = sum((box[..., 2:] - box[..., :2]).prod(dim=-1) for box in (a, b)) - shared
    return torch.where(together > 0, shared / together, 0)
