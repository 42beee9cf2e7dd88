"""Results out of a plan and the store: what is finished, aligned to samples, with the state of every cell; and where its maps are."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from harness.analysis.class_order import class_order_hint
from harness.planning.group_plan import ExplanationColumn, GroupPlan, ScoreColumn
from harness.planning.notes import group_notes
from harness.planning.plan import Plan
from harness.planning.stored_costs import costs_from_fields, mean_without_nan
from harness.planning.variants import ORACLE
from harness.registry.inversion import recipe_declaration
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.results.components import ComponentInfo as Used
from harness.results.components import ExplainerInfo, MetricInfo
from harness.results.data_model import (
    COMPLETENESS_TOLERANCE,
    NOT_COMPUTED_PREFIX,
    Cell,
    CostsEntry,
    ExplainerNotes,
    ExplanationSettings,
    Group,
    Results,
    Status,
)
from harness.results.field_types import Bools, Floats
from harness.results.predictions import Predictions
from harness.results.run_folder import MapColumn
from harness.results.variant_info import VariantInfo
from harness.runs.outcome import Outcome
from harness.runs.prediction_collection import collect_predictions
from harness.runs.published_tables import published_tables
from harness.spec.loaded_spec import LoadedSpec
from harness.store.sample_alignment import MaskedColumn
from harness.store.store import Store

SEED_PARAMETER = "seed"
ColumnValues = Mapping[str, Mapping[str, MaskedColumn]]  # column → field → what is known of the group's samples
FactorsFunction = Callable[[str, str], dict[str, str]]  # (kind, label) → in what the spec says that it differs from others


def collect_results(
    loaded: LoadedSpec, plan: Plan, registry: Registry, store: Store, outcome: Outcome, provenance: dict[str, Any]
) -> Results:
    """The results of a run, complete or not."""
    spec = loaded.spec
    explained = ExplanationSettings(target=spec.explain.target, seed=spec.seed, precision=spec.execution.arithmetic, dtype=spec.store.dtype)
    families = replicate_family_names(plan)

    def gathered(group: GroupPlan) -> Group:
        family = families.get((group.dataset.label, group.model.label))
        return dataclasses.replace(
            _GroupCollector(group, registry, store, outcome, loaded.factors).group(), explained=explained, replicate_of=family
        )

    nulls = sorted({column.label for group in plan.groups for column in group.columns if column.null})
    return Results(
        provenance=provenance,
        groups=[gathered(group) for group in plan.groups],
        variants=[gathered(group) for group in plan.variants],
        not_kept=[gathered(group) for group in plan.not_kept],
        reference=loaded.reference,
        nulls=nulls,
        samples_rule=spec.explain.samples,
        confidence=spec.statistics.confidence,
        bootstrap=spec.statistics.bootstrap,
        correction=spec.statistics.correction,
        seed=spec.seed,
        weights=spec.rank.weights,
        published=published_tables(loaded),
    )


def replicate_family_names(plan: Plan) -> dict[tuple[str, str], str]:
    """The name of the family of a group's model, by (dataset, model) label, if there are several models in it.

    A family's models are of one component with equal parameters but for one named ``seed``, and have other weights. The name is made of
    their common recipe, so that it is the same in every run.
    """
    families: dict[tuple[str, str], list[GroupPlan]] = {}
    for group in [*plan.groups, *plan.not_kept]:
        if SEED_PARAMETER in group.model.params and group.model_facts is not None:
            families.setdefault((group.dataset.label, group.model.digest_without({SEED_PARAMETER})), []).append(group)
    return {
        (dataset, member.model.label): f"{member.model.name} {digest[:12]}"
        for (dataset, digest), members in families.items()
        for member in members
        if len({other.model_facts.digest for other in members if other.model_facts}) > 1
    }


def collect_map_columns(plan: Plan, registry: Registry) -> Iterator[MapColumn]:
    """Columns of a run's maps in its store."""
    for group in plan.groups:
        for column in group.columns:
            if group.subject is None or column.reason is not None:
                continue
            yield MapColumn(
                dataset=group.dataset.label,
                model=group.model.label,
                explainer=column.label,
                key=column.key,
                signed=bool(registry.declaration("explainers", column.recipe.qualified).get("signed")),
                recipe=column.recipe.to_json(),
                dataset_recipe=group.dataset.to_json(),
                model_recipe=group.model.to_json(),
                rows=[(row.position, *row.key) for row in group.rows],
                scores={score.label: score.key for score in column.scores if score.reason is None},
                predictions=group.subject.prediction_key,
            )


class _GroupCollector:
    """Gathers one group."""

    def __init__(self, plan: GroupPlan, registry: Registry, store: Store, outcome: Outcome, factors: FactorsFunction) -> None:
        self.plan, self.registry, self.store, self.outcome, self.factors = plan, registry, store, outcome, factors
        self.samples = plan.samples

    def group(self) -> Group:
        """The group with every cell in one state."""
        plan = self.plan
        cells: dict[tuple[str, str], Cell] = {}
        costs: dict[str, CostsEntry] = {}
        notes: dict[str, ExplainerNotes] = {}
        for column in plan.columns:
            values = self._values(column.key) if plan.subject is not None and column.reason is None else {}
            cells.update({(column.label, score.label): self._cell(column, score, values) for score in column.scores})
            costs[column.label] = self._costs(column, values)
            notes[column.label] = self._notes(column, values)
        correct, accuracy = self._correct()
        weights = None if plan.model_facts is None else plan.model_facts.digest
        return Group(
            dataset=plan.dataset.label,
            model=plan.variant.label(plan.model.label),
            samples=[row.sample for row in plan.rows],
            digests=[row.whole_key[1] for row in plan.rows],
            correct=correct,
            accuracy=accuracy,
            explainers=[self._explainer(column) for column in plan.columns],
            metrics=[self._metric(score) for column in plan.columns[:1] for score in column.scores],
            cells=cells,
            recipes={"dataset": self._used(plan.dataset), "model": self._used(plan.model, weights)},
            costs=costs,
            notes=notes,
            group_notes=[*group_notes(plan), *self._order()],
            predictions=self._predictions(),
            variant=self._variant(),
        )

    def _variant(self) -> VariantInfo | None:
        """What the plan's group is a variant of, and whose predictions stayed as they were."""
        variant, subject = self.plan.variant, self.plan.subject
        if variant.kind not in ("inputs", "weights", "oracle") or subject is None:
            return None
        after = subject.variant_prediction_key or subject.prediction_key
        first, then = self._predicted(subject.prediction_key), self._predicted(after)
        return VariantInfo(
            model=self.plan.model.label,
            kind=variant.kind,
            strength=variant.strength,
            repeat=variant.repeat,
            scale=variant.scale,
            kept=first == then,
            known=~np.isnan(first) & ~np.isnan(then),
        )

    def _predicted(self, key: str) -> Floats:
        return self._field(self._values(key), key, "predicted").values

    def _order(self) -> list[str]:
        """A note if the model's classes seem to be in another order than the dataset's."""
        subject, model = self.plan.subject, self.plan.model_facts
        if subject is None or model is None or self.plan.variant.altered:
            return []
        values = self._values(subject.prediction_key)
        labels, predicted = (self._field(values, subject.prediction_key, name).values for name in ("label", "predicted"))
        known = ~np.isnan(labels) & ~np.isnan(predicted)
        hint = class_order_hint(labels[known].astype(np.int64), predicted[known].astype(np.int64), model.num_classes)
        return [] if hint is None else [f"{self.plan.dataset.label}: {hint}"]

    def _values(self, group: str) -> ColumnValues:
        return self.store.known(group, self.samples)

    def _field(self, values: ColumnValues, column: str, name: str) -> MaskedColumn:
        return values.get(column, {}).get(name) or MaskedColumn.all_missing(len(self.samples))

    def _cell(self, column: ExplanationColumn, score: ScoreColumn, values: ColumnValues) -> Cell:
        size = len(self.plan.rows)
        if self.plan.blocked is not None:
            return Cell.missing(size, "blocked", self.plan.blocked)
        not_applicable = column.reason or score.reason
        if not_applicable is not None:
            return Cell.missing(size, "not-applicable", not_applicable)
        scores, computed = self._field(values, score.key, "value")
        why = f"{NOT_COMPUTED_PREFIX}: {self.outcome.stopped or 'its rows are missing from the store'}"
        failure = self.outcome.failures.get(score.key) or self.outcome.failures.get(column.key) or ("blocked", why)
        state: tuple[Status, str | None] = ("ok", None) if computed.all() else failure
        return Cell(status=state[0], values=scores, computed=computed, reason=state[1], key=score.key if computed.any() else "")

    def _costs(self, column: ExplanationColumn, values: ColumnValues) -> CostsEntry:
        found = costs_from_fields(values.get(column.key, {}), len(self.samples))
        return CostsEntry(
            seconds_per_sample=mean_without_nan(found.seconds),
            passes_per_sample=mean_without_nan(found.passes),
            peak_memory=None if np.isnan(found.memory).all() else float(np.nanmax(found.memory)),
            hardware=found.hardware,
        )

    def _notes(self, column: ExplanationColumn, values: ColumnValues) -> ExplainerNotes:
        zeros = self._field(values, column.key, "zero").values
        errors = values.get(column.key, {}).get("incompleteness")
        median = np.nanmedian(errors.values) if errors is not None and not np.isnan(errors.values).all() else 0.0
        declared = {} if column.recipe == ORACLE else self.registry.declaration("explainers", column.recipe.qualified)
        return ExplainerNotes(
            zero_maps=int(np.nansum(zeros)),
            completeness=None if errors is None else errors.values,
            broken=bool(declared.get("complete")) and bool(median > COMPLETENESS_TOLERANCE),
            warnings=tuple(column.notes),
        )

    def _predictions(self) -> Predictions | None:
        subject, model = self.plan.subject, self.plan.model_facts
        if subject is None or model is None or self.plan.variant.altered:
            return None
        fields = self._values(subject.prediction_key).get(subject.prediction_key, {})
        return collect_predictions(fields, len(self.plan.rows), model)

    def _correct(self) -> tuple[Bools, float | None]:
        if self.plan.subject is None:
            return np.zeros(len(self.plan.rows), dtype=bool), None
        key = self.plan.subject.prediction_key
        correct, computed = self._field(self._values(key), key, "correct")
        return np.nan_to_num(correct) > 0.5, float(correct[computed].mean()) if computed.any() else None

    def _explainer(self, column: ExplanationColumn) -> ExplainerInfo:
        used = Used(component=ORACLE.name, digest=ORACLE.digest) if column.recipe == ORACLE else self._used(column.recipe)
        return ExplainerInfo(**vars(used), label=column.label, null=column.null, twin_of=column.twin_of)

    def _metric(self, score: ScoreColumn) -> MetricInfo:
        declaration = recipe_declaration(self.registry, score.recipe)
        low, high = declaration.get("bounds") or (None, None)
        return MetricInfo(
            **vars(self._used(score.recipe)),
            label=score.label,
            category=declaration["category"],
            direction=declaration["direction"],
            bounds=(low, high),
            inverted=score.recipe.inverted,
        )

    def _used(self, recipe: Recipe, content: str | None = None) -> Used:
        card = self.registry.known(recipe.kind, recipe.qualified)
        return Used(
            component=recipe.name,
            plugin=recipe.distribution,
            version=card.declaration.get("version") or card.version,
            digest=content or recipe.digest,
            params=recipe.reference()["params"],
            cite=recipe_declaration(self.registry, recipe).get("cite"),
            factors=self.factors(recipe.kind, recipe.label),
        )
