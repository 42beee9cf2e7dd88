"""A hint that a model's classes are in another order than the labels'."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
MIN_ACCURACY_GAIN = 0.2
"""By how much accuracy must rise under another order for it to be worth a word."""
MAX_CHANCE = 0.001
"""Probability below which an accuracy as low as this, or a gain as great, is not chance."""


def class_order_hint(labels: Ints, predicted: Ints, num_classes: int) -> str | None:
    """A sentence if classes seem to be exchanged, or predictions are worse than chance; None if neither is so.

    The one-to-one exchange of classes under which most predictions are right is found on one half of the samples of each class and counted
    on the other, both ways; it must win more often than chance does (a sign test of the samples that it changes), which takes ten of them.

    Args:
        labels: ``(N,)`` as the model's classes.
        predicted: ``(N,)`` the model's classes.
        num_classes: K.
    """
    if not len(labels):
        return None
    right = labels == predicted
    accuracy = float(np.mean(right))
    if accuracy > 1 - MIN_ACCURACY_GAIN:
        return None
    then = correct_after_exchange(labels, predicted)
    exchanged = float(np.mean(then))
    if (
        exchanged - accuracy >= MIN_ACCURACY_GAIN
        and _chance_of_so_few(int(np.sum(right & ~then)), int(np.sum(right != then)), 1 / 2) < MAX_CHANCE
    ):
        return (
            f"accuracy is {100 * accuracy:.0f} %, and would be {100 * exchanged:.0f} % if classes were exchanged one for one: they may be "
            "in another order than the model's; give the dataset a class_map"
        )
    if _chance_of_so_few(int(np.sum(labels == predicted)), len(labels), 1 / num_classes) < MAX_CHANCE:
        return f"accuracy is {100 * accuracy:.1f} %, below chance ({100 / num_classes:.1f} %): the classes may not be the model's"
    return None


def correct_after_exchange(labels: Ints, predicted: Ints) -> NDArray[np.bool_]:
    """``(N,)`` what is right under the best one-to-one exchange of classes, found on one half of the samples for the other."""
    from scipy.optimize import linear_sum_assignment

    classes, both = np.unique(np.concatenate([labels, predicted]), return_inverse=True)
    labels, predicted = both[: len(labels)], both[len(labels) :]
    half = _occurrence_within_label(labels) % 2
    right = np.zeros(len(labels), dtype=bool)
    for part in (0, 1):
        confusion = np.zeros((len(classes), len(classes)))
        np.add.at(confusion, (labels[half == part], predicted[half == part]), 1)
        confusion += np.eye(len(classes)) * 1e-6  # what nothing speaks for stays
        _, exchange = linear_sum_assignment(confusion, maximize=True)
        right[half != part] = exchange[labels[half != part]] == predicted[half != part]
    return right


def _occurrence_within_label(labels: Ints) -> Ints:
    """``(N,)`` how many samples of the same label come before."""
    turns = np.zeros(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        turns[places] = np.arange(len(places))
    return turns


def _chance_of_so_few(right: int, count: int, chance: float) -> float:
    """Probability of at most ``right`` of ``count`` by chance."""
    from scipy.special import bdtr

    return float(bdtr(right, count, chance))
