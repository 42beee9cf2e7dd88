"""The scores of explainers at each level, sample by sample and model by model: under every metric, and their skill."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.analysis.group_scores import score_cube
from harness.analysis.headline import measure_skill
from harness.analysis.level_tests import UnitScores
from harness.analysis.level_units import Level, LevelSet, LevelUnit, SampleKey, sample_places
from harness.analysis.skill import draw_folds
from harness.results.components import MetricInfo
from harness.results.data_model import Group, Results
from harness.results.document import GroupEntry
from harness.results.field_types import Bools, Floats

SKILL = MetricInfo(component="skill", label="skill", category="headline", direction="higher", bounds=(0.0, 1.0))


class LevelTable:
    """All scores of a set of levels on the samples that count for every level."""

    def __init__(self, found: LevelSet, samples: Sequence[SampleKey], results: Results) -> None:
        self.found, self.samples, self.results = found, samples, results
        self._places = {_name(group): sample_places(group, samples) for group in found.groups()}

    def metrics(self) -> list[MetricInfo]:
        """The metrics of all groups, each once."""
        return list({info.label: info for group in self.found.groups() for info in group.metrics}.values())

    def scores(self, metric: str) -> dict[str, dict[Level, UnitScores]]:
        """Under one metric: by explainer and level, of what has a score."""
        return self._gather([self._align(unit.group, self._cube(unit, [metric])[:, 0]) for unit in self.found.units])

    def skill(self, entries: Sequence[GroupEntry]) -> dict[str, dict[Level, UnitScores]]:
        """The skill sample by sample, by the weights that metrics have in the headlines of these ``entries``, averaged over all groups.

        The same weights for every level, of the metrics under which all groups have a null's scores; empty if there are none. A row
        without a single score under them has no skill.
        """
        groups = self.found.groups()
        wins = {_name(group): self._wins(group) for group in groups}
        weights = _mean_weights(groups, entries)
        for group in groups:
            held: Bools = ~np.asarray(np.isnan(wins[_name(group)]).all(axis=(0, 1)))
            known = {label for label, any_null in zip(group.metric_labels, held, strict=True) if any_null}
            weights = {label: weight for label, weight in weights.items() if weight > 0 and label in known}
        labels, shares = list(weights), np.asarray(list(weights.values()))
        if not labels:
            return {}
        found = []
        for unit in self.found.units:
            own = wins[_name(unit.group)][:, unit.group.explainer_labels.index(unit.row.label)]
            own = own[:, [unit.group.metric_labels.index(label) for label in labels]]
            scored = not np.isnan(self._cube(unit, labels)).all()
            total = (~np.isnan(own) & scored) @ shares
            sums = np.nan_to_num(own) @ shares
            found.append(self._align(unit.group, np.divide(sums, total, out=np.full(len(own), np.nan), where=total > 0)))
        return self._gather(found)

    def _cube(self, unit: LevelUnit, metrics: Sequence[str]) -> Floats:
        """``(n, M)`` of those of the samples that the unit's group has."""
        return score_cube(unit.group, self._selected(unit.group), [unit.row.label], metrics)[:, 0]

    def _wins(self, group: Group) -> Floats:
        """``(n, E, M)`` whether each score of the group is better than the null that is the hardest on these samples."""
        selected = self._selected(group)
        folds = draw_folds([group.samples[k] for k in selected], self.results.seed)
        return measure_skill(group, self.results, score_cube(group, selected), folds, {}).wins

    def _selected(self, group: Group) -> NDArray[np.intp]:
        return np.asarray(self._places[_name(group)][0], dtype=np.intp)

    def _align(self, group: Group, values: Floats) -> Floats:
        """``(N,)``: the values of those of the samples that the group has, at their places."""
        aligned = np.full(len(self.samples), np.nan)
        aligned[self._places[_name(group)][1]] = values
        return aligned

    def _gather(self, values: Sequence[Floats]) -> dict[str, dict[Level, UnitScores]]:
        """By explainer and level, of the ``values`` (N,) of each unit."""
        members: dict[tuple[str, Level], list[int]] = {}
        for k, unit in enumerate(self.found.units):
            members.setdefault((unit.explainer, unit.level), []).append(k)
        found: dict[str, dict[Level, UnitScores]] = {}
        for (explainer, level), places in members.items():
            scores = _unit_scores([self.found.units[k] for k in places], [values[k] for k in places])
            if scores is not None:
                found.setdefault(explainer, {})[level] = scores
        return found


def _unit_scores(units: Sequence[LevelUnit], values: Sequence[Floats]) -> UnitScores | None:
    """The scores of those units that have any; None if none has."""
    chosen = [k for k, own in enumerate(values) if not np.isnan(own).all()]
    if not chosen:
        return None
    names = [units[k].family for k in chosen]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    families = np.asarray([numbers[name] for name in names], dtype=np.intp)
    return UnitScores(np.stack([values[k] for k in chosen]), [_name(units[k].group) for k in chosen], families)


def _name(group: Group) -> tuple[str, str]:
    return group.dataset, group.model


def _mean_weights(groups: Sequence[Group], entries: Sequence[GroupEntry]) -> dict[str, float]:
    """By metric label, over the groups that have it."""
    there = {(entry.dataset, entry.model): entry for entry in entries}
    found: dict[str, list[float]] = {}
    for group in groups:
        for metric in there[_name(group)].metrics:
            found.setdefault(metric.label, []).append(metric.weights.get("category", 0.0))
    return {label: sum(weights) / len(weights) for label, weights in found.items()}
