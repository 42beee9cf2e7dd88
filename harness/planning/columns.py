"""The columns of groups: rows and metrics, their keys, and why what is not applicable is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from harness.planning import keys
from harness.planning.facts import ComponentFacts, Unavailable, Verdict
from harness.planning.file_digests import CallTimeFiles, digest_changed_files, digest_named_files, load_call_time_files
from harness.planning.group_plan import ExplanationColumn, GroupPlan, ScoreColumn
from harness.planning.notes import fallback_notes
from harness.planning.remembered_facts import RememberedFacts
from harness.planning.retrained_networks import retrains, trained_parts, with_networks
from harness.planning.training_splits import TrainingSplits
from harness.planning.trainings import Trainings
from harness.planning.variants import AS_IS, ORACLE, Variant, random_model_variant
from harness.registry.canonical_json import json_digest
from harness.registry.declared_needs import declared_needs
from harness.registry.recipe import Recipe
from harness.registry.unmet_needs import TRAINING_NEEDS, lacking_evidence, lacking_features, needed_evidence
from harness.spec.loaded_spec import LoadedSpec
from harness.store.store import Store


@dataclass(frozen=True)
class ColumnPlanner:
    """Finds the columns of groups; what it found out of a component it asks no more, for a plan has a cell for each."""

    loaded: LoadedSpec
    store: Store
    inspect: RememberedFacts
    training: TrainingSplits
    trainings: Trainings
    _needs_by_recipe: dict[str, frozenset[str]] = field(default_factory=dict, repr=False)
    _files_by_recipe: dict[str, str | None] = field(default_factory=dict, repr=False)

    def columns(self, group: GroupPlan) -> Iterator[ExplanationColumn]:
        """The group's rows; of a variant the explainers alone, without nulls, or the oracle."""
        if group.variant.kind == "oracle":
            yield self._oracle(group)
            return
        for recipe, null, variant in self._rows(group.dataset.label, group.model.label, group.variant):
            if not (null and group.variant.altered):
                yield self._explanation(group, recipe, null, variant)

    def blocked_columns(self, dataset: Recipe, model: Recipe) -> list[ExplanationColumn]:
        """The rows and columns of a group that cannot be had, for the leaderboard to show as blocked."""
        scores = [ScoreColumn(metric.label, metric, "") for metric in self.loaded.recipes.metrics]
        rows = self._rows(dataset.label, model.label)
        return [ExplanationColumn(variant.label(recipe.label), recipe, "", scores, null, variant) for recipe, null, variant in rows]

    def _rows(self, dataset: str, model: str, variant: Variant = AS_IS) -> Iterator[tuple[Recipe, bool, Variant]]:
        """Recipe, whether it is a null, and variant of each row: explainers, nulls that are not among them, the same on a random model."""
        recipes = self.loaded.recipes
        named = {recipe.label for recipe in recipes.nulls}
        chosen = [self.loaded.recipe_for("explainers", recipe, dataset=dataset, model=model) for recipe in recipes.rows]
        for recipe in chosen:
            declared = bool(self.loaded.registry.declaration("explainers", recipe.qualified).get("null"))
            yield recipe, declared or recipe.label in named, variant
        if recipes.random_model:
            random_model = random_model_variant(self.loaded.spec.seed)
            yield from ((recipe, True, random_model) for recipe in chosen if recipe.label not in named)

    def _explanation(self, group: GroupPlan, recipe: Recipe, null: bool, variant: Variant) -> ExplanationColumn:
        assert group.subject is not None
        verdict = self._verdict(group, recipe)
        reason = verdict.reason
        training = self.training.digest(group.subject, recipe) if reason is None else None
        key = self._explanation_key(group, recipe, variant, training, self._files(recipe))
        label = recipe.label if variant == group.variant else variant.label(recipe.label)
        without = () if reason is not None or group.subject.training_recipe is not None else fallback_notes(self.loaded.registry, recipe)
        scores, notes = self._scores(group, key, label, None if variant.altered else recipe), (*verdict.notes, *without)
        return ExplanationColumn(label, recipe, key, scores, null, variant, reason, verdict.passes, notes=notes)

    def _oracle(self, group: GroupPlan) -> ExplanationColumn:
        """The row whose maps no component makes."""
        key = self._explanation_key(group, ORACLE, group.variant, None, None)
        return ExplanationColumn(ORACLE.label, ORACLE, key, self._scores(group, key, ORACLE.label), variant=group.variant, passes=0.0)

    def _explanation_key(self, group: GroupPlan, recipe: Recipe, variant: Variant, training: str | None, files: str | None) -> str:
        assert group.subject is not None
        return keys.explanation_key(
            group.dataset_key,
            group.model_key,
            recipe,
            variant=variant,
            target=group.subject.target,
            seed=group.subject.seed,
            training=training,
            dtype=self.loaded.spec.store.dtype,
            files=files,
        )

    def _scores(self, group: GroupPlan, explanation: str, label: str, explainer: Recipe | None = None) -> list[ScoreColumn]:
        """The metrics on an explanation, by its key and its row's label; ``explainer`` is what made it, if of the model as it is."""
        places = {"dataset": group.dataset.label, "model": group.model.label, "explainer": label}
        metrics = (self.loaded.recipe_for("metrics", metric, **places) for metric in self.loaded.recipes.metrics)
        return [self._score(group, explanation, metric, explainer) for metric in metrics]

    def _score(self, group: GroupPlan, explanation: str, metric: Recipe, explainer: Recipe | None) -> ScoreColumn:
        assert group.subject is not None and group.dataset_facts is not None
        needs = self._needs(metric)
        facts = self._facts(metric)
        reason = lacking_evidence(needs, group.dataset_facts.evidence)
        if reason is None and facts.selective:
            reason = self._answer(group, metric).reason
        if reason is None and needs & TRAINING_NEEDS:
            reason = self.training.lacking(group.subject, metric)
        computed, networks = metric, None
        if reason is None and (any(trained_parts(self.loaded.registry, metric)) or retrains(self.loaded.registry, metric)):
            try:
                computed, networks = with_networks(self.trainings, metric, explainer, group.model)
            except Unavailable as error:
                reason = str(error)
        training = self.training.digest(group.subject, metric) if reason is None else None
        key = keys.score_key(explanation, computed, training, self._files(computed), networks)
        return ScoreColumn(metric.label, metric, key, reason, facts.passes, needed_evidence(needs), computed)

    def _verdict(self, group: GroupPlan, explainer: Recipe) -> Verdict:
        """Whether an explainer is applicable to the group's model and data."""
        assert group.subject is not None and group.model_facts is not None
        needs = self._needs(explainer)
        lacking = lacking_features(needs, group.model_facts.features)
        if lacking is not None:
            return Verdict(lacking, None)
        verdict = self._answer(group, explainer)
        if verdict.reason is None and needs & TRAINING_NEEDS:  # last: nobody is told to find training images that would not help
            lacking = self.training.lacking(group.subject, explainer)
        return verdict if lacking is None else Verdict(lacking, None)

    def _answer(self, group: GroupPlan, recipe: Recipe) -> Verdict:
        """Whatever an explainer or a metric says itself of the group's model."""
        assert group.model_facts is not None
        try:
            return self.inspect.verdict(group.model, group.model_facts.digest, recipe)
        except Unavailable:  # asking failed; running it will fail too, with a state and a reason of its own
            return Verdict(None, None)

    def _facts(self, recipe: Recipe) -> ComponentFacts:
        """Facts of an explainer or a metric; none if it cannot be made: running it will fail, with a state and a reason of its own.

        None either of what has networks trained, which would have to be loaded to make it.
        """
        if any(trained_parts(self.loaded.registry, recipe)):
            return ComponentFacts()
        try:
            return self.inspect.component(recipe)
        except Unavailable:
            return ComponentFacts()

    def _needs(self, recipe: Recipe) -> frozenset[str]:
        if recipe.digest not in self._needs_by_recipe:
            self._needs_by_recipe[recipe.digest] = declared_needs(self.loaded.registry, recipe)
        return self._needs_by_recipe[recipe.digest]

    def _files(self, recipe: Recipe) -> str | None:
        """Digest of what the files hold that a component reads; None if there is none."""
        if recipe.digest not in self._files_by_recipe:
            named = digest_named_files(self.loaded.registry, self.store, recipe)
            parts = [self._facts(recipe).files, digest_changed_files(self._called, recipe)]
            self._files_by_recipe[recipe.digest] = json_digest([named, *filter(None, parts)]) if any(parts) else named
        return self._files_by_recipe[recipe.digest]

    @cached_property
    def _called(self) -> CallTimeFiles:
        return load_call_time_files(self.store)
