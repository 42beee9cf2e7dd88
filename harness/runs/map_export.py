"""Exports a run's maps from the store: arrays as npy, overlays on the images as PNG, the recipe of each, and an index of all."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from harness.figures.overlay import overlay
from harness.leaderboard.selection import Selection
from harness.registry.registry import Registry
from harness.results.run_folder import MapColumn, read_map_columns
from harness.runs.file_names import file_names, to_file_name
from harness.runs.stored_maps import ColumnImages, open_run_store, predictions_in_store
from harness.store.address import default_address
from harness.store.atomic import write_atomically
from harness.store.store import Store
from harness.user_errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray


SELECT_ALL = Selection()
LABELS = ("dataset", "model", "explainer")
INDEX_COLUMNS = (
    "map", "picture", "dataset", "model", "explainer", "part", "sample", "position", "label", "label_name", "prediction", "prediction_name",
    "correct",
)  # fmt: skip
"""Files below the folder; labels; the part of an explanation that it is, if not the whole; the sample's id and its position in the
data set; what is true and what is predicted by the model's number and name, None if that is not known."""
IndexLine = dict[str, Any]  # by INDEX_COLUMNS


def export_maps(
    run: Path, folder: Path, store: Path | str | None = None, plugins: Sequence[Path] = (), chosen: Selection = SELECT_ALL
) -> list[IndexLine]:
    """Write the ``chosen`` maps of a run below ``folder`` as ``<dataset>/<model>/<explainer>/<position>-<sample>.npy`` and ``.png``.

    Arrays are at the resolution they are stored in. ``index.csv`` and ``index.json`` list them, with what each is of; the lines are
    returned too. Names are made readable, and are those of the whole run, whatever is chosen of it. What stands in the run folder is only
    data: no file that it names is executed, and no folder that it names becomes a store.

    Raises:
        RunFolderError: the folder is no run folder.
        UserError: its store is none or holds no map of it, a component is missing, or the data changed.
        SelectionError: a name that is chosen is none of the run's.
    """
    described = read_map_columns(run)
    columns = described.columns
    for kind in LABELS:
        chosen.check(f"{kind}s", (getattr(column, kind) for column in columns))
    chosen.check("samples", (sample for column in columns for _, sample, _ in column.rows))
    source = open_run_store(store or default_address(otherwise=""), described.store)
    from harness.worker.component_cache import ComponentCache

    components = ComponentCache(Registry.discover(plugins))
    wanted = [column for column in columns if chosen.has(**_labels(column))]
    stored = [column for column in wanted if source.samples_with_maps(column.key) & {(sample, digest) for _, sample, digest in column.rows}]
    if not stored:
        which = "such map" if chosen != SELECT_ALL else "map"
        how = "was it run with store: {attributions: none}, or with another --store?"
        raise UserError(f"{source.shown} holds no {which} of {run}: {how}")
    pictures = [ColumnImages(column, components, described.plugins) for column in stored]
    names = {kind: file_names((getattr(column, kind) for column in columns), kind) for kind in LABELS}
    lines: list[IndexLine] = []
    for column, images in zip(stored, pictures, strict=True):
        place = PurePosixPath(*(names[kind][label] for kind, label in _labels(column).items()))
        lines += _write_column(folder, place, column, source, images, chosen)
    _write_index(folder, lines)
    return lines


def _labels(column: MapColumn) -> dict[str, str]:
    return {kind: getattr(column, kind) for kind in LABELS}


def _write_column(
    folder: Path, place: PurePosixPath, column: MapColumn, source: Store, images: ColumnImages, chosen: Selection
) -> list[IndexLine]:
    positions = {(sample, digest): position for position, sample, digest in column.rows if chosen.has(sample=sample)}
    maps = source.maps(column.key, set(positions))
    if maps is None or not maps.samples:
        return []
    write_atomically(folder / place / "recipe.json", json.dumps(column.recipe, indent=1).encode())
    parts = file_names(maps.parts, "part")
    predictions = predictions_in_store(source, column.predictions, maps.samples, images.class_names)
    lines = []
    for row, (key, prediction) in enumerate(zip(maps.samples, predictions, strict=True)):
        image = images.at(positions[key], key)
        name = "-".join(filter(None, [f"{positions[key]:06d}", to_file_name(key[0])]))
        arrays: list[tuple[str | None, NDArray[np.floating]]] = [(None, maps.map), *maps.parts.items()]
        for part, values in arrays:
            stem = place / (name if part is None else f"{name}.{parts[part]}")
            _write_map(folder / stem, values[row], image, column.signed)
            files = {"map": f"{stem}.npy", "picture": f"{stem}.png"}
            place_of = {"part": part, "sample": key[0], "position": positions[key]}
            lines.append({**files, **_labels(column), **place_of, **{name: getattr(prediction, name) for name in INDEX_COLUMNS[-5:]}})
    return lines


def _write_map(path: Path, values: NDArray[np.floating], image: NDArray[np.float64], signed: bool) -> None:
    array, picture = io.BytesIO(), io.BytesIO()
    np.save(array, values)
    write_atomically(path.with_name(path.name + ".npy"), array.getvalue())
    shown = np.nan_to_num(values.astype(np.float64), posinf=0, neginf=0)  # a map that is not finite is undefined, and is shown as none
    Image.fromarray(overlay(image, shown, signed)).save(picture, format="PNG")
    write_atomically(path.with_name(path.name + ".png"), picture.getvalue())


def _write_index(folder: Path, lines: Sequence[IndexLine]) -> None:
    """Write ``index.csv`` and ``index.json``; an unknown class is empty in the one and null in the other."""
    out = io.StringIO()
    writer = csv.DictWriter(out, INDEX_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: str(value).lower() if isinstance(value, bool) else value for name, value in line.items()} for line in lines)
    write_atomically(folder / "index.csv", out.getvalue().encode())
    write_atomically(folder / "index.json", (json.dumps(lines, indent=1, ensure_ascii=False) + "\n").encode())
