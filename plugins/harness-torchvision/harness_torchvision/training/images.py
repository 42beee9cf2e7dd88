"""The images of a training as tensors: read once where they fit into memory, else each time they are seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from harness.api import Dataset, Sample
from harness.api.geometry import Geometry
from harness_torchvision.training.options import Augmentation

Heard = Callable[[], object]
AT_ONCE = 64  # images of a batch that nothing is learnt from
MOST_KEPT = 2**32  # bytes of images that are kept in memory


def _ignore() -> None:
    """Let nobody know."""


@dataclass
class TrainingImages:
    """Images of a dataset in a network's geometry, not yet normalised, and their labels.

    Attributes:
        dataset: where they are from.
        geometry: brings them to the network's size.
        classes: of each of the dataset's labels, or None if these are the classes.
        count: of classes, where that is known before all labels are: others than 0 to this less one are refused.
        removed: ``(N, H, W)`` bool, the pixels of each image that become ``fill``, a value for each channel; or None.
    """

    dataset: Dataset
    geometry: Geometry
    classes: Sequence[int] | None = None
    count: int | None = None
    removed: Tensor | None = None
    fill: Sequence[float] = (0.0,)
    _kept: dict[int, tuple[Tensor, int]] = field(default_factory=dict, repr=False)
    _bytes: int = field(default=0, repr=False)

    def __len__(self) -> int:
        return len(self.dataset)

    def batch(self, places: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Images ``(B, C, H, W)`` in [0, 1] at these places, and classes ``(B,)``."""
        missing = [place for place in places if place not in self._kept]
        found = {place: self._prepared(self.dataset[place]) for place in missing}
        for place, (image, label) in found.items():
            self._bytes += image.numel() * image.element_size()
            if self._bytes <= MOST_KEPT:
                self._kept[place] = (image, label)
        both = [found.get(place) or self._kept[place] for place in places]
        channels = max(image.shape[0] for image, _ in both)
        images = torch.stack([image.expand(channels, -1, -1) for image, _ in both])
        images = images.expand(-1, self.geometry.channels if images.shape[1] == 1 else -1, -1, -1)
        if self.removed is not None:
            images = torch.where(self.removed[list(places)][:, None], torch.tensor(list(self.fill)).view(-1, 1, 1), images)
        return images, torch.tensor([label for _, label in both])

    def batches(self, heard: Heard = _ignore) -> Iterator[tuple[Tensor, Tensor]]:
        """All of them in their order; ``heard`` is called before each batch, so that it is known that this goes on."""
        for start in range(0, len(self), AT_ONCE):
            heard()
            yield self.batch(range(start, min(start + AT_ONCE, len(self))))

    def labels(self, heard: Heard = _ignore) -> list[int]:
        """The class of each image, all of which are read for that."""
        return [label for _, labels in self.batches(heard) for label in labels.tolist()]

    def _prepared(self, sample: Sample) -> tuple[Tensor, int]:
        """One image, in one channel where it has one: the others would be the same; and its class."""
        if not torch.isfinite(sample.image).all():
            raise ValueError(f"the sample {sample.id} has values that are not finite (NaN or infinite)")
        count = self.count if self.classes is None else len(self.classes)
        if sample.label < 0 or (count is not None and sample.label >= count):
            known = "labels begin with 0" if count is None else f"there are {count} classes, 0 to {count - 1}"
            raise ValueError(f"the sample {sample.id} has the label {sample.label}, and {known}")
        grey = sample.image.shape[0] == 1
        image = replace(self.geometry, channels=1).image(sample.image) if grey else self.geometry.image(sample.image)
        return image, sample.label if self.classes is None else self.classes[sample.label]


def scale_of(images: TrainingImages, heard: Heard = _ignore) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel over all pixels of all images."""
    total, squares, count = torch.zeros(1), torch.zeros(1), 0
    for found, _ in images.batches(heard):
        batch = found.double()
        total = total + batch.sum(dim=(0, 2, 3))
        squares = squares + batch.square().sum(dim=(0, 2, 3))
        count += batch.shape[0] * batch.shape[2] * batch.shape[3]
    mean = total / count
    std = (squares / count - mean.square()).clamp(min=0).sqrt()
    if not (std > 0).all():
        raise ValueError("normalisation: z-score, and a channel of the training images has one value throughout: give mean and std")
    return mean.tolist(), std.tolist()


def augmented(images: Tensor, options: Augmentation, generator: torch.Generator) -> Tensor:
    """Images ``(B, C, H, W)`` each changed by chance; the same numbers are drawn whatever is in them."""
    for dimension, name in ((3, "left-right"), (2, "up-down")):
        if name in options.mirror:
            mirrored = torch.rand(len(images), 1, 1, 1, generator=generator) < 0.5
            images = torch.where(mirrored, images.flip(dimension), images)
    if options.shift:
        height, width = images.shape[2:]
        padded = F.pad(images, (options.shift,) * 4, mode="replicate")
        tops, lefts = torch.randint(0, 2 * options.shift + 1, (2, len(images)), generator=generator).tolist()
        moved = zip(padded, tops, lefts, strict=True)
        images = torch.stack([image[:, top : top + height, left : left + width] for image, top, left in moved])
    return images
