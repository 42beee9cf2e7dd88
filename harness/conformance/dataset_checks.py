"""Checks of datasets: samples of the right form, stable ids, honest ends."""

from __future__ import annotations

import math
from contextlib import suppress
from itertools import islice

import torch

from harness.api.evidence import evidence_kind
from harness.api.sample import Sample
from harness.conformance.batch_under_test import EVERYWHERE
from harness.conformance.component_under_test import SAMPLES_CHECKED, DatasetUnderTest, skip_if_broken
from harness.conformance.measuring import require_generators_untouched
from harness.conformance.results import CheckFailed, CheckSkipped, require
from harness.worker.samples import find_sample_difference


def check_samples(tested: DatasetUnderTest) -> None:
    """It has a length, is not empty, and yields `harness.api.Sample`."""
    dataset = tested.make()
    require(hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__"), "a dataset needs __len__ and __getitem__")
    require(len(dataset) > 0, "has no samples")
    for index in range(min(len(dataset), SAMPLES_CHECKED)):
        require(isinstance(dataset[index], Sample), f"item {index} is a {type(dataset[index]).__name__}: yield harness.api.Sample")


def check_range(tested: DatasetUnderTest) -> None:
    """Images have 1 or 3 channels and finite values in [0, 1], not all the same."""
    for sample in tested.first_samples:
        require(sample.image.shape[0] in (1, 3), f"sample {sample.id}: {sample.image.shape[0]} channels, not 1 or 3")
        require(torch.isfinite(sample.image).all(), f"sample {sample.id}: the image is not finite")
        low, high = float(sample.image.min()), float(sample.image.max())
        require(low >= 0 and high <= 1, f"sample {sample.id}: values from {low:.3g} to {high:.3g}; images are in [0, 1]")
        require(high > low, f"sample {sample.id}: all pixels are the same")


def check_ids(tested: DatasetUnderTest) -> None:
    """Ids are texts and unique."""
    ids = [sample.id for sample in tested.first_samples]
    require(all(isinstance(name, str) and name for name in ids), "an id is no text, or empty")
    twice = sorted({name for name in ids if ids.count(name) > 1})
    require(not twice, f"{len(twice)} ids are there twice, such as {twice[:1]}: random streams and stored results go by id")


def check_stable(tested: DatasetUnderTest) -> None:
    """Made again, and read in another order, it has the same ids and the same content."""
    first = tested.first_samples
    again = skip_if_broken(tested.make, "it")
    backwards = [again[i] for i in reversed(range(len(first)))][::-1]
    changed = [old.id for old, new in zip(first, backwards, strict=True) if find_sample_difference(new, old.id, old.digest)]
    require(not changed, f"samples {changed[:3]} differ when the dataset is made again: draw from a generator seeded per sample")


def check_index(tested: DatasetUnderTest) -> None:
    """Past its end it raises IndexError, so that loops end; a negative index counts from the end or raises IndexError."""
    dataset = skip_if_broken(tested.make, "it")
    try:
        with suppress(IndexError):
            dataset[len(dataset)]
            raise CheckFailed("dataset[len(dataset)] yields a sample: raise IndexError, else a loop over it never ends")
    except CheckFailed:
        raise
    except Exception as error:
        raise CheckFailed(f"dataset[len(dataset)] raises {type(error).__name__}, not IndexError") from error
    try:
        last = dataset[-1]
    except IndexError:
        return
    except Exception as error:
        raise CheckFailed(f"dataset[-1] raises {type(error).__name__}: raise IndexError or count from the end") from error
    ending = dataset[len(dataset) - 1]
    require(
        getattr(last, "id", None) == getattr(ending, "id", None),
        "dataset[-1] is not the last sample: raise IndexError",
    )


def check_iteration(tested: DatasetUnderTest) -> None:
    """A loop over it yields as many samples as its length says."""
    dataset = skip_if_broken(tested.make, "it")
    if len(dataset) > 20 * SAMPLES_CHECKED:
        raise CheckSkipped(f"has {len(dataset)} samples")
    found, length = sum(1 for _ in islice(iter(dataset), len(dataset) + 1)), len(dataset)
    require(found == length, f"a loop yields {f'more than {length}' if found > length else found} samples, and len() is {length}")


def check_prefix(tested: DatasetUnderTest) -> None:
    """Asked for more samples, it has the same ones first, so that only the new ones are computed."""
    if not tested.has_parameter("samples"):
        raise CheckSkipped("has no parameter `samples`")
    small, large = tested.make(samples=4), tested.make(samples=8)
    require(len(small) <= 4, f"samples=4 yields {len(small)}")
    pairs = [(small[i], large[i]) for i in range(min(len(small), len(large)))]
    changed = [i for i, (few, many) in enumerate(pairs) if find_sample_difference(many, few.id, few.digest)]
    require(not changed, f"with samples=8 sample {changed[:1]} is another than with samples=4: draw each from its own seed")


def check_labels(tested: DatasetUnderTest) -> None:
    """Labels are integers that ``class_names`` names, if it names any."""
    names = getattr(skip_if_broken(tested.make, "it"), "class_names", None)
    samples = tested.first_samples
    require(all(isinstance(sample.label, int) and sample.label >= 0 for sample in samples), "a label is no integer from 0 on")
    if names is None:
        return
    require(all(isinstance(name, str) for name in names) and len(set(names)) == len(names), "class_names must be different texts")
    beyond = sorted({sample.label for sample in samples if sample.label >= len(names)})
    require(not beyond, f"labels {beyond[:3]} have no name: class_names has {len(names)}")


def check_evidence(tested: DatasetUnderTest) -> str:
    """Masks and other rasters have something in them, boxes lie in the image (reported: how many samples have them)."""
    samples = tested.first_samples
    for sample in samples:
        for name, value in sample.evidence.items():
            if name != "boxes":
                said = f"sample {sample.id}: the {name} is empty; give None if there is no evidence to point at"
                require(value.any(), said)
        if sample.boxes is not None:
            height, width = sample.image.shape[1:]
            ordered = bool((sample.boxes[:, 2:] > sample.boxes[:, :2]).all())
            inside = bool((sample.boxes >= 0).all() and (sample.boxes <= torch.tensor([width, height, width, height])).all())
            require(ordered and inside, f"sample {sample.id}: boxes are x0, y0, x1, y1 in pixels of the image, x0 < x1, y0 < y1")
    found = dict.fromkeys(EVERYWHERE, 0) | {name: 0 for sample in samples for name in sample.evidence}
    masks, *others = [(sum(name in sample.evidence for sample in samples), evidence_kind(name).need) for name in found]
    return ", ".join([f"{masks[0]} of {len(samples)} samples have {masks[1]}", *(f"{count} have {need}" for count, need in others)])


def check_splits(tested: DatasetUnderTest) -> None:
    """Splits share no image."""
    choices = tested.card.parameters.get("properties", {}).get("split", {}).get("enum", ())
    if len(choices) < 2:
        raise CheckSkipped("has no parameter `split` with choices")
    seen: dict[str, str] = {}
    for split in choices:
        try:
            dataset = tested.make(split=split)
        except (FileNotFoundError, ValueError):
            continue  # a split that the data at hand does not have
        for sample in tested.samples(dataset):
            other = seen.setdefault(sample.digest, split)
            require(other == split, f"an image of the split {split!r} ({sample.id}) is in {other!r} too")


def check_generators_untouched(tested: DatasetUnderTest) -> None:
    """Making and reading it leaves global generators, threads and default types as they were."""
    require_generators_untouched(
        lambda: skip_if_broken(lambda: tested.samples(tested.make()), "it"), remedy="draw from a generator of your own"
    )


def check_balance(tested: DatasetUnderTest) -> str:
    """How often each label is among the first samples (reported)."""
    labels = [sample.label for sample in tested.first_samples]
    counts = {label: labels.count(label) for label in sorted(set(labels))}
    entropy = -sum(count / len(labels) * math.log2(count / len(labels)) for count in counts.values())
    return f"labels among the first {len(labels)}: {counts} ({entropy:.2f} bits)"
