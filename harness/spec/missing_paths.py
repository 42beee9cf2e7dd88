"""Files and folders that parameters name: those that are not there are known before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.registry.errors import KeyPath, Problem
from harness.registry.naming import find_nearest_name
from harness.registry.parameter_paths import LONGEST_PATH, PATH_FORMATS, exists_as, expand_home, iter_annotated_paths
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry


def missing_paths(registry: Registry, recipe: Recipe, given: Mapping[str, Any], at: KeyPath) -> Iterator[Problem]:
    """A problem for each file or folder that is not there, of those that parameters of a component or of one nested in it name.

    A name is looked for from the working folder, and in folders that other parameters of the component name (a manifest below ``root``);
    if such a folder is not there itself, that alone is told. If a parameter takes other texts than paths, a text counts that looks
    like a file: it has an ending, or begins as paths do.

    Args:
        registry: knows what the parameters are.
        recipe: the component.
        given: its parameters as the spec gives them; defaults are the component's own matter.
        at: the place of those parameters in the spec.
    """
    named = [(path.parameter, path.format, path.text) for path in iter_annotated_paths(registry, recipe) if path.meant]
    told = False
    for name, kind, text in named:
        beside = [expand_home(folder) / text for _, _, folder in named if folder != text]
        absent = not any(exists_as(kind, place) for place in (expand_home(text), *beside))
        if absent and name in given and not (told and not expand_home(text).is_absolute()):
            told = True
            yield Problem((*at, name), f"{recipe.name}: {name}: {_describe_missing(kind, text)}")
    for name, value in recipe.params.items():
        yield from _iter_nested_problems(registry, value, given.get(name), (*at, name))


def _iter_nested_problems(registry: Registry, value: object, given: object, at: KeyPath) -> Iterator[Problem]:
    """The problems of the components that stand in a parameter."""
    if isinstance(value, Recipe):
        params = given.get("params") if isinstance(given, Mapping) else None
        yield from missing_paths(registry, value, params if isinstance(params, Mapping) else {}, (*at, "params"))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _iter_nested_problems(registry, item, given.get(name) if isinstance(given, Mapping) else None, (*at, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _iter_nested_problems(
                registry, item, given[index] if isinstance(given, list) and index < len(given) else None, (*at, index)
            )


def _describe_missing(kind: str, text: str) -> str:
    """What is said of a path that is not there, with its neighbour that may be meant."""
    place = expand_home(text[:LONGEST_PATH])
    said = f'there is no {PATH_FORMATS[kind]} "{text}"'
    if kind != "path" and exists_as("path", place):
        return f'"{text}" is no {PATH_FORMATS[kind]}'
    beside = "" if place.is_absolute() else f" in {Path.cwd()}"
    try:
        near = find_nearest_name(place.name, [child.name for child in place.absolute().parent.iterdir()])
    except (OSError, ValueError):
        near = None
    return f"{said}{beside}" + (f'; did you mean "{place.parent / near}"?' if near else "")
