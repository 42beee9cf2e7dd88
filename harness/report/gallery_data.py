"""The samples that a page shows: an index of all, and of each its image, truth, maps and scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.leaderboard.number_format import printable
from harness.report.group_maps import GroupMaps, rows_by_sample, sample_chunks
from harness.report.pictures import encode_image, encode_map, encode_mask
from harness.report.sample_choice import ChoiceRule, choose_samples
from harness.report.script_json import shorten
from harness.results.data_model import Group
from harness.results.document import GroupEntry
from harness.runs.stored_maps import StoredPrediction
from harness.store.map_files import StoredMaps


@dataclass(frozen=True)
class GroupGallery:
    """The chosen samples of a group: by which rule, and of each what the list of samples says of it (with its scores)."""

    rule: str
    samples: list[str]
    index: list[dict[str, Any]]


def gallery_index(maps: GroupMaps, group: Group, entry: GroupEntry, rule: ChoiceRule, count: int, seed: int) -> GroupGallery:
    """Choose ``count`` samples by the rule, and list them."""
    kept = maps.samples
    there = [k for k, sample in enumerate(group.samples) if sample in kept]
    real = [row.label for row in entry.rows if not row.null]
    numbers = choose_samples(rule, count, group, real, seed, there, lambda: maps.disagreement([group.samples[k] for k in there], real))
    samples = [group.samples[k] for k in numbers]
    differ = maps.disagreement(samples, real)
    index = [
        {
            "id": printable(group.samples[k]),
            "position": maps.position(group.samples[k]),
            **_prediction_data(prediction),
            "correct": bool(group.correct[k]),
            "disagreement": None if np.isnan(apart) else shorten(float(apart), 3),
            "scores": _scores(group, entry, k),
        }
        for k, prediction, apart in zip(numbers, maps.predictions(samples), differ.tolist(), strict=True)
    ]
    return GroupGallery(rule.text(len(numbers), len(there), seed), samples, index)


def gallery_samples(maps: GroupMaps, entry: GroupEntry, samples: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Image, mask and maps of each sample, maps in the order of the board, the parts of one before it."""
    for part in sample_chunks(samples):
        stored = maps.maps(part)
        rows = rows_by_sample(stored)
        for sample in part:
            own = [
                one
                for number, row in enumerate(entry.rows)
                if sample in rows.get(row.label, {})
                for one in _sample_maps(number, stored[row.label], rows[row.label][sample], maps.columns[row.label].column.signed)
            ]
            yield {**_sample_pictures(maps, sample), "maps": own}


def _sample_pictures(maps: GroupMaps, sample: str) -> dict[str, Any]:
    found = maps.images.sample(maps.position(sample), maps.key(sample))
    picture = maps.images.picture(found)
    mask = maps.images.mask(found)
    size = {"height": picture.shape[0], "width": picture.shape[1]}
    return {"image": encode_image(picture), **size, "mask": None if mask is None else encode_mask(mask)}


def _sample_maps(number: int, stored: StoredMaps, row: int, signed: bool) -> Iterator[dict[str, Any]]:
    """The parts of a map by name, then the map itself; a part is signed if it has negative values."""
    for name, part in sorted(stored.parts.items(), key=lambda pair: pair[0].casefold()):
        yield {"row": number, "part": printable(name), **encode_map(part[row], False)}
    yield {"row": number, "part": None, **encode_map(stored.map[row], signed)}


def _prediction_data(found: StoredPrediction) -> dict[str, Any]:
    def words(number: int | None, name: str | None) -> str | None:
        return None if number is None else f"class {number}" if name is None else printable(name)

    return {
        "label": words(found.label, found.label_name),
        "prediction": words(found.prediction, found.prediction_name),
        "confidence": shorten(found.confidence, 4),
    }


def _scores(group: Group, entry: GroupEntry, number: int) -> list[list[float | None]]:
    """The sample's scores by row and metric of the board."""
    return [[_score(group, row.label, metric.label, number) for metric in entry.metrics] for row in entry.rows]


def _score(group: Group, explainer: str, metric: str, number: int) -> float | None:
    cell = group.cells.get((explainer, metric))
    value = float("nan") if cell is None else float(cell.values[number])
    return shorten(value, 4) if np.isfinite(value) else None
