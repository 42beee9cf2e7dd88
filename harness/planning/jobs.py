"""A job: the rows of one explanation that something is missing of, as plain JSON that a worker is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from harness.planning.facts import TrainingFacts
from harness.planning.json_dataclass import JsonDataclass, JsonRecipe
from harness.planning.variants import AS_IS, Variant

TargetRule = Literal["predicted", "label"] | int
Precision = Literal["fp32", "tf32", "bf16"]


class SampleRef(NamedTuple):
    """One sample of a dataset: where it is, what it is called, and the digest of its content."""

    position: int
    sample: str
    digest: str

    @property
    def key(self) -> tuple[str, str]:
        """The sample, as the store knows it."""
        return self.sample, self.digest


@dataclass(frozen=True)
class MetricTask:
    """A metric that a job scores: its label in the run, its recipe and the key of its column."""

    label: str
    recipe: JsonRecipe
    key: str


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
        learned: what was known of the training split that was planned with, if it comes from such files: by how many samples with
            labels it is of, as text, and under ``"0"`` of the images without them.
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
