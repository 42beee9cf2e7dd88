"""The maps of a store, in one group for each explanation."""

from __future__ import annotations

from collections.abc import Collection

from harness.store import map_files as map_files
from harness.store.errors import wrap_read_errors, wrap_write_errors
from harness.store.map_files import SampleKey, StoredMaps
from harness.store.segment_index import hash_ids
from harness.store.segments import SegmentGroups

_KIND, _SUFFIX = "maps", ".safetensors"


class MapGroups(SegmentGroups):
    """Maps are written once, and never merged."""

    def commit_maps(self, group: str, maps: StoredMaps) -> None:
        """Make maps durable."""
        if maps.samples:
            content = map_files.encode_maps(maps, group)
            with wrap_write_errors(self.shown):
                self._write_segment(_KIND, group, _SUFFIX, content)

    def maps(self, group: str, wanted: Collection[SampleKey]) -> StoredMaps | None:
        """The maps of the wanted samples that are stored, in no particular order; None if there is none."""
        pieces: list[StoredMaps] = []
        missing = set(wanted)
        with wrap_read_errors(self.shown):
            paths = self._index.worth_reading(self._segments(_KIND, group, _SUFFIX), hash_ids(sample for sample, _ in missing))
            stated = dict(map_files.read_sample_keys(self.folder, paths, group))
            chosen = [path for path, samples in stated.items() if samples is None or not missing.isdisjoint(samples)]
            for path, samples in stated.items():
                if samples is not None:
                    self._index.note(path, {sample for sample, _ in samples})
        for path, content in self._contents(chosen):
            with self._setting_aside(path):
                stored = map_files.decode_maps(content, group)
                if pieces and map_files.maps_form(stored) != map_files.maps_form(pieces[0]):
                    raise ValueError("its maps are of another form than those beside it")
                rows = [i for i, sample in enumerate(stored.samples) if sample in missing]
                if rows:
                    missing.difference_update(stored.samples[i] for i in rows)
                    pieces.append(stored.take(rows))
        return map_files.concatenate_maps(pieces) if pieces else None

    def samples_with_maps(self, group: str) -> set[SampleKey]:
        """The samples whose maps are stored, as the files' headers say."""
        with wrap_read_errors(self.shown):
            stated = map_files.read_sample_keys(self.folder, self._segments(_KIND, group, _SUFFIX), group)
            return {sample for _, samples in stated for sample in samples or ()}
