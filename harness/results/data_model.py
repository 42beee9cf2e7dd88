"""Results of a run, as the analysis takes them and ``results.json`` holds them: per-sample scores with their labels, recipes and states."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import AliasChoices, BeforeValidator, Field, PlainSerializer, ValidationInfo

from harness.results.components import ComponentInfo, ExplainerInfo, MetricInfo
from harness.results.field_types import BoolArray, FloatArray, Name, Number
from harness.results.predictions import Predictions
from harness.results.published_tables import PublishedTable
from harness.results.variant_info import VariantInfo

Status = Literal["ok", "not-applicable", "failed", "timeout", "out-of-memory", "crashed", "blocked"]
SamplesRule = Literal["all", "correct", "all-correct"]
IntervalKind = Literal["wilson", "student"]
Correction = Literal["fdr", "holm"]
"""How p-values are adjusted: one false discovery rate over all marks of a table, or Holm within each metric."""
Weighting = Literal["category", "metric"]
"""How metrics make one number: the mean over categories of the mean within each, or the mean over all metrics alike."""

STATUSES: tuple[Status, ...] = get_args(Status)
EXPECTED_STATUSES: tuple[Status, ...] = ("ok", "not-applicable")  # of cells that are as they were planned
SAMPLES_RULES: tuple[SamplesRule, ...] = get_args(SamplesRule)
NOT_COMPUTED_PREFIX = "not computed"  # so begins the reason of a blocked cell whose turn never came
COMPLETENESS_TOLERANCE = 0.05  # median relative error of a promised sum, above which the promise counts as broken
MAX_BOOTSTRAP = 100_000  # resamples that a file of somebody else may ask for


@dataclass(frozen=True, kw_only=True)
class Cell:
    """The scores of one explainer under one metric.

    Attributes:
        status: how computing them ended.
        values: ``(N,)`` float64, aligned with the group's samples; NaN if the score is undefined (or was not computed).
        computed: ``(N,)`` bool; false if no score was computed.
        reason: why the status is not ok.
        key: of the column of scores: equal keys mean equal scores. Empty if it is not known.
    """

    status: Status
    values: FloatArray
    computed: BoolArray
    reason: str | None = None
    key: str = ""

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"unknown status {self.status!r}; it is one of {', '.join(STATUSES)}")
        if self.values.ndim != 1 or self.values.shape != self.computed.shape:
            raise ValueError(f"values {self.values.shape} and computed {self.computed.shape} must both be (N,)")

    @classmethod
    def missing(cls, size: int, status: Status, reason: str | None = None, key: str = "") -> Cell:
        """A cell of ``size`` samples without a single score."""
        return cls(status=status, values=np.full(size, np.nan), computed=np.zeros(size, dtype=bool), reason=reason, key=key)


@dataclass(frozen=True, kw_only=True)
class CostsEntry:
    """Costs of explaining: seconds, forward-equivalent passes (both per sample) and bytes, on what hardware."""

    seconds_per_sample: Number = None
    passes_per_sample: Number = None
    peak_memory: Number = None
    hardware: str | None = None


@dataclass(frozen=True, kw_only=True)
class ExplainerNotes:
    """Notes that a reader of one row must know.

    Attributes:
        zero_maps: how many maps are 0 everywhere.
        completeness: ``(N,)`` relative error of the sum that the explainer expects of its maps, or None if it expects none.
        broken: the explainer declares completeness (or conservation), and it does not hold within the harness's tolerance.
        warnings: sentences to be shown under the leaderboard.
    """

    zero_maps: int = 0
    completeness: FloatArray | None = None
    broken: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def median_error(self) -> float | None:
        """The median of the errors of completeness that are known."""
        errors = [] if self.completeness is None else self.completeness[np.isfinite(self.completeness)]
        return float(np.median(errors)) if len(errors) else None


@dataclass(frozen=True, kw_only=True)
class ExplanationSettings:
    """The subject of the explanations, and how they were made; None if it is not known.

    Attributes:
        target: the class: ``"predicted"``, ``"label"`` or a fixed one.
        seed: of the random streams of explainers and metrics.
        precision: of the model's arithmetic.
        dtype: in which maps are kept, and scored.
    """

    target: Name | int | None = None
    seed: int | None = None
    precision: Name | None = None
    dtype: Name | None = None


def _cells_without_scores(cells: Any, info: ValidationInfo) -> Any:
    """The cells of a file, which holds their states: by labels, without a single score."""
    if not isinstance(cells, list):
        return cells
    size = len(info.data.get("samples", ()))
    try:
        found = {
            (cell["explainer"], cell["metric"]): {**cell, "values": np.full(size, np.nan), "computed": np.zeros(size, dtype=bool)}
            for cell in cells
        }
    except (KeyError, TypeError):
        raise ValueError("a cell says no explainer and metric") from None
    if len(found) != len(cells):
        raise ValueError("a cell occurs twice")
    return found


def _cell_states(cells: dict[tuple[str, str], Cell]) -> list[dict[str, Any]]:
    """The cells as a file holds them: their scores are in the table."""
    return [
        {"explainer": row, "metric": column, "status": cell.status, "reason": cell.reason, "key": cell.key}
        for (row, column), cell in cells.items()
    ]


@dataclass(frozen=True, kw_only=True)
class Group:
    """All that was found on one dataset with one model.

    Attributes:
        dataset, model: labels.
        recipes: of ``"dataset"`` and ``"model"``; runs are merged only if their digests are equal.
        samples: N ids, unique.
        digests: N content digests of the samples.
        correct: ``(N,)`` bool, whether the model classifies the sample correctly.
        accuracy: of the model over all N samples; None if it is not known.
        predictions: of the model for all N samples; None in folders of older runs.
        explainers, metrics: rows and columns in the spec's order, labels unique.
        cells: by (explainer label, metric label); a pair that was never asked for is absent.
        costs, notes: by explainer label.
        group_notes: what the dataset and the model want a reader to know, a sentence each.
        replicate_of: a name shared by groups whose models differ in nothing but a training seed; None if there is one model.
        explained: what was explained; runs are merged only if it is equal, as far as it is known.
        variant: of which group it is a variant, and which; None if it is none.
    """

    dataset: Name
    model: Name
    samples: list[Name]
    digests: list[str]
    correct: BoolArray
    accuracy: Number
    explainers: list[ExplainerInfo]
    metrics: list[MetricInfo]
    cells: Annotated[dict[tuple[Name, Name], Cell], BeforeValidator(_cells_without_scores), PlainSerializer(_cell_states)]
    recipes: dict[str, ComponentInfo] = field(default_factory=dict)
    costs: dict[str, CostsEntry] = field(default_factory=dict)
    notes: dict[str, ExplainerNotes] = field(default_factory=dict)
    group_notes: list[str] = field(default_factory=list)
    replicate_of: Name | None = None
    explained: ExplanationSettings = field(default_factory=ExplanationSettings)
    predictions: Predictions | None = None
    variant: Annotated[VariantInfo | None, Field(validation_alias=AliasChoices("variant", "shadow"))] = None

    def __post_init__(self) -> None:
        where = f"group {self.dataset} / {self.model}"
        size = len(self.samples)
        if len(self.digests) != size or self.correct.shape != (size,):
            raise ValueError(f"{where}: {size} samples, {len(self.digests)} digests, correct {self.correct.shape}")
        for what, names in (("sample", self.samples), ("explainer", self.explainer_labels), ("metric", self.metric_labels)):
            if len(set(names)) != len(names):
                twice = sorted({name for name in names if names.count(name) > 1})
                raise ValueError(f"{where}: {what} {twice[0]!r} occurs twice")
        for (row, column), cell in self.cells.items():
            if row not in self.explainer_labels or column not in self.metric_labels:
                raise ValueError(f"{where}: cell ({row!r}, {column!r}) has no such explainer or metric")
            if len(cell.values) != size:
                raise ValueError(f"{where}: cell ({row!r}, {column!r}) has {len(cell.values)} values for {size} samples")
        for notes in self.notes.values():
            if notes.completeness is not None and notes.completeness.shape != (size,):
                raise ValueError(f"{where}: {len(notes.completeness)} completeness errors for {size} samples")
        if self.predictions is not None and self.predictions.labels.shape != (size,):
            raise ValueError(f"{where}: {len(self.predictions.labels)} predictions for {size} samples")
        if self.variant is not None and not self.variant.kept.shape == self.variant.known.shape == (size,):
            raise ValueError(f"{where}: {len(self.variant.kept)} and {len(self.variant.known)} predictions of a variant for {size} samples")

    def take(self, places: NDArray[np.intp]) -> Group:
        """The group of the samples at these places, in their order; accuracy, costs and counts stay those of all."""
        cells = {pair: replace(cell, values=cell.values[places], computed=cell.computed[places]) for pair, cell in self.cells.items()}
        notes = {
            label: note if note.completeness is None else replace(note, completeness=note.completeness[places])
            for label, note in self.notes.items()
        }
        variant = self.variant
        return replace(
            self,
            samples=[self.samples[k] for k in places],
            digests=[self.digests[k] for k in places],
            correct=self.correct[places],
            cells=cells,
            notes=notes,
            predictions=self.predictions and self.predictions.take(places),
            variant=None if variant is None else replace(variant, kept=variant.kept[places], known=variant.known[places]),
        )

    @property
    def twins(self) -> dict[str, str]:
        """Labels of twins on a randomised model, and of the rows whose twins they are."""
        return {info.label: info.twin_of for info in self.explainers if info.twin_of is not None}

    @property
    def explainer_labels(self) -> list[str]:
        """Row labels in the spec's order."""
        return [info.label for info in self.explainers]

    @property
    def metric_labels(self) -> list[str]:
        """Column labels in the spec's order."""
        return [info.label for info in self.metrics]


@dataclass(frozen=True, kw_only=True)
class Results:
    """Findings of a run.

    Attributes:
        provenance: JSON: name of the run, package versions, git revision, hardware, seeds, times.
        groups: one per (dataset, model).
        reference: the explainer label that all others are tested against.
        nulls: labels of the null rows.
        samples_rule: which samples count: all, those the group's model classifies correctly, or those that every model of the
            same dataset does.
        confidence: of intervals and tests, in (0, 1).
        bootstrap: number of resamples.
        correction: how p-values are adjusted.
        seed: of the resamples.
        weights: of categories, and of metrics within theirs, by name or label; what is not named has its usual weight.
        variants: the groups explained altered, by which the metrics are evaluated; they take no part in any rank.
        not_kept: groups without rows of models that were not among the best; they take part in nothing but classification.
        published: tables of others, beside which this run's numbers are put.
    """

    provenance: dict[str, Any]
    groups: list[Group]
    reference: Name | None = None
    nulls: list[Name] = field(default_factory=list)
    samples_rule: SamplesRule = "all"
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    bootstrap: Annotated[int, Field(ge=1, le=MAX_BOOTSTRAP)] = 2000
    correction: Correction = "fdr"
    seed: int = 0
    weights: dict[Name, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = field(default_factory=dict)
    variants: Annotated[list[Group], Field(validation_alias=AliasChoices("variants", "shadows"))] = field(default_factory=list)
    published: list[PublishedTable] = field(default_factory=list)

    not_kept: list[Group] = field(default_factory=list)

    def is_null(self, info: ExplainerInfo) -> bool:
        """Whether a row is a null explainer, by itself or by name."""
        return info.null or info.label in self.nulls

    @property
    def everything(self) -> list[Group]:
        """The groups, then their variants."""
        return [*self.groups, *self.variants]

    def __post_init__(self) -> None:
        if not 0 < self.confidence < 1:
            raise ValueError(f"confidence must be inside (0, 1), not {self.confidence}")
        if self.bootstrap < 1:
            raise ValueError(f"bootstrap must be at least 1 resample, not {self.bootstrap}")
        if self.samples_rule not in SAMPLES_RULES:
            raise ValueError(f"unknown samples rule {self.samples_rule!r}; it is one of {', '.join(SAMPLES_RULES)}")
        seen = [(group.dataset, group.model) for group in [*self.everything, *self.not_kept]]
        if len(set(seen)) != len(seen):
            raise ValueError(f"two groups of the same dataset and model: {seen}")
        if any(group.variant is not None for group in self.groups) or any(group.variant is None for group in self.variants):
            raise ValueError("variants are told apart from groups")
