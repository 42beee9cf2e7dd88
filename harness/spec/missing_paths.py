"""Files and folders that parameters name: those that are not there are known before anything runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.registry.errors import Problem
from harness.registry.naming import find_nearest_name
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry

KeyPath = tuple[str | int, ...]
PATH_FORMATS = {"path": "file or folder", "file-path": "file", "directory-path": "folder"}
"""What a parameter names whose annotation is a path, by its format in the schema."""
_LIKE_A_FILE = re.compile(r"(~|\.{0,2}/|[A-Za-z]:\\).*|(?!\w+:).*\.[a-z][a-z0-9]{0,11}")
_LONGEST = 4096  # characters; a longer text names no file


def missing_paths(registry: Registry, recipe: Recipe, given: Mapping[str, Any], at: KeyPath) -> Iterator[Problem]:
    """A problem for each file or folder that is not there, of those that parameters of a component or of one nested in it name.

    A name is looked for from the working folder, and in folders that other parameters of the component name (a manifest below ``root``);
    where such a folder is not there itself, that alone is told. Where a parameter takes other texts than paths, a text counts that looks
    like a file: it has an ending, or begins as paths do.

    Args:
        registry: knows what the parameters are.
        recipe: the component.
        given: its parameters as the spec gives them; defaults are the component's own matter.
        at: the place of those parameters in the spec.
    """
    named = list(_iter_named_paths(registry, recipe))
    told = False
    for name, kind, text in named:
        beside = [_expand_home(folder) / text for _, _, folder in named if folder != text]
        absent = not any(_exists_as(kind, place) for place in (_expand_home(text), *beside))
        if absent and name in given and not (told and not _expand_home(text).is_absolute()):
            told = True
            yield Problem((*at, name), f"{recipe.name}: {name}: {_describe_missing(kind, text)}")
    for name, value in recipe.params.items():
        yield from _iter_nested_problems(registry, value, given.get(name), (*at, name))


def _iter_named_paths(registry: Registry, recipe: Recipe) -> Iterator[tuple[str, str, str]]:
    """Parameter, format and text of each path."""
    for name, schema in registry.known(recipe.kind, recipe.qualified).parameters.get("properties", {}).items():
        value = recipe.params.get(name)
        if isinstance(value, str) and (kind := _path_format(schema, value)) is not None:
            yield name, kind, value
        elif isinstance(value, list):
            items = [form["items"] for form in (schema, *schema.get("anyOf", ())) if isinstance(form.get("items"), Mapping)]
            for text, form in ((text, form) for text in value for form in items[:1] if isinstance(text, str)):
                if (kind := _path_format(form, text)) is not None:
                    yield name, kind, text


def _path_format(schema: Mapping[str, Any], text: str) -> str | None:
    """The format of the path that a text is meant as by a parameter's schema; None where it is meant as something else."""
    forms = [form for form in (schema, *schema.get("anyOf", ())) if form.get("type") == "string" or "enum" in form or "const" in form]
    kinds = [form["format"] for form in forms if form.get("format") in PATH_FORMATS]
    if not kinds or (len(kinds) < len(forms) and not _LIKE_A_FILE.fullmatch(text)):
        return None
    return str(kinds[0])


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


def _expand_home(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # the home of nobody
        return Path(text)


def _exists_as(kind: str, place: Path) -> bool:
    try:
        return {"path": place.exists, "file-path": place.is_file, "directory-path": place.is_dir}[kind]()
    except (OSError, ValueError):  # too long, or with a null character
        return False


def _describe_missing(kind: str, text: str) -> str:
    """What is said of a path that is not there, with its neighbour that may be meant."""
    place = _expand_home(text[:_LONGEST])
    said = f'there is no {PATH_FORMATS[kind]} "{text}"'
    if kind != "path" and _exists_as("path", place):
        return f'"{text}" is no {PATH_FORMATS[kind]}'
    where = "" if place.is_absolute() else f" in {Path.cwd()}"
    try:
        near = find_nearest_name(place.name, [child.name for child in place.absolute().parent.iterdir()])
    except (OSError, ValueError):
        near = None
    return f"{said}{where}" + (f'; did you mean "{place.parent / near}"?' if near else "")
