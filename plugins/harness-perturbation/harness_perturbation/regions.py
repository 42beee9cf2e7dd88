"""Regions of images that are kept or replaced as a whole: a grid, or superpixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from skimage.segmentation import slic
from torch import Tensor

from harness.api import Classifier, Context
from harness.api.masking import HoleBaseline, Replacement, Shares, hole_replacement, mixed_with
from harness.api.transfer import sent

RegionKind = Literal["slic", "grid"]
RegionBaseline = HoleBaseline | Literal["region-mean"]
"""A baseline, in-painting, or each region's own mean colour."""
Segments = Annotated[int, Field(ge=2)]
COMPACTNESS, SIGMA = 20.0, 1.0
"""How much nearness in space counts for SLIC, and the Gaussian before it: with scikit-image's own 10 and none, noise is one region."""


class Regions(NamedTuple):
    """Regions of B images.

    Attributes:
        labels: ``(B, H, W)`` int64, counted from 0 without a gap in each image; ``(1, H, W)`` if they are the same for all.
        counts: how many each image has, of its own or of those that are the same for all.
    """

    labels: Tensor
    counts: tuple[int, ...]

    @property
    def most(self) -> int:
        """The largest of the counts."""
        return max(self.counts)

    def at_pixels(self, values: Tensor) -> Tensor:
        """Each pixel gets its region's value: ``(B, R)`` → ``(B, H, W)``."""
        labels = self.labels.expand(len(values), -1, -1)
        return values.gather(1, labels.flatten(1)).view(labels.shape)

    def shared_out(self, values: Tensor) -> Tensor:
        """A region's value, shared out equally to its pixels: ``(B, R)`` → ``(B, H, W)``, with the same sum."""
        flat = self.labels.flatten(1)
        sizes = values.new_zeros(len(flat), values.shape[1]).scatter_add_(1, flat, values.new_ones(flat.shape))
        return self.at_pixels(values / sizes.clamp(min=1))

    def means(self, images: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` of which each region has its mean colour."""
        index = self.labels.flatten(1)[:, None].expand(len(images), images.shape[1], -1)
        zeros = images.new_zeros(*images.shape[:2], self.most)
        sums = zeros.scatter_add(2, index, images.flatten(2))
        sizes = zeros.scatter_add(2, index, torch.ones_like(images).flatten(2))
        return (sums / sizes.clamp(min=1)).gather(2, index).view_as(images)

    def masks(self, coalitions: Tensor) -> Shares:
        """Masks of coalitions ``(B or 1, N, R)`` bool: pixels of the regions that are in one are kept."""
        flat = self.labels.flatten(1)

        def kept(part: range) -> Tensor:
            chosen = coalitions[:, part.start : part.stop]
            rows = max(len(chosen), len(flat))
            index = flat[:, None].expand(rows, len(part), -1)
            found = chosen.expand(rows, -1, -1).gather(2, index)
            return found.transpose(0, 1).reshape(len(part), rows, *self.labels.shape[1:])

        return kept


def find_regions(model: Classifier, images: Tensor, kind: RegionKind, segments: int, most: int | None = None) -> Regions:
    """Regions of model inputs ``(B, C, H, W)``.

    Args:
        model: knows what images these are: SLIC clusters colours.
        images: model inputs.
        kind: ``grid`` of equal rectangles, as many rows as columns; or ``slic`` superpixels by scikit-image (Achanta et al. 2012), which
            clusters one image after another on the CPU: of three channels, in CIELAB.
        segments: about how many regions; a grid has the nearest square.
        most: so many at most: SLIC is asked for fewer until it finds no more.
    """
    if kind == "grid":
        return _grid(images, segments)
    arrays = _as_pictures(model, images.detach()).cpu().permute(0, 2, 3, 1).double().numpy()
    labels = [_superpixels(array, segments, most) for array in arrays]
    return Regions(sent(torch.from_numpy(np.stack(labels)).long(), images.device), tuple(int(found.max()) + 1 for found in labels))


def region_replacement(model: Classifier, images: Tensor, kind: RegionBaseline, regions: Regions, ctx: Context) -> Replacement:
    """Replacement of whole regions by ``kind``."""
    return mixed_with(images, regions.means(images)) if kind == "region-mean" else hole_replacement(model, images, kind, ctx)


def by_count(regions: Regions, make: Callable[[int], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """Tensors that depend on an image's number of regions only, stacked for all images: ``(B or 1, …)``, the latter if all have the same.

    They are made once per number, and filled up at their ends with zeros (False) to the largest of their kind.
    """
    counts = regions.counts if len(set(regions.counts)) > 1 else regions.counts[:1]
    made = {count: make(count) for count in sorted(set(counts))}
    if len(made) == 1:
        return tuple(found[None] for found in made[counts[0]])
    stacked = []
    for kind in zip(*made.values(), strict=True):
        shape = [max(lengths) for lengths in zip(*(found.shape for found in kind), strict=True)]
        filled = {}
        for count, found in zip(made, kind, strict=True):
            filled[count] = found.new_zeros(shape)
            filled[count][tuple(slice(length) for length in found.shape)] = found
        stacked.append(torch.stack([filled[count] for count in counts]))
    return tuple(stacked)


def _grid(images: Tensor, segments: int) -> Regions:
    height, width = images.shape[-2:]
    side = max(1, round(segments**0.5))
    rows, columns = min(side, height), min(side, width)
    down = torch.arange(height, device=images.device) * rows // height
    across = torch.arange(width, device=images.device) * columns // width
    return Regions((down[:, None] * columns + across)[None], (rows * columns,))


def _as_pictures(model: Classifier, images: Tensor) -> Tensor:
    """Images in [0, 1]: before preprocessing, or, where that is the identity, by each image's own range."""
    if model.bounds is not None:
        return model.denormalise(images).clamp(0, 1)
    low, high = model.input_range(images)
    return (images - low) / (high - low).clamp(min=torch.finfo(images.dtype).tiny)


def _superpixels(array: NDArray[np.float64], segments: int, most: int | None) -> NDArray[np.int64]:
    for asked in range(segments, 0, -1):
        found = slic(array, n_segments=asked, compactness=COMPACTNESS, sigma=SIGMA, start_label=0, channel_axis=-1)
        labels: NDArray[np.int64] = np.unique(found, return_inverse=True)[1].reshape(found.shape)
        if most is None or labels.max() < most:
            return labels
    return np.zeros(array.shape[:2], dtype=np.int64)
