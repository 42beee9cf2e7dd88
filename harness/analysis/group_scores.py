"""The scores of one dataset with one model as arrays, and what they show against nulls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from harness.analysis.bootstrap import ResampledMeans, nan_mean, resample_seed
from harness.analysis.headline import GroupSkill, measure_skill
from harness.analysis.ranking import metric_ranks
from harness.analysis.skill import draw_folds
from harness.results.data_model import Group, Results
from harness.results.field_types import Bools, Floats
from harness.results.meta_document import SeparationEntry
from harness.results.sample_selection import selected_samples


@dataclass(frozen=True)
class GroupScores:
    """The scores of a group on the N samples that count, of its E explainers and M metrics in the spec's order.

    Attributes:
        selected: ``(N,)`` places of the samples.
        scores: ``(N, E, M)``, NaN where there is none.
        whole: ``(E, M)`` whether a cell has all that ranks need.
        skill: against nulls, sample by sample.
        wins: its mean over samples, the skill under each metric; ``elsewhere`` that against the null that is the hardest on other samples.
        ranks: ``(E, M)`` under each metric among the explainers that are no nulls, undefined scores being the best null's; NaN where there
            is none.
        separations: of an oracle from the nulls by metric label, as far as they were measured.
    """

    group: Group
    selected: NDArray[np.intp]
    scores: Floats
    whole: Bools
    skill: GroupSkill
    wins: ResampledMeans
    elsewhere: ResampledMeans
    ranks: Floats
    separations: Mapping[str, SeparationEntry]

    @property
    def size(self) -> int:
        """Number of samples that count."""
        return len(self.selected)


def measure_group(group: Group, results: Results, separations: Mapping[str, SeparationEntry]) -> GroupScores:
    """Take the scores of a group, hold them against the nulls, and rank them."""
    selected = selected_samples(group, results.groups, results.samples_rule)
    scores = score_cube(group, selected)
    samples = [group.samples[k] for k in selected]
    places, seed = np.searchsorted(sorted(group.samples), samples), resample_seed(results.seed, group.samples)

    def resample(values: Floats) -> ResampledMeans:
        # all samples of the dataset are drawn from: models that are right on different ones share those that they share
        everywhere = np.full((len(group.samples), *values.shape[1:]), np.nan)
        everywhere[places] = values
        return ResampledMeans.of(everywhere, results.bootstrap, seed)

    skill = measure_skill(group, results, scores, draw_folds(samples, results.seed), separations)
    whole = _ranked_cells(group, selected) & ~np.isnan(nan_mean(scores))
    placed = np.where(whole & skill.real[:, None], nan_mean(skill.filled), np.nan)
    return GroupScores(
        group,
        selected,
        scores,
        whole,
        skill,
        resample(skill.wins),
        resample(skill.wins_elsewhere),
        metric_ranks(placed, [info.sign for info in group.metrics]),
        separations,
    )


def score_cube(
    group: Group, selected: NDArray[np.intp], explainers: Sequence[str] | None = None, metrics: Sequence[str] | None = None
) -> Floats:
    """Scores ``(N, E, M)`` of the selected samples, of all explainers and metrics of the group, or of those of these labels.

    NaN if a score is undefined, infinite or was not computed, and for a cell that is not ok or that the group does not have.
    """
    rows = group.explainer_labels if explainers is None else explainers
    columns = group.metric_labels if metrics is None else metrics
    cube = np.full((len(selected), len(rows), len(columns)), np.nan)
    for (e, row), (m, column) in product(enumerate(rows), enumerate(columns)):
        cell = group.cells.get((row, column))
        if cell is not None and cell.status == "ok":
            values = cell.values[selected]
            cube[:, e, m] = np.where(cell.computed[selected] & np.isfinite(values), values, np.nan)
    return cube


def _ranked_cells(group: Group, selected: NDArray[np.intp]) -> Bools:
    """``(E, M)`` whether a cell is ok and was computed for every selected sample, under a metric that is ranked: only such cells are."""
    found = np.zeros((len(group.explainers), len(group.metrics)), dtype=bool)
    for (e, row), (m, column) in product(enumerate(group.explainer_labels), enumerate(group.metric_labels)):
        cell = group.cells.get((row, column))
        found[e, m] = group.metrics[m].ranked and cell is not None and cell.status == "ok" and bool(cell.computed[selected].all())
    return found
