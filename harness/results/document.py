"""The leaderboard as an object: what ``leaderboard.json`` holds, the analysis fills, and every other format is rendered from.

Numbers that are undefined are null (`Number`). Ranks count from 1, the best. Costs take no part in ranks.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.results.components import Direction
from harness.results.data_model import Correction, CostsEntry, IntervalKind, SamplesRule, Status, Weighting
from harness.results.field_types import Number
from harness.results.schema_version import SchemaError, SchemaVersion, check_schema_version, first_validation_error

SCHEMA_VERSION = "2.0"


REMEDY_OF_OLD = "`harness leaderboard RUN_FOLDER --format json` makes it anew of the run's scores"


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Rank(_Part):
    """A mean rank with its bootstrap interval; null where nothing is ranked. With fewer than 10 samples a rank has no interval."""

    mean: Number
    low: Number
    high: Number


ComparisonVerdict = Literal["better", "worse", "mixed"]


class Versus(_Part):
    """An explainer minus the reference (or on one model minus on another), over the samples where both have a score.

    ``difference`` (with ``low`` and ``high``) is in the metric's unit; ``effect`` is the matched-pairs rank-biserial correlation in
    [-1, 1] and ``d_z`` the paired Cohen's d. p-values are two-sided, of the paired t-test and of the Wilcoxon signed-rank test; how they
    are adjusted says ``correction`` of the settings. ``verdict`` respects the metric's direction. It is that of the adjusted Wilcoxon test
    where ``difference`` and ``effect`` have the same sign; ``mixed`` if the test rejects and they have not.
    """

    difference: Number
    low: Number = None
    high: Number = None
    effect: Number
    d_z: Number = None
    p_ttest: Number
    p_ttest_adjusted: Number = None
    p_wilcoxon: Number
    p_wilcoxon_adjusted: Number = None
    pairs: int = 0
    verdict: ComparisonVerdict | None = None


class CellEntry(_Part):
    """One explainer under one metric.

    ``n`` samples have a score, for ``undefined`` more it has no value, and ``missing`` were not computed. A cell that is not ok or has
    missing samples has no rank. ``beats_null``: it is better than every null, by the test and by the mean; null where there is none to
    beat. ``null`` names the one that it is better than on fewest samples, and ``p_null`` is the largest of the one-sided p-values of the
    Wilcoxon signed-rank tests against each (an intersection-union test). ``interval`` says how ``low`` and ``high`` were made: Wilson's
    for scores of 0 or 1, else Student's t, widened where scores are skewed; all three are
    null for one sample, and where all scores are equal (and not 0 or 1).
    """

    status: Status
    mean: Number = None
    low: Number = None
    high: Number = None
    interval: IntervalKind | None = None
    n: int = 0
    undefined: int = 0
    missing: int = 0
    rank: Number = None
    beats_null: bool | None = None
    null: str | None = None
    p_null: Number = None
    p_null_adjusted: Number = None
    versus_reference: Versus | None = None
    reason: str | None = None


class NotesEntry(_Part):
    """Notes that a reader of one row must know; ``completeness_error`` is the median over samples of the relative error."""

    zero_maps: int = 0
    completeness_error: Number = None
    broken: bool = False
    warnings: list[str] = Field(default_factory=list)


class Row(_Part):
    """One explainer. ``explainer`` is the component's name, ``label`` the row's; ``cells`` are by metric label.

    ``rank`` is ``ranks["category"]``; ``categories`` holds the mean rank within each. ``complete``: it is ranked under every metric that
    ranks anybody (``metrics_ranked`` of ``metrics_of``).
    """

    explainer: str
    label: str
    plugin: str
    version: str = ""
    null: bool
    twin_of: str | None = None
    rank: Rank
    ranks: dict[Weighting, Rank]
    categories: dict[str, Rank] = Field(default_factory=dict)
    complete: bool = True
    metrics_ranked: int = 0
    metrics_of: int = 0
    beats_null: int = 0
    against_null: int = 0
    costs: CostsEntry = CostsEntry()
    notes: NotesEntry = NotesEntry()
    cells: dict[str, CellEntry]


class MetricEntry(_Part):
    """One column: ``name`` is the component's, ``label`` the column's."""

    name: str
    label: str
    category: str
    direction: Direction
    bounds: tuple[float | None, float | None] = (None, None)
    plugin: str = ""
    version: str = ""


class Critical(_Part):
    """Friedman and Nemenyi over samples: explainers that share a clique cannot be told apart."""

    samples: int
    p_friedman: Number
    difference: Number
    mean_ranks: dict[str, float]
    cliques: list[list[str]]


class GroupEntry(_Part):
    """One dataset with one model; rows from best to worst. ``samples`` count, of ``samples_total``.

    ``notes`` are what the dataset and the model want a reader to know.
    """

    dataset: str
    model: str
    samples: int
    samples_total: int = 0
    accuracy: Number
    metrics: list[MetricEntry]
    rows: list[Row]
    critical_difference: dict[Weighting, Critical | None] = Field(default_factory=dict)
    critical_difference_by_metric: dict[str, Critical | None] = Field(default_factory=dict)
    notes: list[str] = Field(default_factory=list)


class OverallEntry(_Part):
    """One explainer across groups; ``spread`` is the standard deviation of its groups' ranks."""

    explainer: str
    label: str
    plugin: str
    null: bool
    rank: Rank
    ranks: dict[Weighting, Rank]
    spread: dict[Weighting, Number] = Field(default_factory=dict)
    groups: int
    groups_of: int
    complete: bool
    beats_null: int = 0
    against_null: int = 0


class ModelsEntry(_Part):
    """The same explainers on two models of a dataset, over the ``samples`` that count for both: the second minus the first.

    ``first`` and ``second`` are labels of models; several are replicates, whose scores are averaged sample by sample. ``cells`` are by
    explainer and metric label. The verdict says whether the explanation is better on the second model.
    """

    dataset: str
    first: list[str]
    second: list[str]
    samples: int
    cells: dict[str, dict[str, Versus]]


class PairEntry(_Part):
    """Two explainers that a reader chose: the first minus the second, over the ``samples`` that count; ``cells`` are by metric label.

    p-values are adjusted over these metrics, by the ``correction`` of the settings. The verdict says whether the first is better.
    """

    dataset: str
    model: str
    first: str
    second: str
    samples: int
    cells: dict[str, Versus]


class ConsistencyEntry(_Part):
    """A metric under disturbances of one kind (Hedström et al. 2023), each number in [0, 1] and 1 the best, a mean over repeats.

    Under a minor disturbance scores should stay (``iac_nr``) and so should ranks (``iec_nr``): noise resilience ``nr`` is their mean.
    Under a disruptive one scores should change (``iac_ar``), to worse ones (``iec_ar``): reactivity to adversity ``ar``. ``mc`` is the mean
    of all four, ``mc_std`` its standard deviation over repeats. ``minor_samples`` and ``disruptive_samples`` were used per repeat.
    """

    iac_nr: Number
    iec_nr: Number
    iac_ar: Number
    iec_ar: Number
    nr: Number
    ar: Number
    mc: Number
    mc_std: Number = None
    minor_samples: Number = None
    disruptive_samples: Number = None


class SeparationEntry(_Part):
    """An oracle's maps, made of the masks, against the null with the best mean.

    ``wins``: share of samples that score the oracle better, ties half. ``p_holm``: one-sided paired Wilcoxon, Holm over metrics.
    """

    null: str
    oracle: Number
    best: Number
    wins: Number
    p_holm: Number
    separates: bool


class MetaMetric(_Part):
    """Findings about one metric; ``label`` is the column's.

    ``mc`` is the mean over kinds of disturbance. ``over_explainers`` and ``over_samples`` are its rank correlations (Spearman) with every
    metric, better scores counting as higher: of the explainers' mean scores, and of the samples' scores, averaged over explainers.
    """

    label: str
    mc: Number = None
    inputs: ConsistencyEntry | None = None
    weights: ConsistencyEntry | None = None
    separation: SeparationEntry | None = None
    over_explainers: dict[str, Number] = Field(default_factory=dict)
    over_samples: dict[str, Number] = Field(default_factory=dict)


class Scales(_Part):
    """Scales of a disturbance."""

    minor: Number = None
    disruptive: Number = None


class MetaEntry(_Part):
    """The metrics of one group, in the order of its columns. ``explainers`` were explained again; nulls are not among them."""

    dataset: str
    model: str
    samples: int
    repeats: int
    inputs: Scales = Scales()
    weights: Scales = Scales()
    explainers: list[str]
    metrics: list[MetaMetric]


class Settings(_Part):
    """Settings that the numbers were made with.

    ``correction`` of p-values: ``fdr``, one false discovery rate (Benjamini and Hochberg 1995) over all comparisons with the reference and
    with nulls of a group, or over all of a pair of models; ``holm``, Holm's over the explainers of each metric, for the reference, for
    nulls and for each pair of models apart.
    """

    confidence: float = 0.95
    bootstrap: int = 0
    correction: Correction = "fdr"
    seed: int = 0
    samples: SamplesRule = "all"
    reference: str | None = None
    nulls: list[str] = Field(default_factory=list)


class Leaderboard(_Part):
    """The whole of ``leaderboard.json``; ``run`` is the run's provenance, ``meta`` of groups whose metrics were evaluated.

    ``models``: each further model of a dataset against the first. ``pairs``: what a reader asked for; no run writes any.
    """

    schema_version: str = SCHEMA_VERSION
    run: dict[str, Any]
    settings: Settings = Settings()
    groups: list[GroupEntry]
    overall: list[OverallEntry]
    models: list[ModelsEntry] = Field(default_factory=list)
    pairs: list[PairEntry] = Field(default_factory=list)
    meta: list[MetaEntry] = Field(default_factory=list)

    def to_json(self) -> str:
        """The text of ``leaderboard.json``: UTF-8, without NaN or infinities."""
        return self.model_dump_json(indent=2) + "\n"

    def __repr__(self) -> str:
        groups = ", ".join(f"{group.dataset} · {group.model}: {len(group.rows)} × {len(group.metrics)}" for group in self.groups)
        return f"<Leaderboard {groups or 'of nothing'}>"


def read_leaderboard(text: str | bytes) -> Leaderboard:
    """The document in the text of a ``leaderboard.json``; raises `SchemaError`."""
    try:
        version = SchemaVersion.model_validate_json(text).schema_version
        check_schema_version(version, SCHEMA_VERSION, "the leaderboard", REMEDY_OF_OLD)
        return Leaderboard.model_validate_json(text)
    except ValidationError as error:
        raise SchemaError(f"not a leaderboard: {first_validation_error(error)}") from None


def json_schema() -> dict[str, Any]:
    """JSON Schema of ``leaderboard.json``."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Leaderboard.model_json_schema(mode="serialization")}
