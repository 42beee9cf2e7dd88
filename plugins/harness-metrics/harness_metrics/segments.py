"""Superpixels: SLIC segments of images (Achanta et al. 2012), and their order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from skimage.segmentation import slic
from torch import Tensor

from harness.api import Unexplained
from harness.api.transfer import sent


class Superpixels(NamedTuple):
    """Segments of B images.

    Attributes:
        labels: ``(B, H, W)`` int64, counted from 0 without a gap in each image.
        counts: how many each image has.
    """

    labels: Tensor
    counts: tuple[int, ...]


def superpixels(images: Tensor, segments: int, compactness: float) -> Superpixels:
    """SLIC segments by scikit-image, which clusters one image after another on the CPU.

    Args:
        images: ``(B, C, H, W)`` in [0, 1]; three channels are taken for RGB and clustered in CIELAB.
        segments: about how many segments an image is divided into.
        compactness: how much nearness in space counts against nearness in colour.
    """
    arrays = images.detach().cpu().permute(0, 2, 3, 1).double().numpy()
    labels = [slic(array, n_segments=segments, compactness=compactness, start_label=0, channel_axis=-1) for array in arrays]
    counted = [np.unique(found, return_inverse=True)[1].reshape(found.shape) for found in labels]
    labelled = torch.from_numpy(np.stack(counted)).long()
    return Superpixels(sent(labelled, images.device), tuple(int(found.max()) + 1 for found in counted))


def case_superpixels(case: Unexplained, segments: int, compactness: float) -> Superpixels:
    """`superpixels` of a case's images before preprocessing, computed once for all metrics and explainers."""

    def compute(samples: Unexplained) -> Tensor:
        return superpixels(samples.model.denormalise(samples.images), segments, compactness).labels.int()

    labels = case.for_all_explainers(["superpixels", segments, compactness], compute)
    return Superpixels(labels.long(), tuple((labels.amax(dim=(1, 2)) + 1).tolist()))


def segment_means(maps: Tensor, labels: Tensor, most: int) -> Tensor:
    """Mean of a map ``(B, H, W)`` over each segment: ``(B, most)``, NaN where a sample has fewer."""
    flat = labels.flatten(1)
    sums = maps.new_zeros(len(maps), most).scatter_add_(1, flat, maps.flatten(1))
    sizes = maps.new_zeros(len(maps), most).scatter_add_(1, flat, torch.ones_like(maps).flatten(1))
    return sums / sizes


def segment_ranks(maps: Tensor, labels: Tensor, tiebreak: Tensor) -> Tensor:
    """The place of each pixel's segment in descending order of the segment's mean.

    Args:
        maps: ``(B, H, W)``.
        labels: ``(B, H, W)`` as `superpixels` gives them.
        tiebreak: ``(B, L)`` numbers, L the largest number of segments; of two equal ones that with the smaller number ranks first.

    Returns:
        ``(B, H, W)`` int64; 0 is the segment with the largest mean.
    """
    means = segment_means(maps, labels, tiebreak.shape[1])
    means = torch.where(means.isnan(), -torch.inf, means)
    first = tiebreak.argsort(dim=1)
    order = first.gather(1, means.gather(1, first).argsort(dim=1, descending=True, stable=True))
    return order.argsort(dim=1).gather(1, labels.flatten(1)).view_as(labels)
