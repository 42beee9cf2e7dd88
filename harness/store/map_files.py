"""Attribution maps as safetensors segments: the map and its parts at their own resolution, with the samples they belong to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from harness.store.folder import Folder

USUAL_HEADER, LONGEST_HEADER = 1 << 14, 1 << 26  # bytes, with the 8 that say how many follow
SampleKey = tuple[str, str]  # (sample id, content digest)
Array = NDArray[np.floating]
_MAP, _PART, _EXPECTED = "map", "part/", "expected"
_SAMPLES, _GROUP = "samples", "group"  # what a file says of its maps: of which samples, and of which explanation, they are


@dataclass(frozen=True)
class StoredMaps:
    """Maps of some samples, as arrays.

    Attributes:
        samples: (id, content digest) of each row.
        map: ``(N, h, w)``.
        parts: ``(N, h', w')`` by name.
        expected: ``(N,)`` what a complete map must sum to, or None.
    """

    samples: Sequence[SampleKey]
    map: Array
    parts: Mapping[str, Array]
    expected: Array | None = None

    def take(self, rows: Sequence[int]) -> StoredMaps:
        """The chosen rows."""
        index = list(rows)
        return StoredMaps(
            [self.samples[i] for i in index],
            self.map[index],
            {name: part[index] for name, part in self.parts.items()},
            None if self.expected is None else self.expected[index],
        )


def concatenate_maps(pieces: Sequence[StoredMaps]) -> StoredMaps:
    """Several sets of the same column as one."""
    first = pieces[0]
    return StoredMaps(
        [sample for piece in pieces for sample in piece.samples],
        np.concatenate([piece.map for piece in pieces]),
        {name: np.concatenate([piece.parts[name] for piece in pieces]) for name in first.parts},
        None if first.expected is None else np.concatenate([piece.expected for piece in pieces if piece.expected is not None]),
    )


def encode_maps(maps: StoredMaps, group: str) -> bytes:
    """The bytes of a safetensors file of a group."""
    tensors = {_MAP: maps.map} | {_PART + name: part for name, part in maps.parts.items()}
    if maps.expected is not None:
        tensors[_EXPECTED] = maps.expected
    contiguous = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    return bytes(save(contiguous, metadata={_SAMPLES: json.dumps([list(sample) for sample in maps.samples]), _GROUP: group}))


def decode_maps(content: bytes, group: str) -> StoredMaps:
    """The maps in the bytes of a safetensors file; raises ``ValueError`` if they are no maps of this group and of the samples it names."""
    tensors = load(content)
    parts = {name.removeprefix(_PART): array for name, array in tensors.items() if name.startswith(_PART)}
    maps = StoredMaps(parse_sample_keys(content, group), tensors[_MAP], parts, tensors.get(_EXPECTED))
    expected = [] if maps.expected is None else [(maps.expected, 1)]
    for array, dimensions in [(maps.map, 3), *((part, 3) for part in parts.values()), *expected]:
        if array.ndim != dimensions or len(array) != len(maps.samples) or not np.issubdtype(array.dtype, np.floating):
            raise ValueError(f"it has {array.dtype} values of the shape {array.shape} for {len(maps.samples)} samples")
    return maps


def maps_form(maps: StoredMaps) -> tuple[object, ...]:
    """Traits that maps for `concatenate_maps` have in common: resolution, parts, and whether it is known what they must sum to."""
    return maps.map.shape[1:], {name: part.shape[1:] for name, part in maps.parts.items()}, maps.expected is None


def read_sample_keys(folder: Folder, paths: Sequence[str], group: str) -> Iterator[tuple[str, list[SampleKey] | None]]:
    """The samples that each file of a group says it has, from its header alone; None if that cannot be read, or is another group's."""
    longer: dict[str, int] = {}
    for path, start in folder.read_heads(paths, USUAL_HEADER):
        if isinstance(start, bytes) and (size := _header_size(start)) > USUAL_HEADER:
            longer[path] = min(size, LONGEST_HEADER)
        else:
            yield path, _parse_or_none(start, group)
    for path, size in longer.items():
        for _, start in folder.read_heads([path], size):
            yield path, _parse_or_none(start, group)


def _parse_or_none(start: bytes | OSError, group: str) -> list[SampleKey] | None:
    try:
        return None if isinstance(start, OSError) else parse_sample_keys(start, group)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _header_size(start: bytes) -> int:
    return 8 + int.from_bytes(start[:8], "little")


def parse_sample_keys(content: bytes, group: str) -> list[SampleKey]:
    """The samples named in the header of a safetensors file (8 bytes of length, then JSON); raises ``ValueError`` for another group's."""
    header = json.loads(content[8 : _header_size(content)])["__metadata__"]
    if header.get(_GROUP, group) != group:  # older files do not say it
        raise ValueError(f"its maps are of {header[_GROUP][:12]}")
    return [(str(sample), str(digest)) for sample, digest in json.loads(header[_SAMPLES])]
