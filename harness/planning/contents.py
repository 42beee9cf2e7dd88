"""Digests that samples had when they were first seen, by which they are known again though the last bits of an image differ.

The digest of an image whose values are no levels of 8 or 16 bit says how its values were rounded (`harness.api.content`). On another
machine noise may make it another, while the content still answers to the first: so the first is what counts, in every store that has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.registry.canonical import digest
from harness.registry.recipe import Recipe
from harness.store.store import Store

MOST = 4  # digests that are kept of one id: a component has others under other parameters


def hinted(digests: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Of (id, digest) those whose digest noise may change."""
    return {sample: found for sample, found in digests if "." in found}


class Contents:
    """What was seen of the samples of datasets, remembered in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, dataset: Recipe) -> dict[str, list[str]]:
        """The digests that samples had, by id, the last first; of all datasets that the component makes."""
        found = self._store.fact(_key(dataset))
        return found if isinstance(found, dict) else {}

    def add(self, dataset: Recipe, digests: Mapping[str, str]) -> None:
        """Remember these, by id; only those of `hinted` need be."""
        known = self.of(dataset)
        merged = {sample: list(dict.fromkeys([found, *known.get(sample, ())]))[:MOST] for sample, found in digests.items()}
        if known | merged != known:
            self._store.remember(_key(dataset), known | merged)


def _key(dataset: Recipe) -> str:
    return digest({"fact": "contents", "component": dataset.qualified})
