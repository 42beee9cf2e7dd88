"""Columns: recipes whose rows are samples; the explanations of a run and the scores that hang on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from harness.planning.facts import DatasetFacts, ModelFacts
from harness.planning.jobs import SampleRef, Subject, positions_of
from harness.planning.variants import AS_IS, Variant
from harness.registry.recipe import Recipe
from harness.store.sample_alignment import Bools, SamplePositions


@dataclass(frozen=True)
class ScoreColumn:
    """One metric on one explanation; ``reason`` says why it is not applicable, ``passes`` what it declares per sample.

    ``evidence`` are the kinds that it needs; ``computed`` is what is computed, where networks are trained for this explanation.
    """

    label: str
    recipe: Recipe
    key: str
    reason: str | None = None
    passes: float | None = None
    evidence: Sequence[str] = ()
    computed: Recipe | None = None


@dataclass(frozen=True)
class ExplanationColumn:
    """One explainer on one (dataset, model).

    Attributes:
        label: the row's label in the leaderboard.
        recipe: the explainer's.
        key: of the column; the store's rows and maps are grouped by it.
        scores: the metrics on it.
        null: whether it is a null: an explainer that is declared or named as one, or any on a random model.
        variant: how what it explains is altered: as all of its group, or for itself alone.
        reason: why it is not applicable.
        passes: declared forward-equivalents per sample.
        seconds, made: what explaining a sample took, in time and in passes, of those that are in the store.
        notes: what a reader of its numbers must know.
    """

    label: str
    recipe: Recipe
    key: str
    scores: Sequence[ScoreColumn]
    null: bool = False
    variant: Variant = AS_IS
    reason: str | None = None
    passes: float | None = None
    seconds: float | None = None
    made: float | None = None
    notes: Sequence[str] = ()

    @property
    def twin_of(self) -> str | None:
        """Label of the row that is the same on the model as it is, if this is one on a random model."""
        return self.recipe.label if self.variant.kind == "random model" else None


@dataclass(frozen=True)
class GroupPlan:
    """All columns of one (dataset, model).

    Attributes:
        subject: what their jobs share; None if the dataset or the model could not be had.
        dataset, model: recipes.
        dataset_facts, model_facts: what was found out about them.
        rows: the samples.
        columns: the explanations.
        blocked: why there is nothing to plan, if the dataset or the model could not be had.
        untrained: whether that is because the model will be trained before the run's jobs.
        finished: ``(N,)`` bool, which of the rows are finished in the store, by column key.
        dataset_key, model_key: what its keys are composed from.
    """

    dataset: Recipe
    model: Recipe
    subject: Subject | None = None
    dataset_facts: DatasetFacts | None = None
    model_facts: ModelFacts | None = None
    rows: Sequence[SampleRef] = ()
    columns: Sequence[ExplanationColumn] = ()
    blocked: str | None = None
    untrained: bool = False
    finished: Mapping[str, Bools] = field(default_factory=dict)
    dataset_key: str = ""
    model_key: str = ""

    @property
    def variant(self) -> Variant:
        """Variant of what it explains and scores."""
        return AS_IS if self.subject is None else self.subject.variant

    @property
    def samples(self) -> SamplePositions:
        """Positions of the rows, by which the store is read."""
        own = self.variant.evidence
        kinds = {column.key: set(own) for column in self.columns}
        return positions_of(self.rows, kinds | {score.key: {*own, *score.evidence} for column in self.columns for score in column.scores})

    def lacking(self, key: str) -> Bools:
        """``(N,)`` which of the rows are not finished in a column."""
        return ~self.finished[key] if key in self.finished else np.ones(len(self.rows), dtype=bool)

    def missing(self, key: str) -> list[SampleRef]:
        """The rows of a column that are not finished."""
        return [self.rows[place] for place in np.flatnonzero(self.lacking(key))]

    def keeps(self, wanted: int | None) -> int | None:
        """Number of the first samples whose maps are kept (None: all) if ``wanted`` are; none of what is altered."""
        return 0 if self.variant.altered else wanted
