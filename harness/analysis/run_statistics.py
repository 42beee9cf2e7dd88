"""What the analysis finds: the numbers of a leaderboard, NaN where one is undefined."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.analysis.confidence_intervals import Interval
from harness.analysis.friedman import CriticalDifference
from harness.analysis.paired_tests import PairedComparison
from harness.analysis.ranking import Weighting
from harness.results.data_model import Floats, Group, Status

CellLabels = tuple[str, str]
"""Labels of an explainer and of a metric."""


@dataclass(frozen=True)
class NullComparison:
    """An explainer held against the best null of a metric.

    ``p_holm``: one-sided paired Wilcoxon, adjusted by Holm over the explainers of the metric. ``beaten``: it is significantly better.
    """

    null: str
    p_holm: float
    beaten: bool


@dataclass(frozen=True)
class CellStatistics:
    """One explainer under one metric.

    Attributes:
        status, reason: how computing it ended.
        score: the mean over samples with its interval; NaN where the status is not ok.
        n: samples with a defined score; ``undefined``: with a computed but undefined one; ``missing``: without any.
        rank: of the mean among the explainers of the metric; NaN where the cell is not whole, and so not ranked.
        versus_reference, versus_null: None where there is nothing to compare.
    """

    status: Status
    reason: str | None
    score: Interval
    n: int
    undefined: int
    missing: int
    rank: float
    versus_reference: PairedComparison | None = None
    versus_null: NullComparison | None = None


@dataclass(frozen=True)
class RowStatistics:
    """One explainer over all metrics.

    Attributes:
        rank: the overall rank by each weighting, with its interval.
        categories: the mean rank within each category, with its interval.
        ranked: metrics that rank this explainer; ``of``: metrics that rank any.
        beats_null: metrics under which it beats the best null; ``against_null``: metrics under which it was held against one.
    """

    rank: dict[Weighting, Interval]
    categories: dict[str, Interval]
    ranked: int
    of: int
    beats_null: int
    against_null: int

    @property
    def complete(self) -> bool:
        """Whether the rank is over all metrics that rank anybody."""
        return self.ranked == self.of and self.of > 0


@dataclass(frozen=True)
class GroupStatistics:
    """One dataset with one model.

    Attributes:
        group: what was analysed.
        selected: how many samples count.
        rows: by explainer label, in the spec's order.
        cells: by (explainer label, metric label).
        order: labels from best to worst by each weighting (`ranking_order`).
        critical: critical differences by metric label.
        critical_overall: by weighting, over the samples' ranks averaged over metrics, of the explainers that are complete.
        draws: ``(R, E)`` overall ranks of the resamples by weighting, explainers in the spec's order.
    """

    group: Group
    selected: int
    rows: dict[str, RowStatistics]
    cells: dict[tuple[str, str], CellStatistics]
    order: dict[Weighting, list[str]]
    critical: dict[str, CriticalDifference | None]
    critical_overall: dict[Weighting, CriticalDifference | None]
    draws: dict[Weighting, Floats] = field(repr=False)


@dataclass(frozen=True)
class OverallStatistics:
    """One explainer across groups.

    Attributes:
        rank: mean of its groups' ranks by each weighting. Its interval holds the samples' variation, and the training seeds' where
            models are replicates.
        spread: standard deviation of the groups' ranks by each weighting; NaN for fewer than two groups.
        groups: groups that rank it; ``of``: groups there are.
        complete: it is complete in every group.
        beats_null, against_null: summed over groups.
    """

    rank: dict[Weighting, Interval]
    spread: dict[Weighting, float]
    groups: int
    of: int
    complete: bool
    beats_null: int
    against_null: int


@dataclass(frozen=True)
class ModelComparison:
    """The same explainers on two models of one dataset: the second minus the first.

    Attributes:
        dataset: its label.
        first, second: labels of the models; several are replicates, whose scores are averaged sample by sample.
        samples: those that count for both.
        cells: paired comparisons, adjusted over the explainers of a metric; ``better`` says that the second model's is.
    """

    dataset: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    samples: int
    cells: dict[CellLabels, PairedComparison]


@dataclass(frozen=True)
class RunStatistics:
    """The analysis of a run.

    ``overall`` is by explainer label in the spec's order; ``order`` from best to worst across groups, by each weighting; ``models`` are
    comparisons of models of one dataset.
    """

    groups: list[GroupStatistics]
    overall: dict[str, OverallStatistics]
    order: dict[Weighting, list[str]]
    models: list[ModelComparison] = field(default_factory=list)
