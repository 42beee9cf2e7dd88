"""The schema of ``results.json``: everything of `Results` but the scores. It is read from other people's folders, and trusts nothing."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from harness.results.data_model import (
    Cell,
    ComponentInfo,
    Direction,
    DisturbanceStrength,
    ExplainerCosts,
    ExplainerInfo,
    ExplainerNotes,
    ExplanationSettings,
    Group,
    MetaConditionInfo,
    MetaConditionKind,
    MetricInfo,
    Results,
    SamplesRule,
    Status,
)

RESULTS_SCHEMA_VERSION = "1.0"


def _visible(text: str) -> str:
    if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in text):
        raise ValueError("names must not contain control characters")
    return text


Name = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_visible)]


class _Stored(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class StoredComponent(_Stored):
    """A `ComponentInfo`."""

    component: Name
    plugin: str = ""
    version: str = ""
    digest: str = ""
    params: dict[str, Any] = Field(default_factory=dict)
    cite: str | None = None


class StoredExplainer(StoredComponent):
    """An `ExplainerInfo`."""

    label: Name
    null: bool = False
    twin_of: Name | None = None


class StoredMetric(StoredComponent):
    """A `MetricInfo`."""

    label: Name
    category: Name
    direction: Direction
    bounds: tuple[float | None, float | None] = (None, None)


class StoredCell(_Stored):
    """The state of a cell; its scores are in ``scores.parquet``."""

    explainer: Name
    metric: Name
    status: Status
    reason: str | None = None
    key: str = ""


class StoredCosts(_Stored):
    """`ExplainerCosts`."""

    seconds_per_sample: float | None = None
    passes_per_sample: float | None = None
    peak_memory: float | None = None
    hardware: str | None = None


class StoredNotes(_Stored):
    """`ExplainerNotes`."""

    zero_maps: int = 0
    completeness: list[float | None] | None = None
    broken: bool = False
    warnings: list[str] = Field(default_factory=list)


class StoredExplanationSettings(_Stored):
    """`ExplanationSettings`."""

    target: Name | int | None = None
    seed: int | None = None
    precision: Name | None = None
    dtype: Name | None = None


class StoredMetaCondition(_Stored):
    """A `MetaConditionInfo`."""

    model: Name
    kind: MetaConditionKind
    strength: DisturbanceStrength | None = None
    repeat: int = 0
    scale: float = 0.0
    kept: list[bool]
    known: list[bool]


class StoredGroup(_Stored):
    """A `Group`."""

    dataset: Name
    model: Name
    samples: list[Name]
    digests: list[str]
    correct: list[bool]
    accuracy: float | None
    explainers: list[StoredExplainer]
    metrics: list[StoredMetric]
    cells: list[StoredCell]
    recipes: dict[str, StoredComponent] = Field(default_factory=dict)
    costs: dict[str, StoredCosts] = Field(default_factory=dict)
    notes: dict[str, StoredNotes] = Field(default_factory=dict)
    group_notes: list[str] = Field(default_factory=list)
    replicate_of: Name | None = None
    explained: StoredExplanationSettings = Field(default_factory=StoredExplanationSettings)
    shadow: StoredMetaCondition | None = None


class StoredResults(_Stored):
    """``results.json``; ``scores_sha256`` is the checksum of the ``scores.parquet`` that belongs to it."""

    schema_version: str = RESULTS_SCHEMA_VERSION
    scores_sha256: str
    provenance: dict[str, Any]
    groups: list[StoredGroup]
    reference: Name | None = None
    nulls: list[Name] = Field(default_factory=list)
    samples_rule: SamplesRule = "all"
    confidence: float = Field(0.95, gt=0, lt=1)
    bootstrap: int = Field(2000, ge=1, le=100_000)
    seed: int = 0
    shadows: list[StoredGroup] = Field(default_factory=list)


def to_stored(results: Results, scores_sha256: str) -> StoredResults:
    """Results as they are written."""
    return StoredResults(
        scores_sha256=scores_sha256,
        provenance=results.provenance,
        groups=[_stored_group(group) for group in results.groups],
        reference=results.reference,
        nulls=results.nulls,
        samples_rule=results.samples_rule,
        confidence=results.confidence,
        bootstrap=results.bootstrap,
        seed=results.seed,
        shadows=[_stored_group(group) for group in results.shadows],
    )


def from_stored(stored: StoredResults) -> Results:
    """Results as they were read, without a single score (the cells are empty). Raises ``ValueError`` where they contradict themselves."""
    return Results(
        provenance=stored.provenance,
        groups=[_group(group) for group in stored.groups],
        reference=stored.reference,
        nulls=list(stored.nulls),
        samples_rule=stored.samples_rule,
        confidence=stored.confidence,
        bootstrap=stored.bootstrap,
        seed=stored.seed,
        shadows=[_group(group) for group in stored.shadows],
    )


def _stored_group(group: Group) -> StoredGroup:
    return StoredGroup(
        dataset=group.dataset,
        model=group.model,
        samples=group.samples,
        digests=group.digests,
        correct=[bool(value) for value in group.correct],
        accuracy=float(group.accuracy) if np.isfinite(group.accuracy) else None,
        explainers=[StoredExplainer(**_fields(info)) for info in group.explainers],
        metrics=[StoredMetric(**_fields(info)) for info in group.metrics],
        cells=[
            StoredCell(explainer=row, metric=column, status=cell.status, reason=cell.reason, key=cell.key)
            for (row, column), cell in group.cells.items()
        ],
        recipes={name: StoredComponent(**_fields(recipe)) for name, recipe in group.recipes.items()},
        costs={label: _stored_costs(costs) for label, costs in group.costs.items()},
        notes={label: _stored_notes(notes) for label, notes in group.notes.items()},
        group_notes=group.group_notes,
        replicate_of=group.replicate_of,
        explained=StoredExplanationSettings(**vars(group.explained)),
        shadow=None if group.shadow is None else _stored_meta_condition(group.shadow),
    )


def _stored_meta_condition(shadow: MetaConditionInfo) -> StoredMetaCondition:
    lists = {name: [bool(value) for value in getattr(shadow, name)] for name in ("kept", "known")}
    return StoredMetaCondition(**{**vars(shadow), **lists})


def _meta_condition(stored: StoredMetaCondition, size: int) -> MetaConditionInfo:
    kept, known = (np.asarray(values, dtype=bool) for values in (stored.kept, stored.known))
    if kept.shape != (size,) or known.shape != (size,):
        raise ValueError(f"{len(kept)} and {len(known)} predictions of a shadow for {size} samples")
    return MetaConditionInfo(**{**dict(stored), "kept": kept, "known": known})


def _fields(part: ComponentInfo | ExplainerCosts) -> dict[str, Any]:
    return dict(vars(part))


def _finite_or_none(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


def _stored_costs(costs: ExplainerCosts) -> StoredCosts:
    return StoredCosts(**{name: value if isinstance(value, str) else _finite_or_none(value) for name, value in _fields(costs).items()})


def _stored_notes(notes: ExplainerNotes) -> StoredNotes:
    return StoredNotes(
        zero_maps=notes.zero_maps,
        completeness=None if notes.completeness is None else [_finite_or_none(value) for value in notes.completeness],
        broken=notes.broken,
        warnings=list(notes.warnings),
    )


def _group(stored: StoredGroup) -> Group:
    size = len(stored.samples)
    cells = {(cell.explainer, cell.metric): Cell.missing(size, cell.status, cell.reason, cell.key) for cell in stored.cells}
    if len(cells) != len(stored.cells):
        raise ValueError(f"group {stored.dataset} / {stored.model}: a cell occurs twice")
    return Group(
        dataset=stored.dataset,
        model=stored.model,
        samples=stored.samples,
        digests=stored.digests,
        correct=np.asarray(stored.correct, dtype=bool),
        accuracy=np.nan if stored.accuracy is None else stored.accuracy,
        explainers=[ExplainerInfo(**dict(info)) for info in stored.explainers],
        metrics=[MetricInfo(**dict(info)) for info in stored.metrics],
        cells=cells,
        recipes={name: ComponentInfo(**dict(recipe)) for name, recipe in stored.recipes.items()},
        costs={label: ExplainerCosts(**dict(costs)) for label, costs in stored.costs.items()},
        notes={label: _notes(notes, size) for label, notes in stored.notes.items()},
        group_notes=stored.group_notes,
        replicate_of=stored.replicate_of,
        explained=ExplanationSettings(**dict(stored.explained)),
        shadow=None if stored.shadow is None else _meta_condition(stored.shadow, size),
    )


def _notes(stored: StoredNotes, size: int) -> ExplainerNotes:
    errors = (
        None
        if stored.completeness is None
        else np.asarray([np.nan if value is None else value for value in stored.completeness], dtype=np.float64)
    )
    if errors is not None and errors.shape != (size,):
        raise ValueError(f"{len(errors)} completeness errors for {size} samples")
    return ExplainerNotes(zero_maps=stored.zero_maps, completeness=errors, broken=stored.broken, warnings=tuple(stored.warnings))
