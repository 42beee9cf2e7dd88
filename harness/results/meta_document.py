"""The part of ``leaderboard.json`` that is about its metrics."""

from __future__ import annotations

from pydantic import Field

from harness.results.document_part import DocumentPart
from harness.results.field_types import Number


class ConsistencyEntry(DocumentPart):
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


class SeparationEntry(DocumentPart):
    """An oracle's maps, made of the masks, against the null with the best mean.

    ``wins``: share of samples that score the oracle better, ties half. ``p_holm``: one-sided paired Wilcoxon, Holm over metrics.
    """

    null: str
    oracle: Number
    best: Number
    wins: Number
    p_holm: Number
    separates: bool


class MetaMetric(DocumentPart):
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


class Scales(DocumentPart):
    """Scales of a disturbance."""

    minor: Number = None
    disruptive: Number = None


class MetaEntry(DocumentPart):
    """The metrics of one group, in the order of its columns. ``explainers`` were explained again; nulls are not among them."""

    dataset: str
    model: str
    samples: int
    repeats: int
    inputs: Scales = Scales()
    weights: Scales = Scales()
    explainers: list[str]
    metrics: list[MetaMetric]
