"""Several runs on the same dataset and model as one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import reduce
from typing import TypeVar

import numpy as np

from harness.results.components import ComponentInfo, ExplainerInfo, MetricInfo
from harness.results.data_model import Cell, ExplanationSettings, Group, Results
from harness.results.field_types import Bools
from harness.results.predictions import Predictions
from harness.results.variant_info import VariantInfo
from harness.text_format import format_count
from harness.user_errors import UserError

Info = TypeVar("Info", ExplainerInfo, MetricInfo)
Labelled = TypeVar("Labelled")


class MergeError(UserError):
    """Runs that cannot be merged; the message says why."""


def merge_results(runs: Sequence[Results], names: Sequence[str] | None = None) -> Results:
    """One run with the rows and columns of all; rows of the same label and recipe become one.

    Every run must share a dataset and model with one before it, by label and by digest. Reference, intervals, correction and seed are the
    first run's (a reference: the first that has one); nulls are joined. ``names`` stand for the runs in messages. Raises `MergeError` if
    the runs count different samples, if they explain otherwise (another target, seed, precision or type of maps, as far as each run says),
    or if one label stands for two things: another dataset, model, sample, explainer, metric or column of scores.
    """
    if not runs:
        raise MergeError("no run to merge")
    names = [f"run {k}" for k in range(1, len(runs) + 1)] if names is None else names
    merged = runs[0]
    for run, name in zip(runs[1:], names[1:], strict=True):
        merged = _merge_two(merged, run, name)
    provenances = [run.provenance for run in runs]
    return merged if len(runs) == 1 else dataclasses.replace(merged, provenance={**provenances[0], "merged": provenances})


def _merge_two(first: Results, second: Results, name: str) -> Results:
    if first.samples_rule != second.samples_rule:
        raise MergeError(f"{name} counts other samples: {second.samples_rule!r} instead of {first.samples_rule!r}")
    groups = {(group.dataset, group.model): group for group in first.groups}
    variants = {(group.dataset, group.model): group for group in first.variants}
    shared = [group for group in second.groups if (group.dataset, group.model) in groups]
    if not shared:
        raise MergeError(
            f"{name} shares no dataset and model: it has {_group_names(second.groups)}, and the others {_group_names(first.groups)}"
        )
    for whole, more in ((groups, second.groups), (variants, second.variants)):
        for group in more:
            key = (group.dataset, group.model)
            whole[key] = _merge_groups(whole[key], group, name) if key in whole else group
    others = {(group.dataset, group.model): group for group in [*second.not_kept, *first.not_kept]}
    others = {key: group for key, group in others.items() if key not in groups}
    return dataclasses.replace(
        first,
        groups=list(groups.values()),
        variants=list(variants.values()),
        not_kept=list(others.values()),
        reference=first.reference if first.reference is not None else second.reference,
        nulls=list(dict.fromkeys([*first.nulls, *second.nulls])),
        published=list(dict.fromkeys([*first.published, *second.published])),
    )


def _group_names(groups: Sequence[Group]) -> str:
    return ", ".join(f"{group.dataset} / {group.model}" for group in groups) or "none"


def _merge_groups(first: Group, second: Group, name: str) -> Group:
    where = f"{name}, {second.dataset} / {second.model}"
    first, second = _with_samples_of(second, first), _with_samples_of(first, second)
    for what in ("dataset", "model"):
        if _recipe_digest(first, what) != _recipe_digest(second, what):
            raise MergeError(
                f"{where}: another {what} of the same label: its digest is {_recipe_digest(second, what)[:12]}, and that of the others "
                f"{_recipe_digest(first, what)[:12]}; harness diff says how two runs differ"
            )
    explained = _merge_explanation_settings(first.explained, second.explained, where)
    second = _align_samples(first, second, where)
    explainers = _merge_infos(first.explainers, second.explainers, "explainer", where)
    metrics = _merge_infos(first.metrics, second.metrics, "metric", where)
    cells = dict(first.cells)
    for pair, cell in second.cells.items():
        cells[pair] = _merge_cells(cells[pair], cell, f"{where}: {pair[0]} on {pair[1]}") if pair in cells else cell
    fuller = {info.label: max((first, second), key=lambda group: _explained_samples(group, info.label)) for info in explainers}
    return dataclasses.replace(
        first,
        correct=first.correct | second.correct,
        accuracy=max((first, second), key=lambda group: (group.accuracy is not None, int(_known_predictions(group).sum()))).accuracy,
        explainers=explainers,
        metrics=metrics,
        cells=cells,
        costs={label: group.costs[label] for label, group in fuller.items() if label in group.costs},
        notes={label: group.notes[label] for label, group in fuller.items() if label in group.notes},
        predictions=_merge_predictions(first.predictions, second.predictions),
        variant=_merge_variants(first.variant, second.variant, where),
        group_notes=list(dict.fromkeys([*first.group_notes, *second.group_notes])),
        replicate_of=first.replicate_of or second.replicate_of,
        explained=explained,
    )


def _with_samples_of(other: Group, group: Group) -> Group:
    """The group; one whose dataset or model could not be had, and that so knows neither, with what the other knows, and without a score."""
    if group.samples or not other.samples:
        return group
    size = len(other.samples)
    return dataclasses.replace(
        group,
        samples=other.samples,
        digests=other.digests,
        correct=np.zeros(size, dtype=bool),
        cells={pair: Cell.missing(size, cell.status, cell.reason, cell.key) for pair, cell in group.cells.items()},
        recipes={**group.recipes, **{name: recipe for name, recipe in other.recipes.items() if name == "model"}},
        notes={},
        variant=other.variant,
    )


def _explained_samples(group: Group, explainer: str) -> int:
    """For how many samples at least a group has a row's maps, and so knows what is to be noted of it; -1 without such a row."""
    return max((int(cell.computed.sum()) for (row, _), cell in group.cells.items() if row == explainer), default=-1)


def _known_predictions(group: Group) -> Bools:
    """``(N,)`` of which samples it is known what the model predicts: a run that was ended early has not come to the others."""
    return reduce(np.logical_or, (cell.computed for cell in group.cells.values()), group.correct)


def _merge_predictions(first: Predictions | None, second: Predictions | None) -> Predictions | None:
    """Those of more samples; of as many those with areas under curves, else the first's."""
    known = [found for found in (first, second) if found is not None]
    return max(known, key=lambda found: (int(found.known.sum()), len(found.areas)), default=None)


def _merge_variants(first: VariantInfo | None, second: VariantInfo | None, where: str) -> VariantInfo | None:
    """Which variant both are, and all predictions that either knows; refuses another disturbance."""
    if first is None or second is None:
        return first
    for name in ("model", "kind", "strength", "repeat", "scale"):
        if getattr(first, name) != getattr(second, name):
            raise MergeError(f"{where}: disturbed with {name} {getattr(second, name)!r}, and the others with {getattr(first, name)!r}")
    return dataclasses.replace(first, kept=np.where(first.known, first.kept, second.kept), known=first.known | second.known)


def _merge_explanation_settings(first: ExplanationSettings, second: ExplanationSettings, where: str) -> ExplanationSettings:
    """What either knows of what was explained; refuses what both know and say otherwise."""
    known = {name: value for name, value in vars(first).items() if value is not None}
    for name, value in vars(second).items():
        if value is not None and known.setdefault(name, value) != value:
            raise MergeError(f"{where}: explained with {name} {value!r}, and the others with {known[name]!r}")
    return ExplanationSettings(**known)


def _recipe_digest(group: Group, what: str) -> str:
    return group.recipes.get(what, ComponentInfo(component="")).digest or "unknown"


def _align_samples(first: Group, second: Group, where: str) -> Group:
    """``second`` with its samples in the order of ``first``; refuses other samples, and samples of other content."""
    ours, theirs = set(first.samples), set(second.samples)
    if ours != theirs:
        raise MergeError(
            f"{where}: other samples: {len(theirs - ours)} of its {len(theirs)} are not among the {len(ours)} of the others, "
            f"which have {len(ours - theirs)} more"
        )
    place = {sample: k for k, sample in enumerate(second.samples)}
    order = np.asarray([place[sample] for sample in first.samples], dtype=np.intp)
    changed = [sample for sample, digest, k in zip(first.samples, first.digests, order, strict=True) if second.digests[k] != digest]
    if changed:
        raise MergeError(
            f"{where}: {format_count(len(changed), 'sample has', 'samples have')} other content, the first being {changed[0]!r}"
        )
    second = second.take(order)
    if (_known_predictions(first) & _known_predictions(second) & (first.correct != second.correct)).any():
        raise MergeError(f"{where}: the model classifies other samples correctly, so it is not the same model")
    return second


def _merge_infos(first: Sequence[Info], second: Sequence[Info], what: str, where: str) -> list[Info]:
    """Both lists, each label once; refuses a label with two recipes."""
    found = {info.label: info for info in first}
    for info in second:
        known = found.setdefault(info.label, info)
        if known.digest != info.digest:
            raise MergeError(
                f"{where}: {what} {info.label!r} is {_describe_recipe(info)} there and {_describe_recipe(known)} before; "
                "label one of them otherwise"
            )
    return list(found.values())


def _describe_recipe(info: ComponentInfo) -> str:
    """What tells two recipes apart for a reader."""
    params = ", ".join(f"{name}={value!r}" for name, value in info.params.items())
    version = (f" {info.version}" if info.version else "") + (" inverted" if isinstance(info, MetricInfo) and info.inverted else "")
    return f"{info.component}({params}){version} [{info.digest[:12]}]"


def _merge_cells(first: Cell, second: Cell, where: str) -> Cell:
    """One cell of two with the same recipe: an ok one before one that is not, and all scores that either has."""
    if first.key and second.key and first.key != second.key:
        raise MergeError(f"{where}: computed otherwise: its column is {second.key[:12]}, and that of the others {first.key[:12]}")
    if (first.status == "ok") != (second.status == "ok"):
        return first if first.status == "ok" else second
    values = np.where(first.computed, first.values, second.values)
    return dataclasses.replace(first, values=values, computed=first.computed | second.computed, key=first.key or second.key)
