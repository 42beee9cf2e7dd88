"""The difference of two runs: recipes, versions, states and scores beyond float noise."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from harness.analysis.confidence_intervals import Interval, mean_interval
from harness.results.components import ComponentInfo, MetricInfo
from harness.results.data_model import Cell, Group, Results
from harness.results.field_types import Floats
from harness.text_format import format_count

RELATIVE_NOISE, ABSOLUTE_NOISE = 1e-5, 1e-8
Verdict = Literal["identical", "noise", "changed"]
_VOLATILE = ("time", "date", "started", "finished", "duration", "seconds", "argv", "command", "out", "folder", "store", "path", "pid")


@dataclass(frozen=True)
class Change:
    """Something that was one thing and is another; None if it was absent."""

    what: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class ScoreChange:
    """Differences between the scores of one cell over the samples that both runs scored.

    Attributes:
        dataset, model, explainer, metric: labels.
        verdict: identical to the last bit, within float noise, or changed.
        pairs: samples compared; ``moved``: those beyond noise, or defined in one run only.
        difference: mean of after - before with its interval.
        largest: the largest absolute difference.
    """

    dataset: str
    model: str
    explainer: str
    metric: str
    verdict: Verdict
    pairs: int
    moved: int
    difference: Interval
    largest: float

    @property
    def significant(self) -> bool:
        """The interval of the mean difference leaves 0 out; of differences that are all the same, which have none, there are six or more.

        Six that agree in sign are what a sign test takes to find something at 0.05.
        """
        if np.isnan(self.difference.low):
            return self.pairs >= 6 and abs(self.difference.mean) > 0
        return bool(self.difference.low > 0 or self.difference.high < 0)


@dataclass(frozen=True)
class ResultsDifference:
    """All that differs between two runs.

    Attributes:
        provenance: versions, git revision, hardware, settings; times and folders are left out.
        recipes: rows, columns, datasets and models that came, went or are made otherwise, another target, seed, precision or type of
            maps, and cells that are of another column of scores although all of these are equal.
        samples: samples that came, went or have other content.
        states: cells that end in another state.
        scores: every cell that both runs have.
    """

    provenance: list[Change] = field(default_factory=list)
    recipes: list[Change] = field(default_factory=list)
    samples: list[Change] = field(default_factory=list)
    states: list[Change] = field(default_factory=list)
    scores: list[ScoreChange] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Nothing changed beyond float noise."""
        return not (self.provenance or self.recipes or self.samples or self.states or any(s.verdict == "changed" for s in self.scores))

    def to_json(self) -> dict[str, Any]:
        """The difference as a JSON object; undefined numbers are null."""
        lists = {name: [vars(change) for change in getattr(self, name)] for name in ("provenance", "recipes", "samples", "states")}
        return {"same": self.same, **lists, "scores": [_score_json(score) for score in self.scores]}


def _score_json(score: ScoreChange) -> dict[str, Any]:
    interval = {name: value if np.isfinite(value := getattr(score.difference, name)) else None for name in ("mean", "low", "high")}
    largest = score.largest if np.isfinite(score.largest) else None
    return {**vars(score), "difference": interval, "largest": largest, "significant": score.significant}


def diff_results(before: Results, after: Results) -> ResultsDifference:
    """Compare two runs: groups by dataset and model label, rows and columns by label, scores by sample id and content."""
    found = ResultsDifference(provenance=list(_provenance(before, after)))
    first = {(group.dataset, group.model): group for group in before.groups}
    second = {(group.dataset, group.model): group for group in after.groups}
    for key in dict.fromkeys([*first, *second]):
        name = " / ".join(key)
        if key not in first or key not in second:
            found.recipes.append(Change(name, "present" if key in first else None, "present" if key in second else None))
            continue
        _diff_groups(first[key], second[key], found, after)
    return found


def _provenance(before: Results, after: Results) -> Iterator[Change]:
    of_a_run: dict[str, Any] = {"summary": {}}  # passes and rates are no settings
    old, new = (_flatten({**results.provenance, **of_a_run, **_settings(results)}) for results in (before, after))
    for name in sorted(old.keys() | new.keys()):
        last = name.rsplit(".", 1)[-1].lower()
        if old.get(name) != new.get(name) and not any(last == word or last.endswith(f"_{word}") for word in _VOLATILE):
            yield Change(name, old.get(name), new.get(name))


def _settings(results: Results) -> dict[str, Any]:
    names = ("reference", "nulls", "samples_rule", "confidence", "bootstrap", "correction", "seed", "weights")
    return {"analysis": {name: getattr(results, name) for name in names}}


def _flatten(tree: Any, path: str = "") -> dict[str, str]:
    """Leaves of nested JSON by their dotted path, as text."""
    if isinstance(tree, Mapping) and tree:
        return {
            key: text for name, branch in tree.items() for key, text in _flatten(branch, f"{path}.{name}" if path else str(name)).items()
        }
    return {path: _value_text(tree)}


def _value_text(value: Any) -> str:
    """A value as a spec has it; texts, alone or in a list, as they are."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _diff_groups(before: Group, after: Group, found: ResultsDifference, results: Results) -> None:
    where = f"{before.dataset} / {before.model}"
    found.recipes.extend(_recipe_changes(where, "", before.recipes, after.recipes))
    for kind in ("explainers", "metrics"):
        old, new = ({info.label: info for info in getattr(group, kind)} for group in (before, after))
        found.recipes.extend(_recipe_changes(where, f"{kind.removesuffix('s')} ", old, new))
    explained = list(_explained_changes(where, before, after))
    found.recipes.extend(explained or _column_changes(where, before, after))
    shared = _shared_samples(before, after, where, found)
    for pair, cell in before.cells.items():
        if pair not in after.cells:
            continue
        other = after.cells[pair]
        name = f"{where}: {pair[0]} on {pair[1]}"
        if cell.status != other.status:
            found.states.append(Change(name, _state_text(cell), _state_text(other)))
        change = _score_change(before, pair, cell, other, shared, results)
        if change is not None:
            found.scores.append(change)


def _state_text(cell: Cell) -> str:
    return f"{cell.status}: {cell.reason}" if cell.reason else cell.status


def _recipe_changes(where: str, kind: str, before: Mapping[str, ComponentInfo], after: Mapping[str, ComponentInfo]) -> Iterator[Change]:
    for label in dict.fromkeys([*before, *after]):
        old, new = before.get(label), after.get(label)
        if old is None or new is None or old.digest != new.digest:
            texts = _recipe_difference(old, new)
            yield Change(f"{where}: {kind}{label}", texts[0], texts[1])


def _explained_changes(where: str, before: Group, after: Group) -> Iterator[Change]:
    """What was explained otherwise, of what both runs say."""
    old, new = vars(before.explained), vars(after.explained)
    for name in old:
        if None not in (old[name], new[name]) and old[name] != new[name]:
            yield Change(f"{where}: {name}", _value_text(old[name]), _value_text(new[name]))


def _column_changes(where: str, before: Group, after: Group) -> Iterator[Change]:
    """In one line, the cells that are of another column of scores although every recipe of theirs is the same."""
    old, new = _recipe_digests(before), _recipe_digests(after)
    changed = [
        pair
        for pair, cell in before.cells.items()
        if pair in after.cells
        and "" not in (cell.key, after.cells[pair].key)
        and cell.key != after.cells[pair].key
        and all(old.get(part) == new.get(part) for part in ("dataset", "model", ("row", pair[0]), ("column", pair[1])))
    ]
    if changed:
        keys = [group.cells[changed[0]].key[:12] for group in (before, after)]
        more = f" (and of {len(changed) - 1} more)" if len(changed) > 1 else ""
        yield Change(f"{where}: column of {changed[0][0]} on {changed[0][1]}{more}", *keys)


def _recipe_digests(group: Group) -> dict[str | tuple[str, str], str]:
    """Digests of all recipes of a group."""
    found: dict[str | tuple[str, str], str] = {name: recipe.digest for name, recipe in group.recipes.items()}
    found.update({("row", info.label): info.digest for info in group.explainers})
    found.update({("column", info.label): info.digest for info in group.metrics})
    return found


def _recipe_difference(old: ComponentInfo | None, new: ComponentInfo | None) -> tuple[str | None, str | None]:
    """Two recipes by what differs between them: component, versions, parameters, or (if all of these are equal) the digest."""
    parts = [{} if recipe is None else _recipe_parts(recipe) for recipe in (old, new)]
    names = [name for name in dict.fromkeys([*parts[0], *parts[1]]) if parts[0].get(name) != parts[1].get(name)]
    if old is None or new is None:
        names = ["component", "version"]
    elif not names:
        return f"digest {old.digest[:12]}", f"digest {new.digest[:12]}"
    texts = [", ".join(f"{name} {part[name]}" if name != "component" else part[name] for name in names if part.get(name)) for part in parts]
    return None if old is None else texts[0], None if new is None else texts[1]


def _recipe_parts(recipe: ComponentInfo) -> dict[str, str]:
    named = {"component": recipe.component, "plugin": recipe.plugin, "version": recipe.version}
    named |= {"inverted": "true"} if isinstance(recipe, MetricInfo) and recipe.inverted else {}
    return named | {name: json.dumps(value, ensure_ascii=False, default=str) for name, value in recipe.params.items()}


def _shared_samples(before: Group, after: Group, where: str, found: ResultsDifference) -> tuple[list[int], list[int]]:
    """Positions in both groups of the samples that both have with the same content."""
    old = {sample: k for k, sample in enumerate(before.samples)}
    new = {sample: k for k, sample in enumerate(after.samples)}
    both = [sample for sample in sorted(old) if sample in new]
    same = [sample for sample in both if before.digests[old[sample]] == after.digests[new[sample]]]
    gone, come, changed = len(old) - len(both), len(new) - len(both), len(both) - len(same)
    if gone or come:
        found.samples.append(
            Change(where, f"{format_count(len(old), 'sample')}, {gone} only here", f"{format_count(len(new), 'sample')}, {come} only here")
        )
    if changed:
        found.samples.append(Change(where, None, f"{format_count(changed, 'sample has', 'samples have')} other content"))
    return [old[sample] for sample in same], [new[sample] for sample in same]


def _score_change(
    group: Group, pair: tuple[str, str], before: Cell, after: Cell, shared: tuple[Sequence[int], Sequence[int]], results: Results
) -> ScoreChange | None:
    """None if there is no sample that both runs computed."""
    first, second = np.asarray(shared[0], dtype=np.intp), np.asarray(shared[1], dtype=np.intp)
    both = before.computed[first] & after.computed[second]
    if not both.any():
        return None
    old, new = (np.where(np.isfinite(values), values, np.nan) for values in (before.values[first][both], after.values[second][both]))
    gaps = np.isnan(old) != np.isnan(new)
    defined = ~(np.isnan(old) | np.isnan(new))
    differences = new[defined] - old[defined]
    moved = _beyond_noise(old[defined], new[defined], differences)
    interval = mean_interval(differences, confidence=results.confidence)
    verdict: Verdict = "changed" if moved.any() or gaps.any() else "noise" if np.any(differences != 0) else "identical"
    return ScoreChange(
        *(group.dataset, group.model, *pair, verdict),
        pairs=len(old),
        moved=int(moved.sum() + gaps.sum()),
        difference=interval,
        largest=float(np.abs(differences).max()) if len(differences) else float("nan"),
    )


def _beyond_noise(old: Floats, new: Floats, differences: Floats) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.asarray(np.abs(differences) > ABSOLUTE_NOISE + RELATIVE_NOISE * np.maximum(np.abs(old), np.abs(new)))
