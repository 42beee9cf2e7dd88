"""An explainer or a metric while it is tested, as what makes one result per sample of a batch; and the batches."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, cast
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from harness.api.classifiers import Classifier
from harness.api.context import Context
from harness.api.evidence import EvidenceBatch, Pictures, batched, evidence_kind, mapped, selected
from harness.conformance import networks
from harness.conformance.component_under_test import ComponentUnderTest
from harness.conformance.measuring import scramble_generators
from harness.worker.contracts import ContractError
from harness.worker.mutation_guard import MutationError, forbid_changes

ORDINARY = 4
"""Samples of the ordinary call."""
EVERYWHERE = ("mask", "boxes")
"""Kinds of evidence that ordinary samples have, whatever is asked of them."""
PICTURES = 4
"""How many there are of evidence of pictures."""
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

    def beside_another(self) -> ExplainedSamples:
        """The first sample in a batch with another, which is extreme."""
        two = self.rows([0, 1])
        two.images[1] = 3 * networks.make_images(1, self.shape, seed=5)[0].sign()
        two.maps[1] *= 1000
        return replace(two, ids=[self.ids[0], f"other-{self.ids[1]}"])


def make_explained_samples(count: int = 4, shape: networks.Shape = networks.SHAPE, kinds: Sequence[str] = ()) -> ExplainedSamples:
    """``count`` samples with signed maps, square masks and their boxes; sample k is the same whatever ``count`` is.

    Of evidence of any other of ``kinds`` each has a square elsewhere; of pictures several, each with another square at 0.
    """
    height, width = shape[1:]
    images = networks.make_images(count, shape)
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
        squares = [mask.roll((7, 11 + place), (0, 1)) for place in range(max(len(kinds), PICTURES))]
        others = {kind: _example(kind, images[index], squares[place:] + squares[:place]) for place, kind in enumerate(kinds)}
        evidence.append({**others, "mask": mask, "boxes": boxes})
    ids, stacked = [f"image-{i}" for i in range(count)], torch.stack(maps)
    batch, targets = batched(evidence, (height, width), {}), networks.make_targets(count)
    return ExplainedSamples(ids, images, targets, stacked, batch, targets.clone(), stacked / 2)


def _example(kind: str, image: Tensor, squares: Sequence[Tensor]) -> Tensor:
    """Evidence of one sample."""
    if isinstance(evidence_kind(kind).form, Pictures):
        picture = (image + 1) / 2  # as the networks normalise
        return torch.stack([picture.masked_fill(square, 0.5) for square in squares[:PICTURES]])
    return squares[0]


@dataclass(frozen=True)
class OrdinaryCall:
    """One call on ordinary samples by a component made for it, whose results several checks look at.

    Attributes:
        model: network that it was called with, and may be called with again.
        given: the samples.
        returned: whatever the component returned, checked.
        results: what of it stands for each sample ``(B, …)``.
    """

    model: Classifier
    given: ExplainedSamples
    returned: Any
    results: Tensor


@dataclass(frozen=True)
class WatchedCall:
    """One call of which not the results are looked at, but all that it must leave as it was.

    Attributes:
        before: the samples as they were given.
        after: the same as the call left them.
        mutation: what else it left changed, of the model and of the process.
    """

    before: ExplainedSamples
    after: ExplainedSamples
    mutation: MutationError | None


@dataclass
class BatchUnderTest(ComponentUnderTest):
    """A component that is called with a whole batch, so that what it does with one is seen.

    What several checks ask alike is called once for all of them. What they compare it with they call anew, by a component made anew.

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

    def make_call(self, seed: int = 0) -> Callable[[Classifier, ExplainedSamples], Any]:
        """Function that returns what the component does, checked; of a batch's `results` are made of it."""
        return self.make_function(seed)

    def results_of(self, returned: Any, given: ExplainedSamples) -> Tensor:
        """Results ``(B, …)`` in what the component returned."""
        return cast(Tensor, returned)

    @cached_property
    def ordinary(self) -> OrdinaryCall:
        """The call on `ORDINARY` samples; one that fails is none, so that every check meets the failure itself."""
        model, given = self.network(), self.samples(ORDINARY)
        returned = self.make_call()(model, given)
        return OrdinaryCall(model, self.samples(ORDINARY), returned, self.results_of(returned, given).clone())

    @cached_property
    def watched(self) -> WatchedCall:
        """Another call, watched; results that break a contract do not matter here."""
        model, function, given, mutation = self.network(), self.make_function(), self.samples(3), None
        try:
            scramble_generators()
            with suppress(ContractError), forbid_changes(model.module):
                function(model, given)
        except MutationError as error:
            mutation = error
        return WatchedCall(self.samples(3), given, mutation)

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
