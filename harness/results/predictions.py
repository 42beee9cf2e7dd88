"""The answers of a model to the samples of a data set, by which its classification is measured."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from harness.results.field_types import Bools, FloatArray, Name

MOST_CLASSES = 100  # of a model whose probabilities are kept for every sample: one number for each class
PARTIAL = "known of all samples, not of some"


def probability_field(number: int) -> str:
    """The field of the store in which the probability of a class is."""
    return f"probability {number}"


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Labels and answers of all samples that a run predicts, whether they are explained or count, or not.

    Attributes:
        labels: ``(N,)`` the label as one of the model's classes; NaN of samples that the model was not asked about.
        predicted: ``(N,)`` the class that the model predicts; NaN also where its outputs are not finite.
        classes: number K of the model's classes.
        names: of the K classes; none where they have none, or are more than `MOST_CLASSES`.
        areas: ``(K,)`` area under the ROC curve of each class's probability, the samples of the class against all others; NaN for a class
            without samples. Empty where there is none.
        no_areas: why there is none.
    """

    labels: FloatArray
    predicted: FloatArray
    classes: int
    names: list[Name] = field(default_factory=list)
    areas: FloatArray = field(default_factory=lambda: np.zeros(0))
    no_areas: str | None = None

    def __post_init__(self) -> None:
        if self.labels.ndim != 1 or self.labels.shape != self.predicted.shape or len(self.areas) not in (0, self.classes):
            raise ValueError(f"{self.labels.shape} labels, {self.predicted.shape} predictions, areas of {len(self.areas)} classes")
        for values in (self.labels, self.predicted):
            if not (np.isnan(values) | ((values >= 0) & (values < self.classes) & (values % 1 == 0))).all():
                raise ValueError(f"a label or a prediction is none of {self.classes} classes")

    @property
    def known(self) -> Bools:
        """``(N,)`` which samples the model was asked about."""
        return np.asarray(~np.isnan(self.labels))

    @property
    def correct(self) -> Bools:
        """``(N,)`` which of them it classifies correctly."""
        return np.asarray(self.labels == self.predicted)

    def take(self, places: NDArray[np.intp]) -> Predictions:
        """The samples at these places; areas are lost unless that is all of them."""
        chosen = replace(self, labels=self.labels[places], predicted=self.predicted[places])
        whole = len(np.unique(places)) == len(self.labels)
        return chosen if whole or not len(self.areas) else replace(chosen, areas=np.zeros(0), no_areas=PARTIAL)
