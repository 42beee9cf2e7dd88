"""The maps of one group, of however many runs, with the images that they are of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.registry.registry import Registry
from harness.report.pictures import coarse_map
from harness.report.sample_choice import map_disagreement
from harness.results.data_model import Group
from harness.results.field_types import Floats
from harness.results.run_folder import MapColumn, read_map_columns
from harness.runs.stored_maps import ColumnImages, StoredPrediction, open_run_store, predictions_in_store
from harness.store.address import default_address
from harness.store.map_files import SampleKey, StoredMaps
from harness.store.store import Store
from harness.user_errors import UserError

CHUNK = 32
"""Samples whose maps are in memory at once."""
NO_MAPS = "no maps of it are kept: write `store: {attributions: all}` into the spec, and run it again"


class NoMapsKept(UserError):
    """A group of which no run keeps a map."""


@dataclass(frozen=True)
class KeptColumn:
    """One explainer's maps, the store they are in, and the files of plugins that their run was given."""

    column: MapColumn
    store: Store
    plugins: Sequence[str]


class GroupMaps:
    """Maps and images of a group.

    Raises:
        NoMapsKept: no run has a map of it.
        UserError: a store is not there, or a component is not installed.
    """

    def __init__(self, runs: Sequence[Path], group: Group, store: str | None, registry: Registry) -> None:
        self.columns: dict[str, KeptColumn] = {}
        for run in runs:
            described = read_map_columns(run)
            own = [column for column in described.columns if (column.dataset, column.model) == (group.dataset, group.model)]
            source = open_run_store(store or default_address(otherwise=""), described.store) if own else None
            for column in own:
                if source is not None and column.explainer not in self.columns and source.samples_with_maps(column.key):
                    self.columns[column.explainer] = KeptColumn(column, source, described.plugins)
        if not self.columns:
            raise NoMapsKept(NO_MAPS)
        self._any = next(iter(self.columns.values()))
        self._positions = {(sample, digest): position for position, sample, digest in self._any.column.rows}
        self._digests = {sample: digest for _, sample, digest in self._any.column.rows}
        self._registry = registry
        self._images: ColumnImages | None = None

    @property
    def samples(self) -> set[str]:
        """Ids of the samples that any explainer has a map of."""
        found = {sample for kept in self.columns.values() for sample, _ in kept.store.samples_with_maps(kept.column.key)}
        return found & set(self._digests)

    @property
    def images(self) -> ColumnImages:
        """The images, whose data set and model are loaded when they are first asked for."""
        if self._images is None:
            from harness.worker.component_cache import ComponentCache

            self._images = ColumnImages(self._any.column, ComponentCache(self._registry), self._any.plugins)
        return self._images

    def key(self, sample: str) -> SampleKey:
        """The id and digest by which maps know a sample."""
        return sample, self._digests[sample]

    def position(self, sample: str) -> int:
        """The sample's number in the data set."""
        return self._positions[self.key(sample)]

    def maps(self, samples: Collection[str]) -> dict[str, StoredMaps]:
        """Maps of these samples by explainer, of those that have any."""
        keys = {self.key(sample) for sample in samples}
        found = {label: kept.store.maps(kept.column.key, keys) for label, kept in self.columns.items()}
        return {label: maps for label, maps in found.items() if maps is not None}

    def predictions(self, samples: Sequence[str]) -> list[StoredPrediction]:
        """What is true of each sample, and what the model predicted."""
        keys = [self.key(sample) for sample in samples]
        return list(predictions_in_store(self._any.store, self._any.column.predictions, keys, self.images.class_names))

    def disagreement(self, samples: Sequence[str], explainers: Collection[str]) -> Floats:
        """``(len(samples),)`` how far the maps of these explainers differ on each sample (`map_disagreement`)."""
        found: dict[str, list[NDArray[np.float64]]] = {sample: [] for sample in samples}
        for part in sample_chunks(samples):
            for label, maps in self.maps(part).items():
                if label in explainers:
                    for (sample, _), values in zip(maps.samples, maps.map, strict=True):
                        found[sample].append(coarse_map(values))
        return np.asarray([map_disagreement(found[sample]) for sample in samples])


def sample_chunks(samples: Sequence[str]) -> Iterator[Sequence[str]]:
    """The samples, `CHUNK` at a time."""
    for start in range(0, len(samples), CHUNK):
        yield samples[start : start + CHUNK]


def rows_by_sample(maps: Mapping[str, StoredMaps]) -> dict[str, dict[str, int]]:
    """By explainer the row of each sample's map."""
    return {label: {sample: row for row, (sample, _) in enumerate(stored.samples)} for label, stored in maps.items()}
