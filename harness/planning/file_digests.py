"""Digests of the files that components read, which are in keys: a checkpoint that is trained again makes new results."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.planning.facts import iter_file_states
from harness.planning.memo import Memo
from harness.registry.canonical_json import json_digest
from harness.registry.file_states import content_digest_of
from harness.registry.parameter_paths import exists_as, iter_annotated_paths
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.store.store import Store

CallTimeFiles = dict[str, dict[str, str]]  # by the digest of a component's recipe, what each file held when it was first read
ATTEMPTS = 3  # another worker may remember something at the same moment, and this one's be lost


def digest_named_files(registry: Registry, store: Store, recipe: Recipe) -> str | None:
    """Digest of what every file holds that a parameter of the component, or of one nested in it, names; None if none does.

    A parameter names a file if its annotation is a path. Digests of files are remembered by their state.
    """
    found = [_digest_file(store, path) for path in _iter_named_files(registry, recipe)]
    return json_digest(found) if found else None


def digest_files_by_parameter(registry: Registry, store: Store, recipe: Recipe) -> dict[str, str]:
    """Digests of the files that the component's own parameters name, by the parameter; lists are not among them."""
    named = (path for path in iter_annotated_paths(registry, recipe) if path.text == recipe.params[path.parameter])
    return {path.parameter: _digest_file(store, path.path) for path in named if exists_as("file-path", path.path)}


def _iter_named_files(registry: Registry, recipe: Recipe) -> Iterator[Path]:
    yield from (path.path for path in iter_annotated_paths(registry, recipe) if exists_as("file-path", path.path))
    for nested in recipe.nested:
        yield from _iter_named_files(registry, nested)


def _digest_file(store: Store, path: Path) -> str:
    memo = Memo.about(store, str, "file", path=str(path.resolve()), state=list(iter_file_states(path)))
    known = memo.get()
    if known is None:
        with path.open("rb") as stream:  # what cannot be read now has no digest, and none is remembered
            known = hashlib.file_digest(stream, "sha256").hexdigest()
        memo.set(known)
    return known


def load_call_time_files(store: Store) -> CallTimeFiles:
    """The files that components were found to read only when they are called, which nobody knows of before.

    Keys of the first results are made without them. As soon as such a file holds something else than it did then, it is in keys.
    """
    return _call_time_files(store).get() or {}


def _call_time_files(store: Store) -> Memo[dict[str, dict[str, str]]]:
    return Memo.about(store, dict[str, dict[str, str]], "called")


def remember_call_time_files(store: Store, recipe: Recipe, files: Iterable[str]) -> None:
    """Remember what files hold that a component has just read; what is remembered of a file stays."""
    read = sorted(files)
    for _ in range(ATTEMPTS if read else 0):
        known = load_call_time_files(store)
        own = known.get(recipe.digest, {})
        new = {file: content_digest_of(file) for file in read if file not in own}
        if not new:
            return
        _call_time_files(store).set({**known, recipe.digest: {**own, **new}})


def digest_changed_files(known: CallTimeFiles, recipe: Recipe) -> str | None:
    """Digest of what the files hold that a component, or one nested in it, reads when it is called; None while that is what they held."""
    then = known.get(recipe.digest, {})
    now = {file: content_digest_of(file) for file in then}
    nested = [digest_changed_files(known, part) for part in recipe.nested]
    return json_digest([now, nested]) if now != then or any(nested) else None
