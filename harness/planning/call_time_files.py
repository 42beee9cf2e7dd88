"""Files that a component reads only when it is called, which nobody knows of before: results are known by what they held from then on.

Keys of the first results are made without them. What the files held is remembered, and as soon as they hold something else it is in keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.registry.canonical_json import json_digest
from harness.registry.file_states import content_digest_of
from harness.registry.recipe import Recipe
from harness.store.store import Store

CallTimeFiles = Mapping[str, Mapping[str, str]]  # by the digest of a component's recipe, what each file held when it was first read
CALL_TIME_FILES_KEY = json_digest({"fact": "called"})
ATTEMPTS = 3  # another worker may remember something at the same moment, and this one's be lost


def load_call_time_files(store: Store) -> CallTimeFiles:
    """What is remembered, of all components."""
    known = store.fact(CALL_TIME_FILES_KEY)
    return known if isinstance(known, Mapping) else {}


def remember_call_time_files(store: Store, recipe: Recipe, files: Iterable[str]) -> None:
    """Remember what files hold that a component has just read; what is remembered of a file stays."""
    read = sorted(files)
    for _ in range(ATTEMPTS if read else 0):
        known = load_call_time_files(store)
        own = known.get(recipe.digest, {})
        new = {file: content_digest_of(file) for file in read if file not in own}
        if not new:
            return
        store.remember(CALL_TIME_FILES_KEY, {**known, recipe.digest: {**own, **new}})


def digest_changed_files(known: CallTimeFiles, recipe: Recipe) -> str | None:
    """Digest of what the files hold that a component, or one nested in it, reads when it is called; None while that is what they held."""
    then = known.get(recipe.digest, {})
    now = {file: content_digest_of(file) for file in then}
    nested = [digest_changed_files(known, part) for part in recipe.nested]
    return json_digest([now, nested]) if now != then or any(nested) else None
