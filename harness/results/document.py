"""The leaderboard as an object: what ``leaderboard.json`` holds, the analysis fills, and every other format is rendered from.

Numbers that are undefined are null (`Number`). Places and ranks count from 1, the best. Costs take no part in either.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationError

from harness.results.classification_document import ClassificationEntry
from harness.results.components import Direction, Role
from harness.results.data_model import Correction, CostsEntry, IntervalKind, SamplesRule, Status, Weighting
from harness.results.document_part import DocumentPart
from harness.results.field_types import Number
from harness.results.levels_document import LevelsEntry
from harness.results.meta_document import MetaEntry
from harness.results.published_document import PublishedEntry
from harness.results.schema_version import SchemaError, SchemaVersion, check_schema_version, first_validation_error

SCHEMA_VERSION = "2.0"


REMEDY_OF_OLD = "`harness leaderboard RUN_FOLDER --format json` makes it anew of the run's scores"


class Skill(DocumentPart):
    """A skill with its interval: the share of samples on which something is better than a null, ties half; null where there is none."""

    value: Number = None
    low: Number = None
    high: Number = None


class Standing(DocumentPart):
    """The standing of an explainer among others by one weighting of the metrics.

    ``skill`` is the headline: the weighted mean of its skill under the metrics that count (`MetricEntry.weights`); under a metric that is
    the share of samples on which it is better than the null that is the hardest for it, ties and undefined scores half. ``place`` counts
    explainers that are no nulls (which have none) by skill, of equal skill by that under the metrics of manners; ``places`` are the least
    and the greatest place of its simultaneous confidence set. Explainers that share a letter of ``alike`` cannot be told apart. ``rank`` is
    the mean rank among those that are no nulls, by the same weights.
    """

    skill: Skill = Skill()
    place: int | None = None
    places: tuple[int, int] | None = None
    alike: str = ""
    rank: Number = None


ComparisonVerdict = Literal["better", "worse", "mixed"]


class Versus(DocumentPart):
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


class CellEntry(DocumentPart):
    """One explainer under one metric.

    ``n`` samples have a score, for ``undefined`` more it has no value, and ``missing`` were not computed. A cell that is not ok or has
    missing samples has no rank, nor has a null. ``skill``: the share of samples on which it is better than the null ``null``, which is the
    one against which that is least; ties and undefined scores count half. ``to_oracle``: how far its mean is on the way from the best null
    (0) to an oracle (1), where there is one. ``beats_null``: it is better than every null, by the test and by the mean; null where there is
    none to beat. ``p_null`` is the largest of the one-sided p-values of the Wilcoxon signed-rank tests against each (an intersection-union
    test). ``interval`` says how ``low`` and ``high`` were made: Wilson's for scores of 0 or 1, else Student's t, widened where scores are
    skewed; all three are
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
    skill: Skill = Skill()
    to_oracle: Number = None
    rank: Number = None
    beats_null: bool | None = None
    null: str | None = None
    p_null: Number = None
    p_null_adjusted: Number = None
    versus_reference: Versus | None = None
    reason: str | None = None


class NotesEntry(DocumentPart):
    """Notes that a reader of one row must know; ``completeness_error`` is the median over samples of the relative error."""

    zero_maps: int = 0
    completeness_error: Number = None
    broken: bool = False
    warnings: list[str] = Field(default_factory=list)


class Row(DocumentPart):
    """One explainer. ``explainer`` is the component's name, ``label`` the row's; ``cells`` are by metric label.

    ``categories`` holds the skill under the metrics of each. ``first_share`` is the share of all weightings of these categories under which
    the explainer has the greatest skill of those that are no nulls. ``factors``: as a group's.
    ``complete``: it is ranked under every metric that ranks anybody (``metrics_ranked`` of ``metrics_of``).
    """

    explainer: str
    label: str
    plugin: str
    version: str = ""
    factors: dict[str, str] = Field(default_factory=dict)
    null: bool
    twin_of: str | None = None
    standings: dict[Weighting, Standing]
    categories: dict[str, Skill] = Field(default_factory=dict)
    first_share: Number = None
    complete: bool = True
    metrics_ranked: int = 0
    metrics_of: int = 0
    beats_null: int = 0
    against_null: int = 0
    costs: CostsEntry = CostsEntry()
    notes: NotesEntry = NotesEntry()
    cells: dict[str, CellEntry]


class MetricEntry(DocumentPart):
    """One column: ``name`` is the component's, ``label`` the column's.

    ``weights``: its part of the headline. ``discounted``: why it does not count. ``alike``: labels of metrics of its category that order
    explainers and samples as it does, and share one weight with it. ``inverted``: scores are of a map minus those of its inverse.
    """

    name: str
    label: str
    category: str
    direction: Direction
    bounds: tuple[float | None, float | None] = (None, None)
    inverted: bool = False
    plugin: str = ""
    version: str = ""
    role: Role = "truth"
    weights: dict[Weighting, float] = Field(default_factory=dict)
    discounted: str | None = None
    alike: list[str] = Field(default_factory=list)


class Critical(DocumentPart):
    """Friedman and Nemenyi over samples: explainers that share a clique cannot be told apart."""

    samples: int
    p_friedman: Number
    difference: Number
    mean_ranks: dict[str, float]
    cliques: list[list[str]]


class GroupEntry(DocumentPart):
    """One dataset with one model; rows from best to worst. ``samples`` count, of ``samples_total``.

    ``factors``: in what the dataset and the model differ from others of the run, by the name of what was swept.
    ``notes`` are what the dataset and the model want a reader to know. ``first_without``: for each category, who is first by skill if all
    others count alike.
    """

    dataset: str
    model: str
    samples: int
    samples_total: int = 0
    factors: dict[str, str] = Field(default_factory=dict)
    accuracy: Number
    metrics: list[MetricEntry]
    rows: list[Row]
    first_without: dict[str, list[str]] = Field(default_factory=dict)
    critical_difference_by_metric: dict[str, Critical | None] = Field(default_factory=dict)
    notes: list[str] = Field(default_factory=list)


class OverallEntry(DocumentPart):
    """One explainer across groups; ``spread`` is the standard deviation of its groups' skill.

    ``seeds``: of how many training seeds the intervals of skill are made; 0 if no models are replicates.
    """

    explainer: str
    label: str
    plugin: str
    null: bool
    standings: dict[Weighting, Standing]
    spread: dict[Weighting, Number] = Field(default_factory=dict)
    seeds: int = 0
    groups: int
    groups_of: int
    complete: bool
    beats_null: int = 0
    against_null: int = 0


class ModelsEntry(DocumentPart):
    """The same explainers on two models of a dataset, over the ``samples`` that count for both: the second minus the first.

    ``first`` and ``second`` are labels of models; several are replicates, whose scores are averaged sample by sample. ``cells`` are by
    explainer and metric label. The verdict says whether the explanation is better on the second model.
    """

    dataset: str
    first: list[str]
    second: list[str]
    samples: int
    cells: dict[str, dict[str, Versus]]


class PairEntry(DocumentPart):
    """Two explainers that a reader chose: the first minus the second, over the ``samples`` that count; ``cells`` are by metric label.

    p-values are adjusted over these metrics, by the ``correction`` of the settings. The verdict says whether the first is better.
    """

    dataset: str
    model: str
    first: str
    second: str
    samples: int
    cells: dict[str, Versus]


class Settings(DocumentPart):
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
    weights: dict[str, float] = Field(default_factory=dict)


class Leaderboard(DocumentPart):
    """The whole of ``leaderboard.json``; ``run`` is the run's provenance, ``meta`` of groups whose metrics were evaluated.

    ``models``: each further model of a dataset against the first. ``pairs`` and ``levels``: what a reader asked for; no run writes any.
    ``published``: this run's numbers beside those of published tables that its spec has.
    ``classification``: how well the models classify, of each data set.
    """

    schema_version: str = SCHEMA_VERSION
    run: dict[str, Any]
    settings: Settings = Settings()
    groups: list[GroupEntry]
    overall: list[OverallEntry]
    models: list[ModelsEntry] = Field(default_factory=list)
    pairs: list[PairEntry] = Field(default_factory=list)
    classification: list[ClassificationEntry] = Field(default_factory=list)
    levels: list[LevelsEntry] = Field(default_factory=list)
    meta: list[MetaEntry] = Field(default_factory=list)
    published: list[PublishedEntry] = Field(default_factory=list)

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
