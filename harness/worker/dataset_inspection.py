"""Inspection of a dataset, before anything is computed of it: every sample is looked at once, and some twice."""

from __future__ import annotations

import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import torch

from harness.api.evidence import layouts
from harness.api.sample import Dataset, Sample
from harness.planning.facts import DatasetFacts
from harness.planning.jobs import SampleRef
from harness.registry.recipe import Recipe
from harness.results.field_types import MAX_NAME_LENGTH
from harness.text_format import format_some
from harness.worker.component_cache import ComponentCache
from harness.worker.samples import SampleError, find_sample_difference, match_known_digest, match_known_evidence, read_sample
from harness.worker.stored_inputs import keep_if_costly
from harness.worker.training_data import class_names_of

COUNT_INTERVAL = 0.5  # seconds between two counts that are told
REREAD_SAMPLES = 8  # samples that are read again: a transform that changes every second one is found out in 255 of 256 cases
RANGE_TOLERANCE = 0.1  # beyond [0, 1], as resizing with cubic splines leaves; what is beyond it was never in [0, 1]
FORBIDDEN_CATEGORIES = ("Cc", "Cs", "Zl", "Zp")  # of characters that no name has: control, undecodable, separators of lines and paragraphs


@dataclass(frozen=True)
class SampleSummary:
    """The part of a sample that is kept after it was read.

    Attributes:
        id, digest, label: the sample's.
        evidence: the layout of each kind of evidence that it has, or that is made of what it has.
        evidence_digests: of each kind that it has.
        finite: whether all values of its image are.
        low, high: the least and the greatest of those.
    """

    id: str
    digest: str
    label: int
    evidence: Mapping[str, str]
    evidence_digests: Mapping[str, str]
    finite: bool
    low: float
    high: float

    @classmethod
    def at(cls, sample: Sample, known: Mapping[str, Sequence[str]]) -> SampleSummary:
        """A look at a sample, whose digests are those that are ``known`` of it, if any are."""
        finite = bool(torch.isfinite(sample.image).all()) and sample.image.numel() > 0
        return cls(
            id=sample.id,
            digest=match_known_digest(sample, known),
            label=int(sample.label),
            evidence=layouts(sample.evidence),
            evidence_digests=match_known_evidence(sample, known),
            finite=finite,
            low=float(sample.image.min()) if finite else 0.0,
            high=float(sample.image.max()) if finite else 0.0,
        )


class ReadingCounter:
    """Tells now and then how many samples of how many are read."""

    def __init__(self, tell: Callable[[int, int], object] = lambda done, of: None, every: float = COUNT_INTERVAL) -> None:
        self._tell, self._every = tell, every

    def counting(self, length: int) -> Iterator[int]:
        """The places of a dataset of this length, while their reading is told of."""
        told = time.monotonic()
        for place in range(length):
            if time.monotonic() - told >= self._every:
                self._tell(place, length)
                told = time.monotonic()
            yield place


def dataset_facts(
    components: ComponentCache, recipe: Recipe, known: Mapping[str, Sequence[str]], counter: ReadingCounter | None = None
) -> DatasetFacts:
    """Reads the whole dataset once, and some of it twice; samples keep the digests that are ``known`` of them.

    Raises ``ValueError`` if a sample is another when it is read again, an id is there twice or cannot be shown, or there is no sample
    that can be used.
    """
    dataset, name = components.dataset(recipe), recipe.label or recipe.name
    with components.factory.reading.of(recipe):
        looks = [_look_at(components, recipe, dataset, place, known) for place in (counter or ReadingCounter()).counting(len(dataset))]
        check_reading_is_repeatable(dataset, name, looks)
        classes, notes = class_names_of(dataset), [str(note) for note in getattr(dataset, "notes", ())]
    ids = [look.id for look in looks]
    twice = sorted(id for id, count in Counter(ids).items() if count > 1)
    if twice:
        raise SampleError(f"the dataset {name} has two samples of one id: {', '.join(twice[:3])}")
    names = [*ids, *(classes or ())]
    hidden = [text for text in names if any(unicodedata.category(c) in FORBIDDEN_CATEGORIES for c in text)]
    if hidden:
        raise SampleError(f"the dataset {name} has names with control characters, rename them: {hidden[:3]!a}")
    if unfit := [id for id in ids if not 0 < len(id) <= MAX_NAME_LENGTH]:
        said = f"has {len(unfit[0])} characters ({unfit[0][:40]} …)" if unfit[0] else "is empty"
        raise SampleError(f"the dataset {name} has a sample whose id {said}: ids have 1 to {MAX_NAME_LENGTH} characters")
    if not looks:
        raise SampleError(f"the dataset {name} has no samples")
    used = [look for look in looks if look.finite]
    if not used:
        raise SampleError(f"the dataset {name} has no sample without values that are not finite (NaN or infinite): {format_some(ids, 3)}")
    return DatasetFacts(
        ids=[look.id for look in used],
        digests=[look.digest for look in used],
        evidence_digests=_evidence_digests(used),
        labels=[look.label for look in used],
        class_names=classes,
        evidence=_evidence_layouts(name, used),
        notes=[*notes, *_left_out_notes(looks)],
        left_out=[place for place, look in enumerate(looks) if not look.finite],
        outside=describe_values_out_of_range(used),
    )


def _look_at(components: ComponentCache, recipe: Recipe, dataset: Dataset, place: int, known: Mapping[str, Sequence[str]]) -> SampleSummary:
    """A look at the sample at a place, which is kept for who needs it next if it was costly to make."""
    begun = time.thread_time()
    sample = read_sample(dataset, place)
    look = SampleSummary.at(sample, known)
    if look.finite:
        row = SampleRef.of(place, look.id, look.digest, look.evidence_digests)
        keep_if_costly(components, recipe, sample, row, time.thread_time() - begun)
    return look


def _evidence_layouts(name: str, looks: Sequence[SampleSummary]) -> dict[str, str]:
    """The layout of each kind of evidence that any sample has; raises `SampleError` if two samples' differ."""
    found: dict[str, str] = {}
    for look in looks:
        for kind, layout in look.evidence.items():
            if found.setdefault(kind, layout) != layout:
                raise SampleError(f"the dataset {name} has {kind} as {found[kind]} and, of sample {look.id}, as {layout}: make them alike")
    return found


def _evidence_digests(looks: Sequence[SampleSummary]) -> dict[str, list[str]]:
    """By kind, of each sample; empty for one that has none."""
    kinds = dict.fromkeys(kind for look in looks for kind in look.evidence_digests)
    return {kind: [look.evidence_digests.get(kind, "") for look in looks] for kind in kinds}


def _left_out_notes(looks: Sequence[SampleSummary]) -> Iterator[str]:
    bad = [look.id for look in looks if not look.finite]
    if bad:
        has = "has" if len(bad) == 1 else "have"
        values = "values that are not finite (NaN or infinite)"
        yield f"{len(bad)} of {len(looks)} samples {has} {values} and {has} no rows: {format_some(bad, 3)}"


def check_reading_is_repeatable(dataset: Dataset, name: str, looks: Sequence[SampleSummary]) -> None:
    """Read some samples again; raises `SampleError` for one that is another then, and says what to do."""
    places = [round(turn * (len(looks) - 1) / (REREAD_SAMPLES - 1)) for turn in range(REREAD_SAMPLES)] if looks else []
    for place in islice(cycle(dict.fromkeys(places)), len(places)):
        check_same_sample(name, looks[place], read_sample(dataset, place))


def check_same_sample(name: str, look: SampleSummary, again: Sample) -> None:
    """Raise `SampleError` if a sample that is read again is another."""
    what = find_sample_difference(again, look.id, look.digest, look.evidence_digests)
    if what is None:
        return
    if what == "content":
        what = "label" if int(again.label) != look.label else "image"
    raise SampleError(
        f"the dataset {name} has another {what} each time sample {look.id} is read: remove the random transform, "
        "or make it depend on the sample's index alone (a generator seeded with it)"
    )


def describe_values_out_of_range(looks: Sequence[SampleSummary]) -> str:
    """The finite samples whose values lie far outside [0, 1], and what to do about it; empty if there are none."""
    bad = [look for look in looks if look.low < -RANGE_TOLERANCE or look.high > 1 + RANGE_TOLERANCE]
    if not bad:
        return ""
    first = bad[0]
    advice = (
        "divide images by 255"
        if first.low >= 0 and first.high > 2
        else "take the normalisation out of the dataset, as models do it themselves"
    )
    reach = f"sample {first.id} from {first.low:.3g} to {first.high:.3g}"
    return f"images must be in [0, 1], and {len(bad)} of {len(looks)} are not ({reach}): {advice}"
