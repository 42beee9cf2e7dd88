"""Samples that were costly to make or to decode: kept in the store, and read from there by whoever needs them next.

A sample is known there by its dataset, its id and the digest of the content that was planned with: what another recipe, other code or
another file makes of it is another one. Nothing depends on what is kept (`harness.store.input_files`).
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from harness.api.sample import Sample
from harness.planning.jobs import SampleRef
from harness.registry.canonical_json import json_digest
from harness.registry.recipe import Recipe
from harness.worker.samples import find_sample_difference, read_sample

if TYPE_CHECKING:
    from harness.worker.component_cache import ComponentCache

FORMAT = 1  # raised when a sample is written otherwise
WORTH_KEEPING = 0.005  # seconds of processor time to make a sample and to find out what is in it; reading it takes 0.1 to 2 ms
_CHOICE = random.Random()  # of what is made anyway: another one each time, and no component's random numbers
_EVIDENCE = "evidence/"
_MALFORMED = (SafetensorError, ValueError, LookupError, TypeError, RuntimeError, OverflowError)


def read_planned(components: ComponentCache, recipe: Recipe, rows: Sequence[SampleRef]) -> Iterator[tuple[Sample, bool]]:
    """Samples, and whether each is the one that was planned: from the store if it is there, else made, and kept if that is worth it.

    One of them is made in any case: a dataset may read what nobody hears of (`docs/reliability.md`), and this is how a change there shows.
    """
    made_anyway = _CHOICE.randrange(len(rows)) if rows else 0
    for place, row in enumerate(rows):
        kept = None if place == made_anyway else _stored(components, recipe, row)
        yield _made(components, recipe, row) if kept is None else (kept, True)


def _made(components: ComponentCache, recipe: Recipe, row: SampleRef) -> tuple[Sample, bool]:
    dataset = components.dataset(recipe)
    begun = time.thread_time()
    sample = read_sample(dataset, row.position)
    as_planned = find_sample_difference(sample, row.sample, row.digest, dict(row.evidence)) is None
    if as_planned:
        keep_if_costly(components, recipe, sample, row, time.thread_time() - begun)
    return sample, as_planned


@dataclass(frozen=True)
class TrainingInputs:
    """Samples of a training split by their places, read as those of data sets are.

    Attributes:
        components: what makes them, and keeps those that are costly.
        recipe: the split's.
        digest: of what was planned with (`harness.planning.facts.TrainingFacts`); another content is kept elsewhere.
        anyway: the place of the one that is made in any case.
        places: those that were read.
    """

    components: ComponentCache
    recipe: Recipe
    digest: str
    anyway: int | None = None
    places: set[int] = field(default_factory=set)

    def read(self, place: int) -> Sample:
        """The sample at a place."""
        self.places.add(place)
        content = None
        if self.components.input_files is not None and place != self.anyway:
            content = self.components.input_files.get(self._key(place))
        with contextlib.suppress(*_MALFORMED):
            if content is not None:
                return _decode_named(content)
        begun = time.thread_time()
        sample = read_sample(self.components.dataset(self.recipe), place)
        self.keep_if_costly(place, sample, time.thread_time() - begun)
        return sample

    def keep_if_costly(self, place: int, sample: Sample, seconds: float) -> None:
        """Keep a sample that it took so long to make that reading it is quicker."""
        if self.components.input_files is not None and seconds >= WORTH_KEEPING:
            with contextlib.suppress(*_MALFORMED):
                self.components.input_files.put(self._key(place), _encode_named(sample))

    def _key(self, place: int) -> str:
        return json_digest(["training input", FORMAT, self.recipe.digest, self.digest, place])


def choose_one(places: Sequence[int]) -> int | None:
    """The place of one that is made in any case: another one each time."""
    return _CHOICE.choice(places) if places else None


def _encode_named(sample: Sample) -> bytes:
    content, name = encode_sample(sample), sample.id.encode()
    return len(name).to_bytes(4, "little") + name + content


def _decode_named(content: bytes) -> Sample:
    size = 4 + int.from_bytes(content[:4], "little")
    return decode_sample(content[size:], content[4:size].decode())


def keep_if_costly(components: ComponentCache, recipe: Recipe, sample: Sample, row: SampleRef, seconds: float) -> None:
    """Keep a sample, which is what a row says, if it took so long to make and to digest that reading it is quicker."""
    if components.input_files is not None and seconds >= WORTH_KEEPING:
        with contextlib.suppress(*_MALFORMED):
            components.input_files.put(_key(components, recipe, row), encode_sample(sample))


def _stored(components: ComponentCache, recipe: Recipe, row: SampleRef) -> Sample | None:
    if components.input_files is None:
        return None
    key = _key(components, recipe, row)
    content = components.input_files.get(key)
    if content is None:
        return None
    try:
        return decode_sample(content, row.sample)
    except _MALFORMED:  # it was written whole, by something else
        components.input_files.drop(key)
        return None


def _key(components: ComponentCache, recipe: Recipe, row: SampleRef) -> str:
    """Of everything that is known of a sample; samples do not depend on how many are chosen, nor in which order."""
    selection = frozenset(components.registry.declaration("datasets", recipe.qualified).get("selection", ()))
    return json_digest(["input", FORMAT, recipe.digest_without(selection), *row.whole_key])


def encode_sample(sample: Sample) -> bytes:
    """The bytes of a safetensors file: image, label and evidence of any kind. An image of 8-bit levels is written as these."""
    evidence = {_EVIDENCE + name: value.detach().cpu() for name, value in sample.evidence.items()}
    return save({"image": _as_levels(sample.image.cpu()), "label": torch.tensor(sample.label), **evidence})


def decode_sample(content: bytes, id: str) -> Sample:
    """The sample of `encode_sample`, bit for bit; raises what malformed tensors raise."""
    tensors = load(content)
    image, label = tensors.pop("image"), int(tensors.pop("label"))
    evidence = {name.removeprefix(_EVIDENCE): value for name, value in tensors.items()}
    return Sample(image.float() / 255 if image.dtype == torch.uint8 else image, label, id, evidence=evidence)


def _as_levels(image: Tensor) -> Tensor:
    """A float32 image as uint8, if dividing these by 255 gives it again to the last bit; else as it is."""
    levels = (image * 255).round().clamp(0, 255).nan_to_num(0).to(torch.uint8)
    same = torch.equal((levels.float() / 255).view(torch.int32), image.view(torch.int32))
    return levels if same else image
