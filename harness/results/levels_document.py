"""The part of ``leaderboard.json`` that holds levels of swept factors against each other."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.results.components import Direction
from harness.results.document_part import DocumentPart
from harness.results.field_types import Number

LevelTest = Literal["samples", "models"]


class LevelModel(DocumentPart):
    """One model of a level, on a data set, with its accuracy there."""

    dataset: str
    model: str
    accuracy: Number


class LevelEntry(DocumentPart):
    """One combination of values of the factors, in the order of ``LevelsEntry.by``; ``models``: those whose scores are its."""

    name: str
    values: list[str]
    models: list[LevelModel]


class LevelScores(DocumentPart):
    """The scores of one explainer at one level, of all its ``models`` on ``samples``: ``n`` numbers in all, and their distribution.

    Quartiles are interpolated linearly; whiskers reach to the farthest score within 1.5 times their distance (Tukey 1977), beyond which
    ``outside`` scores lie. ``low`` and ``high``: interval of the mean; over training seeds too where ``test`` is ``models``. Levels of an
    explainer that share a letter of ``alike`` cannot be told apart.
    """

    n: int
    samples: int
    models: int
    mean: Number
    low: Number = None
    high: Number = None
    test: LevelTest = "samples"
    lower_whisker: Number
    lower_quartile: Number
    median: Number
    upper_quartile: Number
    upper_whisker: Number
    outside: int
    alike: str = ""


class LevelComparison(DocumentPart):
    """The level ``second`` minus the level ``first``, over the samples where both have scores; each mean over a level's models.

    ``effect`` is the matched-pairs rank-biserial correlation over samples. ``test`` says what varies: ``samples`` alone (``p`` of the
    Wilcoxon signed-rank test; it holds for these models), or the training seeds of ``models`` too (t with the variances of both: the root
    of min F', Clark 1973). ``matched``: both levels are of the same models. The verdict says whether ``second`` is better.
    """

    first: str
    second: str
    difference: Number
    low: Number = None
    high: Number = None
    effect: Number = None
    test: LevelTest
    matched: bool
    p: Number
    p_adjusted: Number = None
    pairs: int
    verdict: Literal["better", "worse", "mixed"] | None = None


class LevelsRow(DocumentPart):
    """One explainer under one metric: its scores by the name of the level, and every two levels that share samples."""

    explainer: str
    null: bool
    scores: dict[str, LevelScores]
    comparisons: list[LevelComparison] = Field(default_factory=list)


class LevelsMetric(DocumentPart):
    """One metric, or (``skill``) the skill sample by sample: by the headline's weights, the mean of what `CellEntry.skill` is a mean of."""

    label: str
    direction: Direction
    skill: bool = False
    rows: list[LevelsRow]


class LevelsEntry(DocumentPart):
    """Levels of what was swept on one data set; of several (null) where they are levels of data sets.

    ``samples`` count for every level; of ``samples_total`` there are. ``equal_accuracy``: the common accuracy, to which the models of each
    level are the nearest; null where no models were chosen. ``left_out``: models and explainers that have no level or no score.
    """

    dataset: str | None
    by: list[str]
    levels: list[LevelEntry]
    samples: int
    samples_total: int
    equal_accuracy: Number = None
    left_out: list[str] = Field(default_factory=list)
    metrics: list[LevelsMetric]
