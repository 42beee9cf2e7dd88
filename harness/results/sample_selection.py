"""Selection of the samples of a group that count."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.results.data_model import Group, SamplesRule


def selected_samples(group: Group, groups: Sequence[Group], rule: SamplesRule) -> NDArray[np.intp]:
    """Indices of the samples of ``group`` that count, ordered by sample id (so that nothing depends on the order of a data set).

    ``correct``: those that the group's model classifies correctly. ``all-correct``: those that the model of every one of ``groups`` on
    the same dataset does; a sample that one of them does not have does not count.
    """
    chosen = set(group.samples)
    if rule == "correct":
        chosen = _correctly_classified(group)
    elif rule == "all-correct":
        chosen = set.intersection(*(_correctly_classified(other) for other in groups if other.dataset == group.dataset))
    order = sorted(range(len(group.samples)), key=lambda k: group.samples[k])
    return np.asarray([k for k in order if group.samples[k] in chosen], dtype=np.intp)


def _correctly_classified(group: Group) -> set[str]:
    return {sample for sample, correct in zip(group.samples, group.correct, strict=True) if correct}
