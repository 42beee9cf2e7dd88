"""Training images without the pixels that an explainer says are the most, or the least, important (Hooker et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from harness.api import Classifier, Context, Dataset, Explainer
from harness.api.removal import Importance, removed_pixels
from harness_torchvision.training.images import AT_ONCE, Heard


@dataclass(frozen=True)
class PixelRemoval:
    """Pixels to be removed from images.

    Attributes:
        explained: the model that is explained, for the class that it predicts.
        explainer: makes the maps.
        share: of an image's pixels.
        order: which of them.
        seed: of the explainer's streams, and of the order of equal pixels.
    """

    explained: Classifier
    explainer: Explainer
    share: float
    order: Importance
    seed: int

    def pixels(self, data: Dataset, size: tuple[int, int], device: torch.device, heard: Heard) -> Tensor:
        """``(N, *size)`` bool, of all images of a dataset, on the CPU: true where a pixel is removed.

        Raises ``ValueError`` where the model that is explained takes images of another size.
        """
        if tuple(self.explained.input_shape[1:]) != size:
            raise ValueError(f"explained: its images have {self.explained.input_shape[1:]} pixels, those that are learnt from {size}")
        model = self.explained.to(device)
        return torch.cat([self._of(model, inputs, ids, data) for inputs, ids in self._batches(model, data, heard)])

    def _batches(self, model: Classifier, data: Dataset, heard: Heard) -> Iterator[tuple[Tensor, list[str]]]:
        for start in range(0, len(data), AT_ONCE):
            heard()
            samples = [data[place] for place in range(start, min(start + AT_ONCE, len(data)))]
            inputs = torch.stack([model.preprocess(sample.image) for sample in samples])
            yield inputs.to(model.device, model.dtype), [sample.id for sample in samples]

    def _of(self, model: Classifier, inputs: Tensor, ids: list[str], data: Dataset) -> Tensor:
        def training(count: int) -> Tensor:
            """What an explainer compares with: images spread evenly over those that are learnt from."""
            places = [place * len(data) // count % len(data) for place in range(count)]
            return torch.stack([model.preprocess(data[place].image) for place in places])

        ctx = Context(self.seed, ids, "removal", model.device, training=training)
        with torch.no_grad():
            targets = model(inputs).argmax(dim=1)
        maps = self.explainer(model, inputs, targets, ctx=ctx).map
        return removed_pixels(maps.detach().cpu(), self.share, self.order, ctx.on("cpu"))
