"""An explainer or a metric while it is tested, as what makes one result per sample of a batch; and the batches."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, cast
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from harness.api.classifiers import Classifier
from harness.api.context import Context
from harness.api.evidence import EvidenceBatch, batched, mapped, selected
from harness.conformance import networks
from harness.conformance.component_under_test import ComponentUnderTest

TRAINING, OTHER_TRAINING = 99, 98  # seeds of training images
_memories: WeakKeyDictionary[Classifier, dict[tuple[int, int], dict[Hashable, object]]] = WeakKeyDictionary()


@dataclass(frozen=True)
class ExplainedSamples:
    """Explained samples, as a case has them; an explainer is given images and targets alone."""

    ids: Sequence[str]
    images: Tensor
    targets: Tensor
    maps: Tensor
    evidence: EvidenceBatch
    labels: Tensor
    part: Tensor

    @property
    def masks(self) -> Tensor:
        """``(B, H, W)`` bool."""
        return cast(Tensor, self.evidence["mask"])

    @property
    def shape(self) -> networks.Shape:
        """``(C, H, W)`` of an image."""
        return self.images.shape[1], self.images.shape[2], self.images.shape[3]

    def rows(self, index: Sequence[int]) -> ExplainedSamples:
        """These rows of it, copied."""
        rows = list(index)
        evidence = mapped(selected(self.evidence, rows), Tensor.clone)
        tensors = (self.images, self.targets, self.maps, self.labels, self.part)
        images, targets, maps, labels, part = (tensor[rows] for tensor in tensors)
        return ExplainedSamples([self.ids[i] for i in rows], images, targets, maps, evidence, labels, part)

    def with_maps(self, maps: Tensor) -> ExplainedSamples:
        """The same samples with other maps."""
        return replace(self, maps=maps)

    def beside_others(self) -> ExplainedSamples:
        """The first sample in a batch of others, which are extreme."""
        images, maps = self.images.clone(), self.maps.clone()
        images[1:] = 3 * networks.make_images(len(images) - 1, self.shape, seed=5).sign()
        maps[1:] *= 1000
        return replace(self, images=images, maps=maps, ids=[self.ids[0], *(f"other-{name}" for name in self.ids[1:])])


def make_explained_samples(count: int = 4, shape: networks.Shape = networks.SHAPE, kinds: Sequence[str] = ()) -> ExplainedSamples:
    """``count`` samples with signed maps, square masks and their boxes; sample k is the same whatever ``count`` is.

    Of evidence of any other of ``kinds`` each has a square elsewhere.
    """
    height, width = shape[1:]
    maps, evidence = [], []
    for index in range(count):
        generator = torch.Generator().manual_seed(500 + index)
        coarse = torch.randn(1, 1, 5, 5, generator=generator)
        smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")[0, 0]
        maps.append(smooth + 0.1 * torch.randn(height, width, generator=generator))
        top, left, side = 4 + index % 3, 5 + 2 * (index % 4), 8 + index % 5
        mask = torch.zeros(height, width, dtype=torch.bool)
        mask[top : top + side, left : left + side] = True
        boxes = torch.tensor([[left, top, left + side, top + side]], dtype=torch.float32)
        others = {kind: mask.roll((7, 11 + place), (0, 1)) for place, kind in enumerate(kinds)}
        evidence.append({**others, "mask": mask, "boxes": boxes})
    ids, stacked = [f"image-{i}" for i in range(count)], torch.stack(maps)
    batch = batched(evidence, (height, width), {})
    images, targets = networks.make_images(count, shape), networks.make_targets(count)
    return ExplainedSamples(ids, images, targets, stacked, batch, targets.clone(), stacked / 2)


@dataclass
class BatchUnderTest(ComponentUnderTest):
    """A component that is called with a whole batch, so that what it does with one is seen.

    Attributes:
        noun: what it makes of a sample.
        relative: what differences of these are relative to, as the end of a phrase.
        difference: how far results are apart (`harness.conformance.measuring`).
    """

    noun: ClassVar[str]
    relative: ClassVar[str]
    difference: ClassVar[staticmethod[[Tensor, Tensor], float]]

    @abstractmethod
    def network(self, shape: networks.Shape = networks.SHAPE) -> Classifier:
        """A fresh copy of a network that it can be tried on."""

    @abstractmethod
    def make_function(self, seed: int = 0) -> Callable[[Classifier, ExplainedSamples], Tensor]:
        """Function that makes checked results ``(B, …)`` of whole batches, by a component that is made once."""

    def samples(self, count: int = 4, shape: networks.Shape = networks.SHAPE) -> ExplainedSamples:
        """A batch that has all that the component needs."""
        return make_explained_samples(count, shape)

    def results(self, given: ExplainedSamples, model: Classifier | None = None, *, seed: int = 0) -> Tensor:
        """Results of one call, on a fresh network unless one is given."""
        return self.make_function(seed)(model or self.network(given.shape), given)


def make_context(model: Classifier, ids: Sequence[str], purpose: str, seed: int = 0, training: int = TRAINING) -> Context:
    """Context as a worker makes it: streams, training images with labels, and what components keep between calls for a network."""
    return Context(
        seed,
        ids,
        purpose,
        training=make_training_source(model, training),
        labelled=_make_labelled_source(model, training),
        memory=_memories.setdefault(model, {}).setdefault((seed, training), {}),
    )


def make_training_source(model: Classifier, training: int = TRAINING) -> Callable[[int], Tensor]:
    """Training images for a network of `harness.conformance.networks`."""
    return lambda n: networks.make_images(n, model.input_shape, seed=training)


def _make_labelled_source(model: Classifier, training: int) -> Callable[[int], tuple[Tensor, Tensor]]:
    """Training images with labels, each class in turn, for a network of `harness.conformance.networks`; no more than 64."""

    def samples(n: int) -> tuple[Tensor, Tensor]:
        count = min(n, 64)
        return networks.make_images(count, model.input_shape, seed=training), torch.arange(count) % model.num_classes

    return samples
