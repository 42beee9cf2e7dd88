"""The levels of swept factors: which explainers on which models each is made of, and which samples count for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from harness.analysis.equal_accuracy import common_accuracy, nearest_models, usual_count
from harness.analysis.factors import Factor, FactorError, factored_components
from harness.results.components import ExplainerInfo
from harness.results.data_model import Group, Results
from harness.results.sample_selection import selected_samples
from harness.text_format import format_count, format_some, to_printable_line

Level = tuple[str, ...]
SampleKey = tuple[str, str]
"""Id and digest of a sample."""


@dataclass(frozen=True)
class LevelUnit:
    """One explainer on one model and data set, at one level.

    Attributes:
        explainer: what it is called at every level.
        family: of models that differ in a training seed alone.
    """

    level: Level
    explainer: str
    group: Group
    row: ExplainerInfo

    @property
    def family(self) -> tuple[str, str]:
        """A name that replicates share."""
        return self.group.dataset, self.group.replicate_of or f"\0{self.group.model}"


@dataclass(frozen=True)
class LevelSet:
    """Levels to be held against each other: of one data set, or (None) of data sets.

    Attributes:
        levels: in the order of their values, the first factor's first.
        left_out: what has no level or no score, a sentence each.
        accuracy: to which the models of each level are the nearest, if they were chosen.
    """

    dataset: str | None
    levels: Sequence[Level]
    units: Sequence[LevelUnit]
    left_out: Sequence[str]
    accuracy: float | None = None

    def groups(self, level: Level | None = None) -> list[Group]:
        """The groups of all levels, or of one, each once."""
        chosen = {(unit.group.dataset, unit.group.model): unit.group for unit in self.units if level in (None, unit.level)}
        return list(chosen.values())

    @property
    def explainers(self) -> list[str]:
        """What explainers are called at every level, in the spec's order."""
        return list(dict.fromkeys(unit.explainer for unit in self.units))


def make_level_sets(results: Results, factors: Sequence[Factor]) -> list[LevelSet]:
    """The levels of each data set, or of all where a factor is one of data sets; those with one level only are left out.

    Values stand in the order in which a run has them, which is that of the sweep. Raises `FactorError` where nothing has a score, and where
    no two levels have.
    """
    across = any(factor.kind == "dataset" for factor in factors)
    groups = [group for group in results.groups if _has_scores(group)]
    if not groups:
        raise FactorError("no scores here: there is nothing to compare")
    datasets = [None] if across else list(dict.fromkeys(group.dataset for group in groups))
    order: list[dict[str, int]] = [{} for _ in factors]
    for group in results.groups:
        for row in group.explainers:
            components = factored_components(group, row)
            for places, factor in zip(order, factors, strict=True):
                value = factor.value(components[factor.kind])
                if value is not None:
                    places.setdefault(value, len(places))
    silent = [f"{group.model} on {group.dataset}" for group in results.groups if not _has_scores(group)]
    left_out = [f"{format_some(silent)}: no scores"] if silent else []
    found = []
    for dataset in datasets:
        members = [group for group in groups if dataset in (None, group.dataset)]
        units, without = _units(members, factors)
        levels = sorted({unit.level for unit in units}, key=partial(_level_places, order))
        found.append(LevelSet(dataset, levels, units, [*map(to_printable_line, [*left_out, *without])]))
    if all(len(each.levels) < 2 for each in found):
        raise FactorError(_explain_one_level(found, factors))
    return [each for each in found if len(each.levels) > 1]


def hold_accuracy_equal(found: LevelSet, value: float | None, count: int | None) -> LevelSet:
    """Of each level the ``count`` models whose accuracy is the nearest to ``value``, or to the common one that takes least.

    ``count`` is `usual_count` of the levels if it is None. Raises `FactorError` where there is nothing to choose from.
    """
    groups = {level: found.groups(level) for level in found.levels}
    unknown = [group.model for own in groups.values() for group in own if group.accuracy is None]
    if unknown:
        raise FactorError(f"the accuracy of {to_printable_line(unknown[0])} is not known: accuracies cannot be held equal")
    first, *others = ({(group.dataset, group.model) for group in own} for own in groups.values())
    if all(other == first for other in others):
        raise FactorError("all levels are of the same models: their accuracies are equal as they are")
    accuracies = [[float(group.accuracy or 0.0) for group in own] for own in groups.values()]
    count = usual_count([len(own) for own in accuracies]) if count is None else count
    if all(len(own) <= count for own in accuracies):
        raise FactorError(f"accuracies cannot be held equal: no level has more than {format_count(count, 'model')} to choose from")
    value = common_accuracy(accuracies, count) if value is None else value
    kept = {
        (level, own[k].dataset, own[k].model)
        for (level, own), there in zip(groups.items(), accuracies, strict=True)
        for k in nearest_models(there, value, count)
    }
    units = [unit for unit in found.units if (unit.level, unit.group.dataset, unit.group.model) in kept]
    return replace(found, units=units, accuracy=value)


def common_samples(found: LevelSet, results: Results) -> list[SampleKey]:
    """The samples that all levels are held against each other on, those of each data set sorted.

    Those of a data set that all models of all levels have, and that all of them classify correctly, unless the run counts all samples
    (Oliveira et al. 2024 compare levels so: `results.samples_rule` of a single model would give each level samples of its own).
    """
    groups = found.groups()
    shared: dict[str, set[SampleKey]] = {}
    for group in groups:
        own = {(group.samples[k], group.digests[k]) for k in selected_samples(group, groups, results.samples_rule)}
        shared[group.dataset] = shared.get(group.dataset, own) & own
    return list(dict.fromkeys(key for keys in shared.values() for key in sorted(keys)))


def sample_places(group: Group, samples: Sequence[SampleKey]) -> tuple[list[int], list[int]]:
    """Places in the group of those of ``samples`` that it has, and their places among them."""
    own = {key: k for k, key in enumerate(zip(group.samples, group.digests, strict=True))}
    places = [(own[key], k) for k, key in enumerate(samples) if key in own]
    return [first for first, _ in places], [second for _, second in places]


def _level_places(order: Sequence[Mapping[str, int]], level: Level) -> list[int]:
    return [places[value] for places, value in zip(order, level, strict=True)]


def _has_scores(group: Group) -> bool:
    return any(cell.status == "ok" and bool((cell.computed & np.isfinite(cell.values)).any()) for cell in group.cells.values())


def _units(groups: Sequence[Group], factors: Sequence[Factor]) -> tuple[list[LevelUnit], list[str]]:
    """Every row of every group that has a level, and what has none."""
    swept = [factor.key for factor in factors if factor.kind == "explainer" and factor.key is not None]
    units: list[LevelUnit] = []
    without: dict[str, dict[str, None]] = {}
    for group in groups:
        for row in group.explainers:
            components = factored_components(group, row)
            values = [factor.value(components[factor.kind]) for factor in factors]
            if None in values:
                lacking = factors[values.index(None)]
                without.setdefault(lacking.name, {})[components[lacking.kind].label] = None
                continue
            level = tuple(value for value in values if value is not None)
            units.append(LevelUnit(level, components["explainer"].without(swept), group, row))
    return list(_apart(units)), [f"{format_some(list(labels))}: no {name}" for name, labels in without.items()]


def _apart(units: Sequence[LevelUnit]) -> Iterator[LevelUnit]:
    """The units, rows of one group that would be called alike at the same level by their own labels."""
    places: dict[tuple[str, str, Level, str], int] = {}
    for unit in units:
        key = (unit.group.dataset, unit.group.model, unit.level, unit.explainer)
        places[key] = places.get(key, 0) + 1
    alike = {key[3] for key, count in places.items() if count > 1}
    for unit in units:
        yield replace(unit, explainer=unit.row.label) if unit.explainer in alike else unit


def _explain_one_level(found: Sequence[LevelSet], factors: Sequence[Factor]) -> str:
    names = ", ".join(to_printable_line(factor.name) for factor in factors)
    there = list(dict.fromkeys(", ".join(level) for each in found for level in each.levels))
    if not there:
        return f"nothing that has scores has a level of {names}: there is nothing to compare"
    if len(there) == 1:
        return f"{names} has one level only that has scores ({to_printable_line(there[0])}): there is nothing to compare"
    return f"each data set has one level of {names} only: there is nothing to compare on the same samples"
