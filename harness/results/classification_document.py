"""The part of ``leaderboard.json`` that is about how well the models classify."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from harness.results.document_part import DocumentPart
from harness.results.field_types import Number

Measure = Literal["accuracy", "balanced_accuracy", "precision", "recall", "f1", "auc"]
MEASURES: tuple[Measure, ...] = get_args(Measure)


class ClassifierEntry(DocumentPart):
    """Classification by one model: of all ``samples`` that the run predicts, those too that it does not explain or count.

    ``measures`` are in [0, 1], and of those that are null ``undefined`` says why. ``low`` and ``high``: Wilson's interval of the accuracy.
    The others are means over the classes that the data set has samples of: ``balanced_accuracy`` and ``recall`` of the share of a class's
    samples that are predicted as such (the same number under both its names), ``precision`` of the share of what is predicted as a class
    that is of it (of a class that is never predicted there is none), ``f1`` of twice the hits over samples and predictions of a class, and
    ``auc`` of the area under the ROC curve of a class's probability, its samples against all others. A sample whose outputs are not finite
    is predicted as no class. ``seed``: of the training, if models differ in it. ``factors``: as a group's. ``kept``: it is explained; else
    others were better, and it is nowhere but here.
    """

    model: str
    factors: dict[str, str] = Field(default_factory=dict)
    seed: int | None = None
    samples: int
    measures: dict[Measure, Number]
    low: Number = None
    high: Number = None
    undefined: dict[Measure, str] = Field(default_factory=dict)
    kept: bool = True


class Spread(DocumentPart):
    """A measure over replicates: mean, and standard deviation (of a sample: over n - 1)."""

    mean: Number = None
    deviation: Number = None


class ClassifierFamily(DocumentPart):
    """A model, or several ``models`` that differ in a training seed alone: ``measures`` over them, null where that of one is undefined.

    ``name``: the labels without the seed. ``factors``: those that all of them share.
    """

    name: str
    models: list[str]
    factors: dict[str, str] = Field(default_factory=dict)
    measures: dict[Measure, Spread]


class SeedTest(DocumentPart):
    """A measure of a second family minus that of the first, over ``pairs`` of models of the same seed: Student's t, two-sided."""

    difference: Number
    low: Number = None
    high: Number = None
    p: Number = None
    p_adjusted: Number = None
    pairs: int


class McNemarEntry(DocumentPart):
    """Two models on the same ``samples``: how many only one of them classifies correctly, and the exact two-sided p (McNemar 1947)."""

    first: str
    second: str
    samples: int
    only_first: int
    only_second: int
    p: Number
    p_adjusted: Number = None


class ClassifierComparison(DocumentPart):
    """Two families, by the names of both: tests over seeds where both are of several, and of each two models of the same seed.

    A model without replicates is held against each of the other family's.
    """

    first: str
    second: str
    over_seeds: dict[Measure, SeedTest] = Field(default_factory=dict)
    mcnemar: list[McNemarEntry] = Field(default_factory=list)


class ClassificationEntry(DocumentPart):
    """Classification of one data set by all its models.

    ``comparisons`` are of every two of ``families``, or, if these are more than 12, of each with the first. p-values are adjusted by the
    ``correction`` of the settings: those of McNemar's tests together, and those over seeds together (``fdr``) or each measure apart
    (``holm``).
    """

    dataset: str
    models: list[ClassifierEntry]
    families: list[ClassifierFamily]
    comparisons: list[ClassifierComparison] = Field(default_factory=list)
