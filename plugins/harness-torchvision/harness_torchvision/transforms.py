"""The preprocessing that goes with an architecture or with one of its published weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

from torchvision import models
from torchvision.models import WeightsEnum

from harness.api.geometry import Interpolation


@dataclass(frozen=True)
class Preprocessing:
    """Resize the shorter side to ``resize``, crop the centre ``size``, subtract ``mean`` and divide by ``std`` (both over [0, 1])."""

    size: int
    resize: int
    interpolation: Interpolation
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def at(self, size: int | None) -> Preprocessing:
        """The same for inputs of another size: the crop keeps its share of the resized image."""
        return self if size is None else replace(self, size=size, resize=round(size * self.resize / self.size))


def preprocessing(arch: str, weights: WeightsEnum | None) -> Preprocessing:
    """Preprocessing that ``weights`` were published with; without any, that of the architecture's default weights."""
    chosen = weights if weights is not None else cast(Any, models.get_model_weights(arch)).DEFAULT
    preset: Any = chosen.transforms()
    return Preprocessing(
        size=preset.crop_size[0],
        resize=preset.resize_size[0],
        interpolation=cast(Interpolation, preset.interpolation.value),
        mean=tuple(preset.mean),
        std=tuple(preset.std),
    )
