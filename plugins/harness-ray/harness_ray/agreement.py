"""Agreement of a node with the driver: the same harness, and the same version of every component of the plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.api.executors import SESSION_DISTRIBUTION as SESSION
from harness.api.executors import Recipe

CORE = "xai-harness"


def components(recipes: Iterable[Recipe | None]) -> frozenset[str]:
    """``kind/distribution/name`` of every recipe, and of those nested in it."""
    found: set[str] = set()
    for recipe in recipes:
        if recipe is not None:
            found |= {f"{recipe.kind}/{recipe.qualified}", *components(recipe.nested)}
    return frozenset(found)


def differences(wanted: Iterable[str], ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """Differences between a node's wanted components and the driver's, by distribution, in words; two inventories are compared."""
    found = [*_core(ours["core"], theirs["core"])]
    distributions: dict[str, str] = {}
    for key in sorted(wanted):
        if key in ours["components"] and theirs["components"].get(key) != ours["components"][key]:
            distributions.setdefault(key.split("/")[1], key)
    for name, key in distributions.items():
        found.append(_told(name, key, ours["distributions"].get(name), theirs["distributions"].get(name), key in theirs["components"]))
    return found


def _core(ours: tuple[str, str], theirs: tuple[str, str]) -> Iterator[str]:
    if ours[0] != theirs[0]:
        yield f"it has {CORE} {theirs[0]}, and the driver {ours[0]}"
    elif ours[1] != theirs[1]:
        yield f"it has another {CORE} {theirs[0]} than the driver: its files, or the versions of what it requires, differ"


def _told(name: str, key: str, ours: Mapping[str, Any] | None, theirs: Mapping[str, Any] | None, there: bool) -> str:
    kind, _, component = key.split("/")
    if name == SESSION:
        return f"{component} is an object of this session, which no other process has: use the executor inline, or a plugin file"
    if ours is None:  # a plugin file
        return f"its {name} is not the driver's" if there else f"its {name} has no {kind[:-1]} {component}"
    if theirs is None:
        return f"it has no {name} (the driver: {ours['version']})"
    if ours["version"] != theirs["version"]:
        return f"it has {name} {theirs['version']}, and the driver {ours['version']}"
    other = [
        f"{required} {theirs['requires'].get(required, 'missing')} (the driver: {version})"
        for required, version in ours["requires"].items()
        if theirs["requires"].get(required) != version
    ]
    return f"its {name} {ours['version']} runs on {', '.join(other)}" if other else f"its {name} {ours['version']} has other files"
