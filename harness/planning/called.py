"""Files that a component reads only when it is called, which nobody knows of before: results are known by what they held from then on.

Keys of the first results are made without them. What the files held is remembered, and as soon as they hold something else it is in keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.registry.canonical import digest
from harness.registry.recipe import Recipe
from harness.registry.states import content_of
from harness.store.store import Store


def remember_called(store: Store, recipe: Recipe, files: Iterable[str]) -> None:
    """Remember what files hold that a component has just read; what is remembered of a file stays."""
    known = _known(store, recipe)
    new = {file: content_of(file) for file in sorted(set(files) - set(known))}
    if new:
        store.remember(_key(recipe), {**known, **new})


def called_digest(store: Store, recipe: Recipe) -> str | None:
    """Digest of what the files hold that a component, or one nested in it, reads when it is called; None while that is what they held."""
    known = _known(store, recipe)
    now = {file: content_of(file) for file in known}
    nested = [called_digest(store, part) for part in recipe.nested]
    return digest([now, nested]) if now != known or any(nested) else None


def _known(store: Store, recipe: Recipe) -> Mapping[str, str]:
    known = store.fact(_key(recipe))
    return known if isinstance(known, Mapping) else {}


def _key(recipe: Recipe) -> str:
    return digest({"fact": "called", "component": recipe.digest})
