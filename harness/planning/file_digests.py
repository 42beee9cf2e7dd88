"""The content of files that parameters name, which is in keys: a checkpoint that is trained again makes new results."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from harness.planning.facts import iter_file_states
from harness.registry.canonical_json import json_digest
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.store.store import Store


def digest_named_files(registry: Registry, store: Store, recipe: Recipe) -> str | None:
    """Digest of the content of every file that a parameter of the component, or of one nested in it, names; None where none does.

    A parameter names a file where its annotation is a path. Digests of files are remembered by their state.
    """
    files = [path for path in _iter_named_files(registry, recipe) if path.is_file()]
    return json_digest([_digest_file(store, path) for path in files]) if files else None


def digest_files_by_parameter(registry: Registry, store: Store, recipe: Recipe) -> dict[str, str]:
    """Digests of the files that the component's own parameters name, by the parameter."""
    given = {name: Path(str(recipe.params[name])).expanduser() for name in _path_parameters(registry, recipe)}
    return {name: _digest_file(store, path) for name, path in given.items() if path.is_file()}


def _path_parameters(registry: Registry, recipe: Recipe) -> Iterator[str]:
    for name, schema in registry.known(recipe.kind, recipe.qualified).parameters.get("properties", {}).items():
        forms = (schema, *schema.get("anyOf", ()))
        if isinstance(recipe.params.get(name), str) and any(form.get("format") in ("path", "file-path") for form in forms):
            yield name


def _iter_named_files(registry: Registry, recipe: Recipe) -> Iterator[Path]:
    for name in _path_parameters(registry, recipe):
        yield Path(str(recipe.params[name])).expanduser()
    for nested in recipe.nested:
        yield from _iter_named_files(registry, nested)


def _digest_file(store: Store, path: Path) -> str:
    key = json_digest({"fact": "file", "path": str(path.resolve()), "state": [list(entry) for entry in iter_file_states(path)]})
    known = store.fact(key)
    if isinstance(known, str):
        return known
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    store.remember(key, found)
    return found
