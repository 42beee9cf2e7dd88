"""Files that a component reads only when it is called, which nobody knows of before: results are known by what they held from then on.

Keys of the first results are made without them. What the files held is remembered, and as soon as they hold something else it is in keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.registry.canonical import digest
from harness.registry.recipe import Recipe
from harness.registry.states import content_of
from harness.store.store import Store

Called = Mapping[str, Mapping[str, str]]  # by the digest of a component's recipe, what each file held when it was first read
KEY = digest({"fact": "called"})
TRIES = 3  # another worker may remember something at the same moment, and this one's be lost


def called(store: Store) -> Called:
    """What is remembered, of all components."""
    known = store.fact(KEY)
    return known if isinstance(known, Mapping) else {}


def remember_called(store: Store, recipe: Recipe, files: Iterable[str]) -> None:
    """Remember what files hold that a component has just read; what is remembered of a file stays."""
    read = sorted(files)
    for _ in range(TRIES if read else 0):
        known = called(store)
        own = known.get(recipe.digest, {})
        new = {file: content_of(file) for file in read if file not in own}
        if not new:
            return
        store.remember(KEY, {**known, recipe.digest: {**own, **new}})


def called_digest(known: Called, recipe: Recipe) -> str | None:
    """Digest of what the files hold that a component, or one nested in it, reads when it is called; None while that is what they held."""
    then = known.get(recipe.digest, {})
    now = {file: content_of(file) for file in then}
    nested = [called_digest(known, part) for part in recipe.nested]
    return digest([now, nested]) if now != then or any(nested) else None
