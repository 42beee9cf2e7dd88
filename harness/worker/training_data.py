"""Training data that components learn from: samples of a training split, in the order in which all of a run draw them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from harness.api.classifiers import Classifier
from harness.api.context import Context
from harness.api.sample import Dataset, Sample
from harness.planning.class_matching import ClassMismatch, match_classes, normalise_class_name
from harness.planning.facts import TrainingFacts, fact_key, select_noise_dependent
from harness.planning.jobs import Subject
from harness.registry.canonical_json import json_digest
from harness.registry.import_tracing import IMPORT_TRACE
from harness.registry.recipe import Recipe
from harness.worker.contracts import ChangedSincePlanning, ContractError
from harness.worker.samples import map_to_model_class, match_known_digest, read_sample
from harness.worker.stored_inputs import TrainingInputs, choose_one

if TYPE_CHECKING:
    from harness.worker.component_cache import ComponentCache

PREFIX_DIGITS = 16  # of a digest of the first samples: jobs carry several
Read = Callable[[int], Sample]
MAX_BACKGROUND = 128  # training images that a component may draw; the digest of a training split is over these


@dataclass(frozen=True)
class TrainingSplit:
    """The training data of a subject, as its components draw from them; what is read for the dataset is not read for who asks."""

    components: ComponentCache
    subject: Subject
    recipe: Recipe

    def background(self, n: int) -> Tensor:
        """Training images as the model takes them: the first ``n`` of an order drawn by the spec's seed."""
        subject, components = self.subject, self.components

        def make() -> Tensor:
            with IMPORT_TRACE.recording():
                training, inputs = components.dataset(self.recipe), self._inputs(0, n)
                found = background_images(
                    components.model(subject.model_recipe), training, subject.seed, n, None if inputs is None else inputs.read
                )
                self._check_as_planned(0, inputs)
            return found

        return components.backgrounds.get_or_make((self.recipe.digest, subject.model_recipe.digest, subject.seed, n), make)

    def labelled(self, most: int, n: int) -> tuple[Tensor, Tensor]:
        """Up to ``n`` training images as the model takes them, and their labels as its classes: in the same order as the background."""
        if n > most:
            raise ContractError(f"{n} labelled samples are wanted, and at most {most} may be: keys hold the digest of so many")
        subject, components = self.subject, self.components
        with IMPORT_TRACE.recording():
            model, training, classes = components.model(subject.model_recipe), components.dataset(self.recipe), subject.classes
            if self.recipe.digest != subject.dataset_recipe.digest:
                classes = training_classes(model, training, components.dataset(subject.dataset_recipe), classes)
            inputs = self._inputs(most, n)
            found = labelled_images(model, training, classes, subject.seed, n, None if inputs is None else inputs.read)
            self._check_as_planned(most, inputs)
        return found

    def _inputs(self, labelled: int, drawn: int) -> TrainingInputs | None:
        """What samples that were planned with are read from: those that are kept are not made again, but for one of those drawn."""
        planned, training = self.subject.learned.get(str(labelled)), self.components.dataset(self.recipe)
        if planned is None:
            return None
        anyway = choose_one(training_order(len(training), self.subject.seed)[:drawn])
        return TrainingInputs(self.components, self.recipe, planned.digest, anyway)

    def _check_as_planned(self, labelled: int, inputs: TrainingInputs | None) -> None:
        """Raise `ChangedSincePlanning` if what was just read is not what is in the keys."""
        planned = self.subject.learned.get(str(labelled))
        if planned is None or inputs is None:
            return
        known, training = {sample: [digest] for sample, digest in planned.hinted.items()}, self.components.dataset(self.recipe)
        enough = min((int(count) for count in planned.prefixes if int(count) >= len(inputs.places)), default=None)
        found = training_facts(training, self.subject.seed, labelled, known, inputs.read, enough)
        if found.digest != planned.digest if enough is None else found.prefixes.get(str(enough)) != planned.prefixes[str(enough)]:
            self.components.forget_dataset(self.recipe)
            facts = fact_key("training", self.recipe, seed=self.subject.seed, labelled=labelled)
            raise ChangedSincePlanning(f"the training data of {self.subject.dataset} changed while the run was going on; run again", facts)


def call_context(model: Classifier, data: Dataset | None, seed: int, ids: Sequence[str], device: torch.device) -> Context:
    """The context of a call that is no job's: with these training data behind it, if there are any."""
    if data is None:
        return Context(seed, ids, device=device)

    def labelled(n: int) -> tuple[Tensor, Tensor]:
        return labelled_images(model, data, match_classes(class_names_of(data), model.class_names, model.num_classes), seed, n)

    return Context(seed, ids, "call", device, partial(background_images, model, data, seed), labelled)


def training_order(length: int, seed: int) -> list[int]:
    """The order in which training samples are taken as background: the same for every component of a run."""
    order: list[int] = Context(seed, ["training"], "background").permutation(length)[0].tolist()
    return order


def background_images(model: Classifier, training: Dataset, seed: int, n: int, read: Read | None = None) -> Tensor:
    """The first ``n`` training images in that order, as the model takes them ``(n, C, H, W)``, on its device.

    ``read`` reads the sample at a place, if that is not to be made by the data set.
    """
    if n > MAX_BACKGROUND:
        raise ContractError(f"{n} training images are wanted, and at most {MAX_BACKGROUND} may be: keys hold the digests of so many")
    order = training_order(len(training), seed)[:MAX_BACKGROUND]
    images = [sample.image for sample in islice(_finite_samples(training, order, read), n)]
    if len(images) < n:
        raise ContractError(
            f"{n} training images are wanted, and the training split has {len(images)}: give it more, or lower the parameter that says how "
            f"many (such as `background: {max(1, len(images))}`)"
        )
    return torch.stack([model.preprocess(image) for image in images]).to(model.device)


def labelled_images(
    model: Classifier, training: Dataset, classes: Sequence[int] | None, seed: int, n: int, read: Read | None = None
) -> tuple[Tensor, Tensor]:
    """The first ``n`` training images in that order, or all if there are fewer, and their labels as the model's classes, on the CPU."""
    samples = list(_finite_samples(training, training_order(len(training), seed)[:n], read))
    images = torch.stack([model.preprocess(sample.image) for sample in samples])
    return images, torch.tensor([map_to_model_class(sample, model, classes) for sample in samples])


def _finite_samples(training: Dataset, places: Sequence[int], read: Read | None) -> Iterator[Sample]:
    """The samples at these places but for those whose images have values that are not finite."""
    return (sample for sample in map(read or partial(read_sample, training), places) if torch.isfinite(sample.image).all())


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


def training_facts(
    dataset: Dataset,
    seed: int,
    labelled: int,
    known: Mapping[str, Sequence[str]],
    read: Read | None = None,
    first: int | None = None,
) -> TrainingFacts:
    """Facts that a training split is known by: its length and its first samples in the order in which they are drawn.

    Where ``labelled``, by as many samples as are drawn with their labels, and the labels' names. Samples have the digest that is ``known``
    of them, if one is. ``read`` is as of `background_images`. Of the ``first`` alone the facts hold no more than these tell.
    """
    order = training_order(len(dataset), seed)[: labelled or MAX_BACKGROUND][:first]
    drawn = [(read or partial(read_sample, dataset))(place) for place in order]
    digests = [match_known_digest(sample, known) for sample in drawn]
    about = [len(dataset), *([class_names_of(dataset)] if labelled else [])]
    counts = sorted({len(digests), *(2**power for power in range(len(digests).bit_length()) if 2**power <= len(digests))})
    return TrainingFacts(
        json_digest([*about, digests]),
        select_noise_dependent(zip([sample.id for sample in drawn], digests, strict=True)),
        {str(count): json_digest([*about, digests[:count]])[:PREFIX_DIGITS] for count in counts},
    )


def planned_training_facts(
    components: ComponentCache, recipe: Recipe, seed: int, labelled: int, known: Mapping[str, Sequence[str]]
) -> TrainingFacts:
    """Facts of a training split, all of whose samples are made; those that were costly are kept for who draws them."""
    dataset, made = components.dataset(recipe), list[tuple[int, Sample, float]]()

    def read(place: int) -> Sample:
        begun = time.thread_time()
        sample = read_sample(dataset, place)
        made.append((place, sample, time.thread_time() - begun))
        return sample

    with components.factory.reading.of(recipe):
        facts = training_facts(dataset, seed, labelled, known, read)
    inputs = TrainingInputs(components, recipe, facts.digest)
    for place, sample, seconds in made:
        inputs.keep_if_costly(place, sample, seconds)
    return facts


def class_names_of(dataset: Dataset) -> list[str] | None:
    """The names of a dataset's classes, or None."""
    names = getattr(dataset, "class_names", None)
    return None if names is None else [str(name) for name in names]
