"""What components learn from: the samples of a training split in the order in which they are drawn, the same for all of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import torch
from torch import Tensor

from harness.api.classifiers import Classifier
from harness.api.randomness import stream
from harness.api.sample import Dataset, Sample
from harness.planning.class_matching import ClassMismatch, match_classes, normalise_class_name
from harness.planning.facts import TrainingFacts
from harness.planning.sample_digests import select_noise_dependent
from harness.registry.canonical_json import json_digest
from harness.worker.contracts import ContractError
from harness.worker.samples import map_to_model_class, match_known_digest, read_sample

MAX_BACKGROUND = 128  # training images that a component may draw; the digest of a training split is over these


def training_order(length: int, seed: int) -> list[int]:
    """The order in which training samples are taken as background: the same for every component of a run."""
    return torch.randperm(length, generator=stream(seed, "training", "background")).tolist()


def background_images(model: Classifier, training: Dataset, seed: int, n: int) -> Tensor:
    """The first ``n`` training images in that order, as the model takes them ``(n, C, H, W)``, on its device."""
    if n > MAX_BACKGROUND:
        raise ContractError(f"{n} training images are wanted, and at most {MAX_BACKGROUND} may be: keys hold the digests of so many")
    order = training_order(len(training), seed)[:MAX_BACKGROUND]
    images = [sample.image for sample in islice(_finite_samples(training, order), n)]
    if len(images) < n:
        raise ContractError(
            f"{n} training images are wanted, and the training split has {len(images)}: give it more, or lower the parameter that says how "
            f"many (such as `background: {max(1, len(images))}`)"
        )
    return torch.stack([model.preprocess(image) for image in images]).to(model.device)


def labelled_images(model: Classifier, training: Dataset, classes: Sequence[int] | None, seed: int, n: int) -> tuple[Tensor, Tensor]:
    """The first ``n`` training images in that order, or all where there are fewer, and their labels as the model's classes, on the CPU."""
    samples = list(_finite_samples(training, training_order(len(training), seed)[:n]))
    images = torch.stack([model.preprocess(sample.image) for sample in samples])
    return images, torch.tensor([map_to_model_class(sample, model, classes) for sample in samples])


def _finite_samples(training: Dataset, places: Sequence[int]) -> Iterator[Sample]:
    """The samples at these places but for those whose images have values that are not finite."""
    return (sample for sample in (read_sample(training, place) for place in places) if torch.isfinite(sample.image).all())


def training_classes(model: Classifier, training: Dataset, dataset: Dataset, classes: Sequence[int] | None) -> Sequence[int] | None:
    """The model's class of each label of the training data: that of the dataset's class of the same name, else matched by name."""
    names, known = getattr(training, "class_names", None), getattr(dataset, "class_names", None)
    if names is None or names == known:
        return classes
    mapped = classes if classes is not None else range(model.num_classes)
    said = dict(zip(map(normalise_class_name, known or ()), mapped, strict=False))
    try:
        return match_classes(
            names,
            model.class_names,
            model.num_classes,
            {name: said[normalise_class_name(name)] for name in names if normalise_class_name(name) in said},
        )
    except ClassMismatch as error:
        raise ClassMismatch(f"the training data: {error}") from error


def training_facts(dataset: Dataset, seed: int, labelled: int, known: Mapping[str, Sequence[str]]) -> TrainingFacts:
    """What is known of a training split by: its length and its first samples in the order in which they are drawn.

    Where ``labelled``, by as many samples as are drawn with their labels, and the labels' names. Samples have the digest that is ``known``
    of them, if one is.
    """
    drawn = [read_sample(dataset, i) for i in training_order(len(dataset), seed)[: labelled or MAX_BACKGROUND]]
    digests = [match_known_digest(sample, known) for sample in drawn]
    names = [class_names_of(dataset)] if labelled else []
    return TrainingFacts(
        json_digest([len(dataset), *names, digests]), select_noise_dependent(zip([sample.id for sample in drawn], digests, strict=True))
    )


def class_names_of(dataset: Dataset) -> list[str] | None:
    """The names of a dataset's classes, or None."""
    names = getattr(dataset, "class_names", None)
    return None if names is None else [str(name) for name in names]
