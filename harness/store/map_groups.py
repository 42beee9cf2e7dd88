"""The maps of a store, in one group for each explanation."""

from __future__ import annotations

from collections.abc import Collection

from harness.store import maps as map_files
from harness.store.errors import reading, writing
from harness.store.index import marks
from harness.store.maps import SampleKey, StoredMaps
from harness.store.segmented import Segmented

_KIND, _SUFFIX = "maps", ".safetensors"


class MapGroups(Segmented):
    """Maps are written once, and never merged."""

    def commit_maps(self, group: str, maps: StoredMaps) -> None:
        """Make maps durable."""
        if maps.samples:
            content = map_files.encode(maps)
            with writing(self.shown):
                self._write_segment(_KIND, group, _SUFFIX, content)

    def maps(self, group: str, wanted: Collection[SampleKey]) -> StoredMaps | None:
        """The maps of the wanted samples that are stored, in no particular order; None where there is none."""
        pieces: list[StoredMaps] = []
        missing = set(wanted)
        with reading(self.shown):
            paths = self._index.worth_reading(self._segments(_KIND, group, _SUFFIX), marks(sample for sample, _ in missing))
            stated = dict(map_files.samples_in(self.folder, paths))
            chosen = [path for path, samples in stated.items() if samples is None or not missing.isdisjoint(samples)]
            for path, samples in stated.items():
                if samples is not None:
                    self._index.note(path, {sample for sample, _ in samples})
        for path, content in self._contents(chosen):
            with self._setting_aside(path):
                stored = map_files.decode(content)
                if pieces and map_files.form(stored) != map_files.form(pieces[0]):
                    raise ValueError("its maps are of another form than those beside it")
                rows = [i for i, sample in enumerate(stored.samples) if sample in missing]
                if rows:
                    missing.difference_update(stored.samples[i] for i in rows)
                    pieces.append(stored.take(rows))
        return map_files.joined(pieces) if pieces else None

    def mapped(self, group: str) -> set[SampleKey]:
        """The samples whose maps are stored, as the files' headers say."""
        with reading(self.shown):
            stated = map_files.samples_in(self.folder, self._segments(_KIND, group, _SUFFIX))
            return {sample for _, samples in stated for sample in samples or ()}
