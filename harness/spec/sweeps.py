"""Sweeps: one entry of a list of components for each combination of some parameters' values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count, product
from typing import Any

from harness.registry.errors import KeyPath
from harness.registry.json_schema import format_value
from harness.spec.keep_options import is_ranking
from harness.spec.problems import SpecProblem
from harness.spec.run_spec import KIND_BY_KEY, label_of
from harness.spec.yaml_document import SpecDocument

SWEPT_LISTS = tuple(key for key in KIND_BY_KEY if key != "nulls")
RANGE_KEYS = {"from", "to", "step"}
MOST_ENTRIES = 10_000  # of one list, which no person reads
Factors = dict[str, str]


def expand_sweeps(document: SpecDocument) -> list[SpecProblem]:
    """Put in place of each entry with ``sweep`` one for each combination of values, with its ``factors``; what is wrong with sweeps.

    The last parameter named changes fastest. Each entry has the values among its ``params``, and a label that names them unless there is
    one value only. What is wrong with an entry is told at the place of the sweep, or of the value.
    """
    problems: list[SpecProblem] = []
    pools: set[str] = set()
    for key in SWEPT_LISTS if isinstance(document.data, dict) else ():
        items = document.data.get(key)
        if not isinstance(items, list) or not any(isinstance(item, dict) and "sweep" in item for item in items):
            continue
        entries: list[tuple[int, Any, Mapping[str, int]]] = []
        for index, item in enumerate(items):
            if not (isinstance(item, dict) and "sweep" in item):
                entries.append((index, item, {}))
                continue
            wrong = [document.problem((key, index, "sweep", *at), message) for at, message in _sweep_problems(item)]
            problems += wrong
            made = [(_without(item), {})] if wrong else _ranked_entries(item, pools)
            entries += [(index, entry, chosen) for entry, chosen in made]
        document.data[key] = [entry for _, entry, _ in entries]
        _move_places(document, key, entries)
    return problems


def _sweep_problems(item: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """What is wrong with a sweep, and where in it."""
    sweep, given = item["sweep"], item.get("params")
    if not isinstance(sweep, Mapping) or not sweep:
        yield (), f"must be a mapping of parameters to the values that each takes in turn, not {format_value(sweep)}"
        return
    for name, values in sweep.items():
        if isinstance(values, Mapping):
            yield from (((name, *at), message) for at, message in _range_problems(values))
        elif not isinstance(values, list) or not values:
            yield (name,), f"must be a list of values, or a range such as {{from: 0, to: 4}}, not {format_value(values)}"
        if isinstance(given, Mapping) and name in given:
            yield (name,), f"{name} is swept, and stands among params too: leave out one of them"
    sizes = [len(_values(values)) for values in sweep.values() if isinstance(values, list)]
    count = 1
    for size in sizes:
        count *= size
    if count > MOST_ENTRIES:
        yield (), f"has {count:,} combinations, and at most {MOST_ENTRIES:,} are taken"


def _range_problems(given: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    unknown = sorted(str(name) for name in set(given) - RANGE_KEYS)
    whole = all(isinstance(value, int) and not isinstance(value, bool) for value in given.values())
    if unknown or not {"from", "to"} <= set(given) or not whole or given.get("step", 1) < 1:
        yield (), "a range has whole numbers under from and to, which is taken too, and a step of at least 1; other values go into a list"
    elif not 0 <= given["to"] - given["from"] < MOST_ENTRIES:
        yield (), f"a range goes up from {given['from']} to no more than {MOST_ENTRIES - 1:,} above, and this one to {given['to']}"


def _iter_entries(item: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, int]]]:
    """Each entry, and which of its values each parameter has."""
    sweep = {str(name): _values(values) for name, values in item["sweep"].items()}
    texts = {name: _texts(values) for name, values in sweep.items()}
    label = label_of(dict(item))
    varied = [name for name, values in sweep.items() if len(values) > 1]
    params = item.get("params") if item.get("params") is not None else {}
    for places in product(*(range(len(values)) for values in sweep.values())):
        chosen = dict(zip(sweep, places, strict=True))
        factors = {name: texts[name][place] for name, place in chosen.items()}
        said = ", ".join(f"{name}={factors[name]}" for name in varied)
        values = {name: sweep[name][place] for name, place in chosen.items()}
        entry = {
            **_without(item),
            "params": {**params, **values} if isinstance(params, Mapping) else params,
            "label": f"{label} {said}".strip() if said else label,
            "factors": {**(item.get("factors") or {}), **factors},
        }
        yield entry, chosen


def _ranked_entries(item: Mapping[str, Any], pools: set[str]) -> list[tuple[dict[str, Any], dict[str, int]]]:
    """Each entry; those of which only the best are kept have a name for their pool that no other has, unless it is given one."""
    entries, keep = list(_iter_entries(item)), item.get("keep")
    if not is_ranking(keep):
        return [entries[0], *((_without(entry, "keep"), chosen) for entry, chosen in entries[1:])]  # what is wrong is said once
    if keep.get("among") is not None:
        return entries
    label = label_of(dict(item))
    name = next(name for number in count(1) if (name := label if number == 1 else f"{label} ({number})") not in pools)
    pools.add(name)
    return [({**entry, "keep": {**keep, "among": name}}, chosen) for entry, chosen in entries]


def _without(item: Mapping[str, Any], key: str = "sweep") -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != key}


def _values(given: Any) -> list[Any]:
    """The values of a list, or of a range with both its ends."""
    return list(given) if isinstance(given, list) else [*range(given["from"], given["to"] + 1, given.get("step", 1))]


def _texts(values: list[Any]) -> list[str]:
    """What each value is called, all different: of a component its label or name."""
    found: list[str] = []
    for value in values:
        named = value.get("label") or value.get("use") if isinstance(value, Mapping) else None
        text = str(named) if named is not None else value if isinstance(value, str) else format_value(value)
        found.append(text if text not in found else f"{text} ({len(found) + 1})")
    return found


def _move_places(document: SpecDocument, key: str, entries: list[tuple[int, Any, Mapping[str, int]]]) -> None:
    """Have places, origins and refusals of a list be those of its new entries."""
    for kept in (document.values, document.keys, document.origins):
        old = {path: value for path, value in kept.items() if path[:1] == (key,) and len(path) > 1}
        for path in old:
            del kept[path]
        for index, (was, _, chosen) in enumerate(entries):
            for path, value in old.items():
                if path[1] == was:
                    kept[(key, index, *_moved(path[2:], chosen))] = value  # type: ignore[assignment]
    old_refused = {path for path in document.refused if path[:1] == (key,) and len(path) > 1}
    document.refused -= old_refused
    document.refused |= {
        (key, index, *_moved(path[2:], chosen)) for index, (was, _, chosen) in enumerate(entries) for path in old_refused if path[1] == was
    }


def _moved(path: KeyPath, chosen: Mapping[str, int]) -> KeyPath:
    """Where what stood in a sweep is in an entry: the value that the entry has is a parameter."""
    if len(path) > 2 and path[0] == "sweep" and chosen.get(str(path[1])) == path[2]:
        return ("params", path[1], *path[3:])
    return path
