"""Exports a run's maps from the store: arrays as npy, overlays on the images as PNG, and the recipe of each."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from harness.complaints import UserError
from harness.figures.overlay import overlay
from harness.registry.errors import RegistryError, UnknownComponent
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.runs.blame import blamed
from harness.runs.columns import MapColumn, read_columns
from harness.store.address import protocol, redacted
from harness.store.atomic import write_atomically
from harness.store.errors import NoStore
from harness.store.maps import SampleKey, StoredMaps
from harness.store.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.api.declarations import Kind
    from harness.execution.workbench import Workbench

LONGEST = 80


def export_maps(run: Path, folder: Path, store: Path | str | None = None, plugins: Sequence[Path] = ()) -> int:
    """Write the maps of a run below ``folder`` as ``<dataset>/<model>/<explainer>/<sample>.npy`` and ``.png``; returns how many files.

    Arrays are at the resolution they are stored in. What stands in the run folder is only data: no file that it names is executed, and no
    folder that it names becomes a store. A name that cannot be a file's is mended, and a hash of the whole name appended.

    Raises:
        UserError: the folder is no run folder, its store is none or holds no map of it, a component is missing, or the data changed.
    """
    described = read_columns(run)
    source = _store(store or os.environ.get("HARNESS_STORE"), described.store)
    from harness.execution.workbench import Workbench

    bench = Workbench(Registry.discover(plugins))
    stored = [column for column in described.columns if source.mapped(column.key) & _samples(column)]
    pictures = [_Pictures(column, bench, described.plugins) for column in stored]
    written = 0
    for column, images in zip(stored, pictures, strict=True):
        maps = source.maps(column.key, _samples(column))
        if maps is not None:
            written += _write_column(folder, column, maps, images)
    if not written:
        raise UserError(f"{source.shown} holds no map of {run}: was it run with store: {{attributions: none}}, or with another --store?")
    return written


def _samples(column: MapColumn) -> set[SampleKey]:
    return {(sample, digest) for _, sample, digest in column.rows}


def _store(given: Path | str | None, named: str) -> Store:
    """The store that was given, else the folder that the run names; a place elsewhere is spoken to only where a person named it."""
    if given is None and protocol(named) is not None:
        raise UserError(f"the run's store was {redacted(named)}: give what you trust of it with --store")
    try:
        return Store(given or named, new=False)
    except NoStore as error:
        raise UserError(f"{error}: give the run's with --store") from error


def _write_column(folder: Path, column: MapColumn, maps: StoredMaps, images: _Pictures) -> int:
    place = folder / _safe(column.dataset) / _safe(column.model) / _safe(column.explainer)
    write_atomically(place / "recipe.json", json.dumps(column.recipe, indent=1).encode())
    positions = {(sample, digest): position for position, sample, digest in column.rows}
    written = 1
    for row, key in enumerate(maps.samples):
        image = images.at(positions[key], key)
        name = f"{positions[key]:06d}-{_safe(key[0])}"
        arrays = {"": maps.map[row]} | {f".{_safe(part)}": values[row] for part, values in maps.parts.items()}
        for suffix, values in arrays.items():
            _write(place / f"{name}{suffix}", values, image, column.signed)
            written += 2
    return written


class _Pictures:
    """The images of a column as its model sees them; made only of components that are known, and checked against the run."""

    def __init__(self, column: MapColumn, bench: Workbench, plugins: Sequence[str]) -> None:
        self._bench = bench
        self._dataset = _recipe("datasets", column.dataset_recipe, bench, plugins)
        self._model = _recipe("models", column.model_recipe, bench, plugins)

    def at(self, position: int, key: SampleKey) -> NDArray[np.float64]:
        """One image ``(H, W, 3)`` in [0, 1]; raises `UserError` where the dataset has another sample there now."""
        from harness.execution.samples import difference, read

        with blamed(self._dataset.label):
            dataset = self._bench.dataset(self._dataset)
            if position >= len(dataset):
                raise UserError(f"{self._dataset.label} has {len(dataset)} samples: there is no number {position}")
            sample = read(dataset, position)
            if difference(sample, *key):
                raise UserError(f"{self._dataset.label}: sample {position} is not what it was when the maps were made")
        with blamed(self._model.label):
            model = self._bench.model(self._model)
            image = model.denormalise(model.preprocess(sample.image)).clamp(0, 1).permute(1, 2, 0)
            return np.asarray(image.numpy(), dtype=np.float64)


def _recipe(kind: Kind, data: Mapping[str, Any], bench: Workbench, plugins: Sequence[str]) -> Recipe:
    """A recipe of ``kind`` that is in a run folder, whose component is known."""
    try:
        recipe = Recipe.from_json(data)
        if recipe.kind != kind or not all(isinstance(text, str) for text in (recipe.name, recipe.distribution, recipe.label)):
            raise ValueError(f"it is not one of {kind}")
        bench.registry.card(kind, recipe.qualified)
    except UnknownComponent as error:
        used = f"; the run had --plugin {', '.join(map(repr, plugins))}: give what you trust of it" if plugins else ""
        raise UserError(f"{error}{used}") from error
    except RegistryError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise UserError(f"columns.json has a recipe that is none: {type(error).__name__}: {error}") from error
    return recipe


def _write(path: Path, values: NDArray[np.floating], image: NDArray[np.float64], signed: bool) -> None:
    array, picture = io.BytesIO(), io.BytesIO()
    np.save(array, values)
    write_atomically(path.with_name(path.name + ".npy"), array.getvalue())
    shown = np.nan_to_num(values.astype(np.float64), posinf=0, neginf=0)  # a map that is not finite is undefined, and is shown as none
    Image.fromarray(overlay(image, shown, signed)).save(picture, format="PNG")
    write_atomically(path.with_name(path.name + ".png"), picture.getvalue())


def _safe(name: str) -> str:
    """A file name that stays in its folder, and another for every name."""
    safe = "".join(c if c.isalnum() or c in "-_.+ ()" else "_" for c in name).strip(". ")
    if safe == name and 0 < len(name.encode()) <= LONGEST:
        return name
    short = safe.encode()[:LONGEST].decode(errors="ignore")
    return f"{short or '_'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
