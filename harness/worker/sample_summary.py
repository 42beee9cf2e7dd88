"""Summaries of a dataset's samples, made when these are looked at, before anything is computed of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import torch

from harness.api.evidence import layouts
from harness.api.sample import Dataset, Sample
from harness.worker.samples import SampleError, find_sample_difference, match_known_digest, read_sample

REREAD_SAMPLES = 8  # samples that are read again: a transform that changes every second one is found out in 255 of 256 cases
RANGE_TOLERANCE = 0.1  # beyond [0, 1], as resizing with cubic splines leaves; what is beyond it was never in [0, 1]


@dataclass(frozen=True)
class SampleSummary:
    """What is kept of a sample that was read.

    Attributes:
        id, digest, label: the sample's.
        evidence: the layout of each kind of evidence that it has, or that is made of what it has.
        finite: whether all values of its image are.
        low, high: the least and the greatest of those.
    """

    id: str
    digest: str
    label: int
    evidence: Mapping[str, str]
    finite: bool
    low: float
    high: float

    @classmethod
    def at(cls, sample: Sample, known: Mapping[str, Sequence[str]]) -> SampleSummary:
        """A look at a sample, whose digest is the one that is ``known`` of it, if one is."""
        finite = bool(torch.isfinite(sample.image).all()) and sample.image.numel() > 0
        return cls(
            id=sample.id,
            digest=match_known_digest(sample, known),
            label=int(sample.label),
            evidence=layouts(sample.evidence),
            finite=finite,
            low=float(sample.image.min()) if finite else 0.0,
            high=float(sample.image.max()) if finite else 0.0,
        )


def check_reading_is_repeatable(dataset: Dataset, name: str, looks: Sequence[SampleSummary]) -> None:
    """Read some samples again; raises `SampleError` for one that is another then, and says what to do."""
    places = [round(turn * (len(looks) - 1) / (REREAD_SAMPLES - 1)) for turn in range(REREAD_SAMPLES)] if looks else []
    for place in islice(cycle(dict.fromkeys(places)), len(places)):
        check_same_sample(name, looks[place], read_sample(dataset, place))


def check_same_sample(name: str, look: SampleSummary, again: Sample) -> None:
    """Raise `SampleError` where a sample that is read again is another."""
    what = find_sample_difference(again, look.id, look.digest)
    if what is None:
        return
    if what == "content":
        what = "label" if int(again.label) != look.label else "image, or evidence (mask, boxes),"
    raise SampleError(
        f"the dataset {name} has another {what} each time sample {look.id} is read: remove the random transform, "
        "or make it depend on the sample's index alone (a generator seeded with it)"
    )


def describe_values_out_of_range(looks: Sequence[SampleSummary]) -> str:
    """Which values of finite samples lie far outside [0, 1], and what to do about it; empty where none do."""
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
