"""The subjects of a plan: a dataset and a model put together of what is known of both, or why they cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from harness.planning import keys
from harness.planning.class_matching import match_model_classes
from harness.planning.facts import DatasetFacts, ModelFacts, Unavailable, fact_key, model_fact_key
from harness.planning.file_digests import digest_files_by_parameter
from harness.planning.group_plan import GroupPlan
from harness.planning.jobs import SampleRef, Subject
from harness.planning.remembered_facts import RememberedFacts
from harness.planning.training_splits import TrainingSplits
from harness.planning.trainings import Trainings
from harness.registry.parameter_paths import iter_existing_paths
from harness.registry.recipe import Recipe
from harness.spec.loaded_spec import LoadedSpec
from harness.store.store import Store


@dataclass(frozen=True)
class SubjectPlanner:
    """Finds out about datasets and models."""

    loaded: LoadedSpec
    store: Store
    inspect: RememberedFacts
    training: TrainingSplits
    trainings: Trainings

    def group(self, dataset: Recipe, model: Recipe, limit: int | None) -> GroupPlan:
        """A group without columns, of the first ``limit`` samples; blocked if there is no subject.

        Raises `harness.planning.class_matching.ClassMismatch` if the dataset's classes are not the model's.
        """
        model = self.loaded.recipe_for("models", model, dataset=dataset.label)
        try:
            with _prefix_unavailable(f"the dataset {dataset.label} cannot be read"):
                dataset_facts = self.inspect.dataset(dataset)
            with _prefix_unavailable(f"the model {model.label} cannot be trained"):
                training = self.trainings.lacking(model)
            if training is not None:
                return GroupPlan(dataset, model, blocked=f"the model {model.label} is trained first: {training}", untrained=True)
            with _prefix_unavailable(f"the model {model.label} cannot be loaded"):
                weights = self.trainings.weights(model)
                model_facts = self.inspect.model(model, weights)
        except Unavailable as error:
            return GroupPlan(dataset, model, blocked=str(error))
        if dataset_facts.outside:
            if model_facts.bounded:
                return GroupPlan(dataset, model, blocked=f"{dataset.label}: {dataset_facts.outside}")
            dataset_facts = replace(dataset_facts, notes=[*dataset_facts.notes, dataset_facts.outside])
        class_map = self._class_map(dataset.label)
        classes, model_facts = match_model_classes(self.loaded.registry, dataset, dataset_facts, model, model_facts, class_map)
        rows = _rows(dataset_facts)[:limit]
        dataset_key, model_key = self._dataset_key(dataset, classes), self._model_key(model, model_facts)
        group = GroupPlan(dataset, model, None, dataset_facts, model_facts, rows, dataset_key=dataset_key, model_key=model_key)
        known = model_fact_key(model, weights)
        return replace(group, subject=self._subject(group, dataset_facts, model_facts, classes, known))

    def _subject(
        self, group: GroupPlan, dataset_facts: DatasetFacts, model_facts: ModelFacts, classes: list[int] | None, known: str
    ) -> Subject:
        dataset, model = group.dataset, group.model
        spec = self.loaded.spec
        return Subject(
            dataset=dataset.label,
            model=model.label,
            dataset_recipe=dataset,
            training_recipe=self.training.split(dataset),
            model_recipe=model,
            classes=classes,
            prediction_key=keys.prediction_key(group.dataset_key, group.model_key),
            target=spec.explain.target,
            seed=spec.seed,
            stored={},
            precision=spec.execution.precision,
            compiled=spec.execution.compile,
            content=model_facts.digest if model_facts.files or any(path.is_file() for path in iter_existing_paths(model)) else None,
            answers=model_facts.answers,
            evidence=dataset_facts.evidence,
            facts={"model": known, "dataset": fact_key("dataset", dataset)},
        )

    def _dataset_key(self, dataset: Recipe, classes: Sequence[int] | None) -> str:
        selection = frozenset(self.loaded.registry.declaration("datasets", dataset.qualified).get("selection", ()))
        return keys.dataset_key(dataset, selection, classes)

    def _model_key(self, model: Recipe, facts: ModelFacts) -> str:
        return keys.model_key(
            model,
            facts.digest,
            self.loaded.spec.execution.arithmetic,
            named=digest_files_by_parameter(self.loaded.registry, self.store, model),
            read=facts.files,
            generation=facts.generation,
        )

    def _class_map(self, dataset: str) -> dict[str, str | int] | None:
        references = zip(self.loaded.recipes.datasets, self.loaded.spec.datasets, strict=True)
        return next(reference.class_map for recipe, reference in references if recipe.label == dataset)


def _rows(facts: DatasetFacts) -> list[SampleRef]:
    """The samples that can be used."""
    evidence = [
        {kind: digests[place] for kind, digests in facts.evidence_digests.items() if digests[place]} for place in range(len(facts.ids))
    ]
    return list(map(SampleRef.of, facts.positions, facts.ids, facts.digests, evidence))


@contextmanager
def _prefix_unavailable(otherwise: str) -> Iterator[None]:
    """Say of what cannot be had what it is."""
    try:
        yield
    except Unavailable as error:
        raise Unavailable(f"{otherwise}: {error}", error.traceback) from error
