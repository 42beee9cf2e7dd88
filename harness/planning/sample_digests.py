"""Digests that samples had when they were first seen, by which they are known again though the last bits of an image differ.

The digest of an image whose values are no levels of 8 or 16 bit says how its values were rounded (`harness.api.array_digest`). On another
machine noise may make it another, while the content still answers to the first: so the first is what counts, in every store that has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.planning.memo import Memo
from harness.registry.recipe import Recipe
from harness.store.store import Store

DIGESTS_PER_SAMPLE = 4  # digests that are kept of one id: a component has others under other parameters


def select_noise_dependent(digests: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Of (id, digest) those whose digest noise may change."""
    return {sample: found for sample, found in digests if "." in found}


class SampleDigests:
    """What was seen of the samples of datasets, remembered in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, dataset: Recipe) -> dict[str, list[str]]:
        """The digests that samples had, by id, the last first; of all datasets that the component makes."""
        return self._memo(dataset).get() or {}

    def add(self, dataset: Recipe, digests: Mapping[str, str]) -> None:
        """Remember these, by id; only those of `select_noise_dependent` need be."""
        known = self.of(dataset)
        merged = {sample: list(dict.fromkeys([found, *known.get(sample, ())]))[:DIGESTS_PER_SAMPLE] for sample, found in digests.items()}
        if known | merged != known:
            self._memo(dataset).set(known | merged)

    def _memo(self, dataset: Recipe) -> Memo[dict[str, list[str]]]:
        return Memo.about(self._store, dict[str, list[str]], "contents", component=dataset.qualified)
