"""Bringing samples into a model's coordinates without the model: what that takes, as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from harness.api.classifiers import Classifier
from harness.api.geometry import Geometry
from harness.api.preprocessing import Preprocessing


@dataclass(frozen=True)
class PortablePreprocessing:
    """Implements `harness.worker.samples.ModelCoordinates`."""

    preprocessing: Preprocessing
    num_classes: int

    @classmethod
    def of(cls, model: Classifier) -> PortablePreprocessing | None:
        """That of a model; None if the model prepares images in a way of its own."""
        own = any(
            getattr(type(model), name) is not getattr(Classifier, name) or name in vars(model)
            for name in ("preprocess", "normalise", "preprocessing")
        )
        return None if own or type(model.geometry) is not Geometry else cls(model.preprocessing, model.num_classes)

    @property
    def geometry(self) -> Geometry:
        """Resize, crop and channels."""
        return self.preprocessing.geometry

    def preprocess(self, image: Tensor) -> Tensor:
        """One image as the model takes it."""
        return self.preprocessing(image)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, every float as it is."""
        mean, std = (None if tensor is None else tensor.flatten().tolist() for tensor in (self.preprocessing.mean, self.preprocessing.std))
        return {"geometry": asdict(self.geometry), "mean": mean, "std": std, "num_classes": self.num_classes}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PortablePreprocessing:
        """The inverse of `to_json`."""
        geometry = Geometry(**{**data["geometry"], "size": tuple(data["geometry"]["size"])})
        mean, std = (None if data[name] is None else torch.tensor(data[name]).view(-1, 1, 1) for name in ("mean", "std"))
        return cls(Preprocessing(geometry, mean, std), data["num_classes"])
