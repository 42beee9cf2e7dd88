"""Rows of a dataset as tensors in a model's coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from harness.api import evidence as evidence_kinds
from harness.api.evidence import Evidence, EvidenceBatch
from harness.api.geometry import Geometry
from harness.api.sample import Dataset, Sample
from harness.planning.facts import evidence_id


class SampleError(ValueError):
    """A sample cannot be used: it is another each time it is read, cannot be read, or has a label that the model has no class for."""


MAX_SAMPLES = 10_000_000  # before a run every sample is read once: hours, and some GB of facts


def require_bounded_length(dataset: Dataset, name: str) -> Dataset:
    """The dataset; raises `SampleError` if it has more samples than can be read."""
    if (length := len(dataset)) > MAX_SAMPLES:
        raise SampleError(
            f"the dataset {name} has {length:,} samples, each of which is read before a run: ask for {MAX_SAMPLES:,} at most"
            " (most datasets have a parameter for that: `samples`)"
        )
    return dataset


class ModelCoordinates(Protocol):
    """The part of a model that brings samples into its coordinates."""

    @property
    def geometry(self) -> Geometry:
        """Resize, crop and channels."""

    @property
    def num_classes(self) -> int:
        """K."""

    def preprocess(self, image: Tensor) -> Tensor:
        """One image as the model takes it."""


@dataclass(frozen=True)
class PreparedSample:
    """One sample as a model takes it, on the CPU: as `SampleBatch` without the first dimension."""

    id: str
    image: Tensor
    label: int
    evidence: Evidence


@dataclass(frozen=True)
class SampleBatch:
    """Some samples as the model takes them.

    Attributes:
        ids: their ids.
        images: ``(B, C, H, W)``.
        labels: ``(B,)`` as the model's classes.
        evidence: of each kind that there is, as ``Case.evidence``; boxes are those given, or the one round a sample's mask.
    """

    ids: Sequence[str]
    images: Tensor
    labels: Tensor
    evidence: EvidenceBatch

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Sequence[int]) -> SampleBatch:
        """The chosen rows."""
        index = torch.tensor(rows, dtype=torch.long, device=self.images.device)
        return SampleBatch(
            [self.ids[row] for row in rows],
            self.images[index],
            self.labels[index],
            evidence_kinds.selected(self.evidence, rows),
        )

    def to(self, device: torch.device) -> SampleBatch:
        """The same on a device; images in pinned memory are copied while the work goes on."""
        return replace(
            self,
            images=self.images.to(device, non_blocking=self.images.is_pinned()),
            labels=self.labels.to(device),
            evidence=evidence_kinds.mapped(self.evidence, lambda tensor: tensor.to(device)),
        )


def read_sample(dataset: Dataset, index: int) -> Sample:
    """One sample, held to its type."""
    sample = dataset[index]
    if not isinstance(sample, Sample):
        made = (
            "wrap it in a dataset that returns Sample(image, label, id): the image (C, H, W) in [0, 1] and not normalised, the id its own"
        )
        raise SampleError(f"a dataset must yield harness.api.Sample, not {type(sample).__name__}: {made}")
    return sample


def match_known_digest(sample: Sample, known: Mapping[str, Sequence[str]]) -> str:
    """The digest of a sample: of those ``known`` under its id the first that is its content's but for noise, else its own."""
    return next((digest for digest in known.get(sample.id, ()) if sample.is_content(digest)), None) or sample.digest


def match_known_evidence(sample: Sample, known: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The digests of a sample's evidence by kind, likewise, of those ``known`` under `evidence_id`."""
    return {
        name: next((digest for digest in known.get(evidence_id(sample.id, name), ()) if sample.is_evidence(name, digest)), None)
        or sample.evidence_digest(name)
        for name in sample.evidence
    }


def find_sample_difference(sample: Sample, id: str, digest: str, evidence: Mapping[str, str] | None = None) -> str | None:
    """Part of a sample that is not as it was (``"id"``, ``"content"``, ``"evidence"``), or None.

    Noise in the last bits of an image is no difference. ``evidence`` are digests by kind; without them it is not looked at.
    """
    if sample.id != id:
        return "id"
    if not sample.is_content(digest):
        return "content"
    if evidence is None:
        return None
    same = sample.evidence.keys() == evidence.keys() and all(sample.is_evidence(name, known) for name, known in evidence.items())
    return None if same else "evidence"


def prepare_sample(sample: Sample, model: ModelCoordinates, classes: Sequence[int] | None) -> PreparedSample:
    """A sample in the coordinates of ``model``; ``classes`` maps dataset labels to the model's."""
    image, label = model.preprocess(sample.image).float(), map_to_model_class(sample, model, classes)
    native = (sample.image.shape[1], sample.image.shape[2])
    return PreparedSample(sample.id, image, label, evidence_kinds.moved(sample.evidence, model.geometry, native))


def collate_samples(samples: Sequence[PreparedSample], images: Tensor | None = None, known: Mapping[str, str] | None = None) -> SampleBatch:
    """Samples together; ``images`` are theirs ``(B, C, H, W)`` if they are together already, ``known`` the layouts of evidence
    that the dataset has, if none of these samples do."""
    together = torch.stack([sample.image for sample in samples]) if images is None else images
    size = (together.shape[-2], together.shape[-1])
    evidence = evidence_kinds.batched([sample.evidence for sample in samples], size, known or {})
    return SampleBatch([sample.id for sample in samples], together, torch.tensor([sample.label for sample in samples]), evidence)


def map_to_model_class(sample: Sample, model: ModelCoordinates, classes: Sequence[int] | None) -> int:
    """A sample's label as the model's class; raises `SampleError` if there is none for it."""
    label = int(sample.label)
    if classes is not None:
        if not 0 <= label < len(classes):
            raise SampleError(f"sample {sample.id}: label {label}, but the dataset names {len(classes)} classes")
        label = classes[label]
    if not 0 <= label < model.num_classes:
        raise SampleError(f"sample {sample.id}: label {label}, but the model has {model.num_classes} classes")
    return label
