"""A job: the rows of one explanation that something is missing of, as plain JSON that a worker is sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from harness.api.evidence import evidence_kind
from harness.planning.facts import TrainingFacts
from harness.planning.json_dataclass import JsonDataclass, JsonRecipe
from harness.planning.variants import AS_IS, Variant
from harness.registry.canonical_json import json_digest
from harness.registry.recipe import Recipe

if TYPE_CHECKING:
    from harness.store.sample_alignment import SamplePositions

PREDICTION = Recipe("explainers", "(predictions)", "xai-harness", "1", label="(predictions)")
"""Stands for the explainer in jobs that explain nothing, whose column is that of the subject's predictions."""
TargetRule = Literal["predicted", "label"] | int
Precision = Literal["fp32", "tf32", "bf16"]


class SampleRef(NamedTuple):
    """One sample of a dataset: where it is, what it is called, the digest of its image and label, and those of its evidence by kind."""

    position: int
    sample: str
    digest: str
    evidence: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, position: int, sample: str, digest: str, evidence: Mapping[str, str]) -> SampleRef:
        """Reference with the digests of evidence in the order of their kinds."""
        return cls(position, sample, digest, tuple(sorted(evidence.items())))

    @property
    def key(self) -> tuple[str, str]:
        """The sample, as the store knows it where nothing depends on its evidence: in predictions and explanations."""
        return self.sample, self.digest

    def key_with(self, kinds: Collection[str]) -> tuple[str, str]:
        """The sample, as the store knows it in columns that depend on its evidence of these kinds, or on what these are made of."""
        there = dict(self.evidence)
        meant = {kind if kind in there else evidence_kind(kind).implied_by for kind in kinds}
        found = [[kind, digest] for kind, digest in self.evidence if kind in meant]
        return self.sample, f"{self.digest}+{json_digest(found)}" if found else self.digest

    @property
    def whole_key(self) -> tuple[str, str]:
        """The sample by everything that is known of it."""
        return self.key_with(dict(self.evidence))


def positions_of(rows: Sequence[SampleRef], kinds_by_column: Mapping[str, Collection[str]]) -> SamplePositions:
    """Positions of samples by which columns are read, of which some depend on evidence of these kinds."""
    from harness.store.sample_alignment import SamplePositions  # imports pyarrow, with whose thread no fork server serves

    by_kinds = {
        kinds: SamplePositions([row.key_with(kinds) for row in rows]) for kinds in map(frozenset, kinds_by_column.values()) if kinds
    }
    of_column = {column: by_kinds[frozenset(kinds)] for column, kinds in kinds_by_column.items() if kinds}
    return SamplePositions([row.key for row in rows], of_column)


@dataclass(frozen=True)
class MetricTask:
    """A metric that a job scores: its label in the run, its recipe, the key of its column, and the kinds of evidence that it needs."""

    label: str
    recipe: JsonRecipe
    key: str
    evidence: Sequence[str] = ()


@dataclass(frozen=True)
class Subject(JsonDataclass):
    """The subject of explanations, shared by all jobs of one (dataset, model).

    Attributes:
        dataset, model: labels in the run.
        dataset_recipe, training_recipe, model_recipe: how to make them; no training recipe if there is no training split.
        classes: the model's class of each dataset label; None if they are the same.
        prediction_key: the column of the model's predictions.
        target: what is explained.
        seed: the spec's.
        stored: digests of the explainers that are rows of the run → the key of their maps, for composition.
        variant: how it is altered for all its jobs. Targets are predicted on what is not.
        variant_prediction_key: the column of what is predicted under the variant; None if it alters no prediction.
        precision, compiled: what the model computes in (see `harness.worker.arithmetic`).
        content: digest of the model that was planned with, if it comes from files that may change meanwhile.
        answers: what that model answers to fixed inputs, or None.
        evidence: the layouts of the kinds of evidence that the dataset has.
        facts: under what is remembered what the run knows of the ``"model"`` and the ``"dataset"``.
        learned: what was known of the training split that was planned with: by how many samples with labels it is of, as text, and
            under ``"0"`` of the images without them.
    """

    dataset: str
    model: str
    dataset_recipe: JsonRecipe
    training_recipe: JsonRecipe | None
    model_recipe: JsonRecipe
    classes: Sequence[int] | None
    prediction_key: str
    target: TargetRule
    seed: int
    stored: Mapping[str, str]
    variant: Variant = AS_IS
    variant_prediction_key: str | None = None
    precision: Precision = "fp32"
    compiled: bool = False
    content: str | None = None
    answers: Sequence[Sequence[float]] | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    learned: Mapping[str, TrainingFacts] = field(default_factory=dict)

    @property
    def prediction_keys(self) -> list[str]:
        """The columns of what is predicted on it."""
        return [key for key in (self.prediction_key, self.variant_prediction_key) if key is not None]


@dataclass(frozen=True)
class SubjectRows(JsonDataclass):
    """Rows of a subject: what a worker reads for a job."""

    subject: Subject
    rows: Sequence[SampleRef]


@dataclass(frozen=True)
class Job(JsonDataclass):
    """Explain some rows once, and score the explanations with the metrics that are missing.

    Attributes:
        id: unique in a run; a dot and a number or a metric's label follow if it is a piece of the job that was planned.
        subject: what is explained.
        explainer: label of the row in the run.
        recipe: the explainer's.
        key: the explanation's column.
        rows: the samples.
        metrics: what to score.
        keep: how many of the dataset's first samples have their maps stored; None for all.
        dtype: of stored maps.
        variant: how what it explains is altered: as its subject, or for its explainer alone.
        traced: whether every span of its time is wanted, for a trace.
        explained: whether its explanation was told of already, so that only its metrics are.
    """

    id: str
    subject: Subject
    explainer: str
    recipe: JsonRecipe
    key: str
    rows: Sequence[SampleRef]
    metrics: Sequence[MetricTask]
    keep: int | None = None
    dtype: Literal["float32", "float16"] = "float32"
    variant: Variant = AS_IS
    traced: bool = False
    explained: bool = False

    @property
    def predicts_only(self) -> bool:
        """Whether nothing is explained."""
        return self.recipe == PREDICTION

    @property
    def keys(self) -> list[tuple[str, str]]:
        """The rows, as the store knows them in the explanation's column."""
        return [row.key_with(self.variant.evidence) for row in self.rows]

    @property
    def kinds_by_column(self) -> dict[str, Collection[str]]:
        """The kinds of evidence that each of its columns depends on."""
        own = self.variant.evidence
        return {self.key: own} | {task.key: {*own, *task.evidence} for task in self.metrics}

    def keeps(self, row: SampleRef) -> bool:
        """Whether the map of a row will be stored."""
        return self.keep is None or row.position < self.keep

    @property
    def origin(self) -> str:
        """The id of the job that this is a piece of, or its own: what is counted against a job is counted against all its pieces."""
        return self.id.partition(".")[0]

    def split(self, count: int, number: int) -> tuple[Job, Job]:
        """The first ``count`` rows as a piece of this ``number``, and the others under the id as it is."""
        return replace(self, id=f"{self.origin}.{number}", rows=self.rows[:count]), replace(self, rows=self.rows[count:])

    def without(self, keys: set[str]) -> Job:
        """The same job without the columns of these keys; its explanation, which metrics are of, stays, and is not told of again."""
        kept = [task for task in self.metrics if task.key not in keys]
        return replace(self, metrics=kept, explained=self.explained or self.key in keys)

    def only(self, task: MetricTask) -> Job:
        """One of its metrics as a piece."""
        return replace(self, id=f"{self.id}.of {task.label}", metrics=[task])
