"""From a spec to columns: what is there to compute, what is finished, and what is not applicable and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from harness.planning import keys
from harness.planning.class_matching import ClassMismatch
from harness.planning.facts import fact_key
from harness.planning.file_digests import (
    CallTimeFiles,
    digest_changed_files,
    digest_files_by_parameter,
    digest_named_files,
    load_call_time_files,
)
from harness.planning.group_plan import ExplanationColumn, GroupPlan, ScoreColumn
from harness.planning.inspector import Inspector, Unavailable
from harness.planning.jobs import SampleRef, Subject
from harness.planning.model_classes import match_model_classes
from harness.planning.stored_costs import costs_from_fields, mean_without_nan
from harness.planning.training_splits import TrainingSplits
from harness.planning.variants import AS_IS, ORACLE, ORACLE_EVIDENCE, Variant, iter_meta_variants, random_model_variant
from harness.registry.canonical_json import json_digest
from harness.registry.declared_needs import declared_needs
from harness.registry.parameter_paths import iter_existing_paths
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.registry.unmet_needs import TRAINING_NEEDS, lacking_evidence, lacking_features
from harness.spec.loaded_spec import LoadedSpec
from harness.spec.problems import SpecError, SpecProblem
from harness.store.sample_alignment import Bools, MaskedColumn, rows_with_any_value
from harness.store.store import Store


def count_kept_maps(attributions: str | int) -> int | None:
    """How many of a dataset's first samples have their maps stored; None for all."""
    return {"all": None, "none": 0}[attributions] if isinstance(attributions, str) else attributions


@dataclass(frozen=True)
class Plan:
    """All groups of a run, and the same altered, by which its metrics are evaluated."""

    groups: Sequence[GroupPlan]
    limit: int | None = None
    altered: Sequence[GroupPlan] = ()

    @property
    def seconds_per_pass(self) -> float | None:
        """What a pass takes while explaining, over the columns of which some rows were measured; None where there is none."""
        measured = [(c.seconds, c.made) for group in self.everything for c in group.columns if c.seconds and c.made]
        return sum(seconds for seconds, _ in measured) / sum(made for _, made in measured) if measured else None

    @property
    def everything(self) -> Sequence[GroupPlan]:
        """The groups as they are, then the altered ones."""
        return [*self.groups, *self.altered]


@dataclass(frozen=True)
class Planner:
    """Makes plans; see `plan`."""

    loaded: LoadedSpec
    registry: Registry
    store: Store
    inspect: Inspector
    limit: int | None = None
    _asked: dict[str, frozenset[str]] = field(default_factory=dict, repr=False)  # needs by recipe: a plan asks for them per cell
    _contents: dict[str, str | None] = field(default_factory=dict, repr=False)  # digests of files by recipe

    @cached_property
    def _training(self) -> TrainingSplits:
        return TrainingSplits(self.loaded, self.registry, self.inspect)

    def plan(self) -> Plan:
        """The plan of the whole spec; raises `SpecError` before anything runs where a dataset's classes or the target are no model's."""
        groups, wrong = [], []
        for place, dataset in enumerate(self.loaded.recipes.datasets):
            for model in self.loaded.recipes.models:
                try:
                    groups.append(self._group(dataset, model))
                except ClassMismatch as error:
                    wrong.append(self.loaded.problem(("datasets", place), str(error)))
        wrong += self._absent_targets(groups)
        if wrong:
            raise SpecError(wrong)
        return Plan(groups, self.limit, [altered for group in groups for altered in self._altered(group)])

    def _absent_targets(self, groups: Sequence[GroupPlan]) -> Iterator[SpecProblem]:
        """Where a fixed class is to be explained that a model does not have."""
        target = self.loaded.spec.explain.target
        for group in groups:
            if isinstance(target, int) and group.model_facts is not None and target >= group.model_facts.num_classes:
                reason = (
                    f"class {target} is to be explained, and the model {group.model.label} has 0 to {group.model_facts.num_classes - 1}"
                )
                yield self.loaded.problem(("explain", "target"), reason)

    def _group(self, dataset: Recipe, model: Recipe) -> GroupPlan:
        model = self.loaded.recipe_for("models", model, dataset=dataset.label)
        try:
            with _prefix_unavailable(f"the dataset {dataset.label} cannot be read"):
                dataset_facts = self.inspect.dataset(dataset)
            with _prefix_unavailable(f"the model {model.label} cannot be loaded"):
                model_facts = self.inspect.model(model)
        except Unavailable as error:
            return GroupPlan(dataset, model, blocked=str(error), columns=self._blocked_columns(dataset, model))
        if dataset_facts.outside:
            if model_facts.bounded:
                blocked = f"{dataset.label}: {dataset_facts.outside}"
                return GroupPlan(dataset, model, blocked=blocked, columns=self._blocked_columns(dataset, model))
            dataset_facts = replace(dataset_facts, notes=[*dataset_facts.notes, dataset_facts.outside])
        class_map = self._class_map(dataset.label)
        classes, model_facts = match_model_classes(self.registry, dataset, dataset_facts, model, model_facts, class_map)
        selection = frozenset(self.registry.declaration("datasets", dataset.qualified).get("selection", ()))
        dataset_key = keys.dataset_key(dataset, selection, class_map)
        execution = self.loaded.spec.execution
        model_key = keys.model_key(
            model,
            model_facts.digest,
            execution.arithmetic,
            named=digest_files_by_parameter(self.registry, self.store, model),
            read=model_facts.files,
            generation=model_facts.generation,
        )
        training = self._training.split(dataset)
        whole = list(map(SampleRef, dataset_facts.positions, dataset_facts.ids, dataset_facts.digests))
        subject = Subject(
            dataset=dataset.label,
            model=model.label,
            dataset_recipe=dataset,
            training_recipe=training,
            model_recipe=model,
            classes=classes,
            prediction_key=keys.prediction_key(dataset_key, model_key),
            target=self.loaded.spec.explain.target,
            seed=self.loaded.spec.seed,
            stored={},
            precision=execution.precision,
            compiled=execution.compile,
            content=model_facts.digest if model_facts.files or any(path.is_file() for path in iter_existing_paths(model)) else None,
            answers=model_facts.answers,
            evidence=dataset_facts.evidence,
            facts={"model": fact_key("model", model), "dataset": fact_key("dataset", dataset)},
        )
        rows = whole[: self.limit]
        return self._filled(
            GroupPlan(dataset, model, subject, dataset_facts, model_facts, rows, dataset_key=dataset_key, model_key=model_key)
        )

    def _altered(self, group: GroupPlan) -> Iterator[GroupPlan]:
        """The group's rows under each variant by which its metrics are evaluated."""
        meta, subject = self.loaded.spec.meta, group.subject
        if meta is None or subject is None or group.dataset_facts is None:
            return
        for variant in iter_meta_variants(meta, subject.seed, ORACLE_EVIDENCE in group.dataset_facts.evidence):
            key = keys.prediction_key(group.dataset_key, group.model_key, variant) if variant.alters_predictions else None
            yield self._filled(replace(group, subject=replace(subject, variant=variant, altered_prediction_key=key)))

    def _filled(self, group: GroupPlan) -> GroupPlan:
        """A group with its columns and with what is finished of them."""
        assert group.subject is not None
        columns = [self._oracle(group)] if group.variant.kind == "oracle" else list(self._columns(group))
        stored = {c.recipe.digest: c.key for c in columns if c.variant == group.variant and c.reason is None}
        samples = group.samples
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
        kept = group.rows[: group.keeps(count_kept_maps(self.loaded.spec.store.attributions))]
        if key in found and found[key][: len(kept)].any():
            mapped = self.store.samples_with_maps(key)
            undefined = np.isnan(known[key]["zero"].values) if "zero" in known[key] else np.zeros(len(group.rows), dtype=bool)
            there = [(row.sample, row.digest) in mapped for row in kept]
            found[key][: len(kept)] &= np.asarray(there, dtype=bool) | undefined[: len(kept)]
        return found

    # columns

    def _columns(self, group: GroupPlan) -> Iterator[ExplanationColumn]:
        """The group's rows; altered they are the explainers alone, without nulls."""
        assert group.subject is not None
        subject = group.subject
        for recipe, null, variant in self._rows(group.dataset.label, group.model.label, group.variant):
            if null and group.variant.altered:
                continue
            reason, passes = self._applicable(group, recipe)
            key = keys.explanation_key(
                group.dataset_key,
                group.model_key,
                recipe,
                variant=variant,
                target=subject.target,
                seed=subject.seed,
                training=self._training.digest(subject, recipe) if reason is None else None,
                dtype=self.loaded.spec.store.dtype,
                files=self._files(recipe),
            )
            label = recipe.label if variant == group.variant else variant.label(recipe.label)
            scores = [self._score(group, key, label, metric) for metric in self.loaded.recipes.metrics]
            notes = () if reason is not None or subject.training_recipe is not None else self._training.otherwise(recipe)
            yield ExplanationColumn(label, recipe, key, scores, null, variant, reason, passes, notes=notes)

    def _oracle(self, group: GroupPlan) -> ExplanationColumn:
        """The row whose maps no component makes."""
        assert group.subject is not None
        subject = group.subject
        key = keys.explanation_key(
            group.dataset_key,
            group.model_key,
            ORACLE,
            variant=group.variant,
            target=subject.target,
            seed=subject.seed,
            training=None,
            dtype=self.loaded.spec.store.dtype,
        )
        scores = [self._score(group, key, ORACLE.label, metric) for metric in self.loaded.recipes.metrics]
        return ExplanationColumn(ORACLE.label, ORACLE, key, scores, variant=group.variant, passes=0.0)

    def _rows(self, dataset: str, model: str, variant: Variant = AS_IS) -> Iterator[tuple[Recipe, bool, Variant]]:
        """Recipe, whether it is a null, and variant of each row: explainers, nulls that are not among them, the same on a random model."""
        recipes = self.loaded.recipes
        named = {recipe.label for recipe in recipes.nulls}
        chosen = [self.loaded.recipe_for("explainers", recipe, dataset=dataset, model=model) for recipe in recipes.rows]
        for recipe in chosen:
            declared = bool(self.registry.declaration("explainers", recipe.qualified).get("null"))
            yield recipe, declared or recipe.label in named, variant
        if recipes.random_model:
            random_model = random_model_variant(self.loaded.spec.seed)
            yield from ((recipe, True, random_model) for recipe in chosen if recipe.label not in named)

    def _class_map(self, dataset: str) -> dict[str, str | int] | None:
        references = zip(self.loaded.recipes.datasets, self.loaded.spec.datasets, strict=True)
        return next(reference.class_map for recipe, reference in references if recipe.label == dataset)

    def _score(self, group: GroupPlan, explanation: str, explainer: str, metric: Recipe) -> ScoreColumn:
        assert group.subject is not None and group.dataset_facts is not None
        metric = self.loaded.recipe_for("metrics", metric, dataset=group.dataset.label, model=group.model.label, explainer=explainer)
        needs = self._needs(metric)
        reason = lacking_evidence(needs, group.dataset_facts.evidence)
        if reason is None and needs & TRAINING_NEEDS:
            reason = self._training.lacking(group.subject, metric)
        training = self._training.digest(group.subject, metric) if reason is None else None
        key = keys.score_key(explanation, metric, training, self._files(metric))
        return ScoreColumn(metric.label, metric, key, reason, self._passes(metric))

    @cached_property
    def _called(self) -> CallTimeFiles:
        return load_call_time_files(self.store)

    def _files(self, recipe: Recipe) -> str | None:
        if recipe.digest not in self._contents:
            named = digest_named_files(self.registry, self.store, recipe)
            try:
                opened = self.inspect.opened(recipe)
            except Unavailable:  # it cannot be made; running it will fail, with a state and a reason of its own
                opened = None
            parts = [opened, digest_changed_files(self._called, recipe)]
            self._contents[recipe.digest] = json_digest([named, *filter(None, parts)]) if any(parts) else named
        return self._contents[recipe.digest]

    def _passes(self, metric: Recipe) -> float | None:
        try:
            return self.inspect.passes(metric)
        except Unavailable:
            return None

    def _blocked_columns(self, dataset: Recipe, model: Recipe) -> list[ExplanationColumn]:
        """The rows and columns of a group that cannot be had, for the leaderboard to show as blocked."""
        return [
            ExplanationColumn(
                variant.label(recipe.label), recipe, "", [ScoreColumn(m.label, m, "") for m in self.loaded.recipes.metrics], null, variant
            )
            for recipe, null, variant in self._rows(dataset.label, model.label)
        ]

    # what a component needs

    def _needs(self, recipe: Recipe) -> frozenset[str]:
        if recipe.digest not in self._asked:
            self._asked[recipe.digest] = declared_needs(self.registry, recipe)
        return self._asked[recipe.digest]

    def _applicable(self, group: GroupPlan, explainer: Recipe) -> tuple[str | None, float | None]:
        """Why an explainer is not applicable to the group's model and data (or None), and its passes per sample (or None)."""
        assert group.subject is not None and group.model_facts is not None
        needs = self._needs(explainer)
        lacking = lacking_features(needs, group.model_facts.features)
        if lacking is not None:
            return lacking, None
        if needs & TRAINING_NEEDS and (reason := self._training.lacking(group.subject, explainer)) is not None:
            return reason, None
        try:
            verdict = self.inspect.verdict(group.model, group.model_facts.digest, explainer)
        except Unavailable:  # asking failed; running it will fail too, with a state and a reason of its own
            return None, None
        return verdict["reason"], verdict["passes"]


@contextmanager
def _prefix_unavailable(otherwise: str) -> Iterator[None]:
    """Say of what cannot be had what it is."""
    try:
        yield
    except Unavailable as error:
        raise Unavailable(f"{otherwise}: {error}", error.traceback) from error
