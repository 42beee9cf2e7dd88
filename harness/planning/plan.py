"""Plans: from a spec to all groups of a run, their columns, and what is finished of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import product

import numpy as np

from harness.planning import keys
from harness.planning.class_matching import ClassMismatch
from harness.planning.columns import ColumnPlanner
from harness.planning.group_plan import GroupPlan
from harness.planning.keeping import Choice, Level, choose, levels_of, mean_accuracy
from harness.planning.predictions import accuracy_on
from harness.planning.remembered_facts import RememberedFacts
from harness.planning.retrained_networks import networks_of_spec, trained_parts
from harness.planning.stored_costs import costs_from_fields, mean_without_nan
from harness.planning.subjects import SubjectPlanner
from harness.planning.training_splits import TrainingSplits
from harness.planning.trainings import PlannedTraining, Trainings
from harness.planning.variants import ORACLE_EVIDENCE, iter_meta_variants
from harness.registry.declared_needs import is_trained
from harness.registry.recipe import Recipe
from harness.spec.loaded_spec import LoadedSpec
from harness.spec.problems import SpecError, SpecProblem
from harness.store.sample_alignment import Bools, MaskedColumn, rows_with_any_value
from harness.store.store import Store


@dataclass(frozen=True)
class Plan:
    """All groups of a run, their variants, by which its metrics are evaluated, and the trainings that groups wait for.

    Where only the best models are explained, ``choices`` says which these are, and ``not_kept`` has the groups of the others, without
    columns.
    """

    groups: Sequence[GroupPlan]
    variants: Sequence[GroupPlan] = ()
    trainings: Sequence[PlannedTraining] = ()
    not_kept: Sequence[GroupPlan] = ()
    choices: Sequence[Choice] = ()

    @property
    def seconds_per_pass(self) -> float | None:
        """Seconds that a pass takes while explaining, over the columns of which some rows were measured; None if there is none."""
        measured = [(c.seconds, c.made) for group in self.everything for c in group.columns if c.seconds and c.made]
        return sum(seconds for seconds, _ in measured) / sum(made for _, made in measured) if measured else None

    @property
    def everything(self) -> Sequence[GroupPlan]:
        """The groups as they are, then their variants."""
        return [*self.groups, *self.variants]


@dataclass(frozen=True)
class Planner:
    """Makes plans; see `plan`.

    Attributes:
        loaded, store, inspect: the spec, and where and how it is found out what there is.
        limit: how many of the first samples of each dataset are taken; None for all.
        failed: what `harness.runs.training.train_all` has found.
        predicted: whether all has been tried to have models predict that are ranked by it.
    """

    loaded: LoadedSpec
    store: Store
    inspect: RememberedFacts
    limit: int | None = None
    failed: Mapping[str, str] = field(default_factory=dict)
    predicted: bool = False

    @cached_property
    def _trainings(self) -> Trainings:
        return Trainings(self.loaded.registry, self.store, self.inspect, self.failed)

    def trainings(self) -> list[PlannedTraining]:
        """The trainings that models and metrics of the spec lack, each after those that it begins with."""
        return self._trainings.to_do(dict.fromkeys(networks_of_spec(self.loaded)))

    @cached_property
    def _training(self) -> TrainingSplits:
        return TrainingSplits(self.loaded, self.inspect)

    @cached_property
    def _columns(self) -> ColumnPlanner:
        return ColumnPlanner(self.loaded, self.store, self.inspect, self._training, self._trainings)

    def plan(self) -> Plan:
        """The plan of the whole spec; raises `SpecError` before anything runs if a dataset's classes or the target are no model's."""
        trainings = [each for each in self.trainings() if each.key not in self.failed]
        self._expect()
        found, wrong = self._subjects(self.loaded.recipes.models)
        choices = [choose(level, partial(self._score, level, found), final=self.predicted) for level in levels_of(self.loaded)]
        dropped = {model.label for choice in choices for model in choice.level.models if model.label not in choice.kept}
        groups = [self._filled(group) for group in found if group.model.label not in dropped]
        wrong += self._absent_targets(groups)
        if wrong:
            raise SpecError(wrong)
        variants = [variant for group in groups for variant in self._variants(group)]
        return Plan(groups, variants, trainings, [group for group in found if group.model.label in dropped], choices)

    def to_predict(self) -> list[GroupPlan]:
        """The groups, without columns, of models that are ranked before it is known which of them are explained.

        Raises `SpecError` if a dataset's classes are not a model's.
        """
        pool = [model for level in levels_of(self.loaded) for model in level.models]
        found, wrong = self._subjects(pool) if pool else ([], [])
        if wrong:
            raise SpecError(wrong)
        return found

    def _subjects(self, models: Sequence[Recipe]) -> tuple[list[GroupPlan], list[SpecProblem]]:
        """Groups without columns, and which dataset's classes are not a model's."""
        subjects = SubjectPlanner(self.loaded, self.store, self.inspect, self._training, self._trainings)
        groups, wrong = [], []
        for place, dataset in enumerate(self.loaded.recipes.datasets):
            for model in models:
                try:
                    groups.append(subjects.group(dataset, model, self.limit))
                except ClassMismatch as error:
                    wrong.append(self.loaded.problem(("datasets", place), str(error)))
        return groups, wrong

    def _score(self, level: Level, groups: Sequence[GroupPlan], model: Recipe) -> float | None:
        """By what a model is ranked."""
        own = [group for group in groups if group.model.label == model.label]
        if any(group.subject is None for group in own):
            return None
        if level.keep.by == "validation-accuracy":
            return mean_accuracy([self._trainings.validation_accuracy(group.model) for group in own])
        return mean_accuracy([accuracy_on(group, self.store) for group in own])

    def _expect(self) -> None:
        """Begin to find out what the plan will ask, as far as that is the same whatever the answers are."""
        recipes, chosen = self.loaded.recipes, self.loaded.recipe_for
        subjects = list(product(recipes.datasets, recipes.models))
        self.inspect.expect(
            datasets=recipes.datasets,
            models=[
                recipe
                for dataset, model in subjects
                if not is_trained(self.loaded.registry, recipe := chosen("models", model, dataset=dataset.label))
            ],
            training=[(split, self.loaded.spec.seed) for split in map(self._training.needed, recipes.datasets) if split is not None],
            components=[
                *(
                    chosen("explainers", row, dataset=dataset.label, model=model.label)
                    for dataset, model in subjects
                    for row in recipes.rows
                ),
                *(metric for metric in recipes.metrics if not any(trained_parts(self.loaded.registry, metric))),
            ],
        )

    def _absent_targets(self, groups: Sequence[GroupPlan]) -> Iterator[SpecProblem]:
        """Where a fixed class is to be explained that a model does not have."""
        target = self.loaded.spec.explain.target
        for group in groups:
            if isinstance(target, int) and group.model_facts is not None and target >= group.model_facts.num_classes:
                reason = (
                    f"class {target} is to be explained, and the model {group.model.label} has 0 to {group.model_facts.num_classes - 1}"
                )
                yield self.loaded.problem(("explain", "target"), reason)

    def _variants(self, group: GroupPlan) -> Iterator[GroupPlan]:
        """The group under each variant by which its metrics are evaluated."""
        meta, subject = self.loaded.spec.meta, group.subject
        if meta is None or subject is None or group.dataset_facts is None:
            return
        for variant in iter_meta_variants(meta, subject.seed, ORACLE_EVIDENCE in group.dataset_facts.evidence):
            key = keys.prediction_key(group.dataset_key, group.model_key, variant) if variant.alters_predictions else None
            yield self._filled(replace(group, subject=replace(subject, variant=variant, variant_prediction_key=key)))

    def _filled(self, group: GroupPlan) -> GroupPlan:
        """A group with its columns and with what is finished of them."""
        if group.subject is None:
            return replace(group, columns=self._columns.blocked_columns(group.dataset, group.model))
        columns = list(self._columns.columns(group))
        stored = {c.recipe.digest: c.key for c in columns if c.variant == group.variant and c.reason is None}
        samples = replace(group, columns=columns).samples
        finished: dict[str, Bools] = {}
        for place, column in enumerate(columns):
            known = self.store.known(column.key, samples)
            finished.update(self._finished(group, column.key, known))
            if column.key in known:
                costs = costs_from_fields(known[column.key], len(group.rows))
                columns[place] = replace(column, seconds=mean_without_nan(costs.seconds), made=mean_without_nan(costs.passes))
        subject = replace(group.subject, stored=stored, learned=self._training.learned(group.subject))
        return replace(group, subject=subject, columns=columns, finished=finished)

    def _finished(self, group: GroupPlan, key: str, known: Mapping[str, Mapping[str, MaskedColumn]]) -> dict[str, Bools]:
        """Which rows are finished in a column and in its scores; one whose map is to be kept and is not there has not been explained."""
        found = {column: rows_with_any_value(fields, len(group.rows)) for column, fields in known.items()}
        kept = group.rows[: group.keeps(self.loaded.spec.store.kept_maps)]
        if key in found and found[key][: len(kept)].any():
            mapped = self.store.samples_with_maps(key)
            undefined = np.isnan(known[key]["zero"].values) if "zero" in known[key] else np.zeros(len(group.rows), dtype=bool)
            there = [row.key in mapped for row in kept]
            found[key][: len(kept)] &= np.asarray(there, dtype=bool) | undefined[: len(kept)]
        return found
