"""Exports a run's maps from the store: arrays as npy, overlays on the images as PNG, the recipe of each, and an index of all."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from harness.figures.overlay import overlay
from harness.leaderboard.selection import Selection
from harness.registry.card import singular
from harness.registry.errors import RegistryError, UnknownComponent
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.registry.session_components import SESSION_DISTRIBUTION as SESSION
from harness.results.run_folder import MapColumn, read_map_columns
from harness.runs.file_names import file_names, to_file_name
from harness.runs.image_files import to_picture
from harness.store.address import default_address, protocol_of, redact_credentials
from harness.store.atomic import write_atomically
from harness.store.errors import StoreNotFound
from harness.store.map_files import SampleKey
from harness.store.sample_alignment import MaskedColumn, SamplePositions
from harness.store.store import Store
from harness.text_format import format_count
from harness.user_errors import UserError, as_user_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.api.declarations import Kind
    from harness.worker.component_cache import ComponentCache

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
    source = _open_store(store or default_address(otherwise=""), described.store)
    from harness.worker.component_cache import ComponentCache

    components = ComponentCache(Registry.discover(plugins))
    wanted = [column for column in columns if chosen.has(**_labels(column))]
    stored = [column for column in wanted if source.samples_with_maps(column.key) & {(sample, digest) for _, sample, digest in column.rows}]
    if not stored:
        which = "such map" if chosen != SELECT_ALL else "map"
        how = "was it run with store: {attributions: none}, or with another --store?"
        raise UserError(f"{source.shown} holds no {which} of {run}: {how}")
    pictures = [_ColumnImages(column, components, described.plugins) for column in stored]
    names = {kind: file_names((getattr(column, kind) for column in columns), kind) for kind in LABELS}
    lines: list[IndexLine] = []
    for column, images in zip(stored, pictures, strict=True):
        place = PurePosixPath(*(names[kind][label] for kind, label in _labels(column).items()))
        lines += _write_column(folder, place, column, source, images, chosen)
    _write_index(folder, lines)
    return lines


def _labels(column: MapColumn) -> dict[str, str]:
    return {kind: getattr(column, kind) for kind in LABELS}


def _open_store(given: Path | str, named: str) -> Store:
    """The store that was given, else the folder that the run names; a place elsewhere is spoken to only where a person named it."""
    if not given and protocol_of(named) is not None:
        raise UserError(f"the run's store was {redact_credentials(named)}: give what you trust of it with --store")
    try:
        return Store(given or named, new=False)
    except StoreNotFound as error:
        raise UserError(f"{error}: give the run's with --store") from error


def _write_column(
    folder: Path, place: PurePosixPath, column: MapColumn, source: Store, images: _ColumnImages, chosen: Selection
) -> list[IndexLine]:
    positions = {(sample, digest): position for position, sample, digest in column.rows if chosen.has(sample=sample)}
    maps = source.maps(column.key, set(positions))
    if maps is None or not maps.samples:
        return []
    write_atomically(folder / place / "recipe.json", json.dumps(column.recipe, indent=1).encode())
    parts = file_names(maps.parts, "part")
    said = _stored_classes(source, column.predictions, maps.samples, images.class_names)
    lines = []
    for row, (key, classes) in enumerate(zip(maps.samples, said, strict=True)):
        image = images.at(positions[key], key)
        name = "-".join(filter(None, [f"{positions[key]:06d}", to_file_name(key[0])]))
        arrays: list[tuple[str | None, NDArray[np.floating]]] = [(None, maps.map), *maps.parts.items()]
        for part, values in arrays:
            stem = place / (name if part is None else f"{name}.{parts[part]}")
            _write_map(folder / stem, values[row], image, column.signed)
            files = {"map": f"{stem}.npy", "picture": f"{stem}.png"}
            lines.append({**files, **_labels(column), "part": part, "sample": key[0], "position": positions[key], **classes})
    return lines


class _ColumnImages:
    """The images of a column as its model sees them; made only of components that are known, and checked against the run."""

    def __init__(self, column: MapColumn, components: ComponentCache, plugins: Sequence[str]) -> None:
        self._components = components
        self._dataset = _known_recipe("datasets", column.dataset_recipe, components, plugins)
        self._model = _known_recipe("models", column.model_recipe, components, plugins)

    @property
    def class_names(self) -> Sequence[str] | None:
        """Of the model."""
        with as_user_error(self._model.label):
            return self._components.model(self._model).class_names

    def at(self, position: int, key: SampleKey) -> NDArray[np.float64]:
        """One image ``(H, W, 3)`` in [0, 1]; raises `UserError` where the dataset has another sample there now."""
        from harness.worker.samples import find_sample_difference, read_sample

        with as_user_error(self._dataset.label):
            dataset = self._components.dataset(self._dataset)
            if position >= len(dataset):
                raise UserError(f"{self._dataset.label} has {format_count(len(dataset), 'sample')}: there is no number {position}")
            sample = read_sample(dataset, position)
            if find_sample_difference(sample, *key):
                raise UserError(f"{self._dataset.label}: sample {position} is not what it was when the maps were made")
        with as_user_error(self._model.label):
            model = self._components.model(self._model)
            return to_picture(model, model.preprocess(sample.image))


def _known_recipe(kind: Kind, data: Mapping[str, Any], components: ComponentCache, plugins: Sequence[str]) -> Recipe:
    """A recipe of ``kind`` that is in a run folder, whose component is known."""
    try:
        recipe = Recipe.from_json(data)
        if recipe.kind != kind or not all(isinstance(text, str) for text in (recipe.name, recipe.distribution, recipe.label)):
            raise ValueError(f"it is not one of {kind}")
        components.registry.card(kind, recipe.qualified)
    except UnknownComponent as error:
        if recipe.distribution == SESSION:
            noun = f"the {singular(kind)} {recipe.label}"
            raise UserError(f"{noun} was an object in Python, which cannot be made again here: --scores alone can be exported") from error
        used = f"; the run had --plugin {', '.join(map(repr, plugins))}: give what you trust of it" if plugins else ""
        raise UserError(f"{error}{used}") from error
    except RegistryError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise UserError(f"columns.json has a recipe that is none: {type(error).__name__}: {error}") from error
    return recipe


def _write_map(path: Path, values: NDArray[np.floating], image: NDArray[np.float64], signed: bool) -> None:
    array, picture = io.BytesIO(), io.BytesIO()
    np.save(array, values)
    write_atomically(path.with_name(path.name + ".npy"), array.getvalue())
    shown = np.nan_to_num(values.astype(np.float64), posinf=0, neginf=0)  # a map that is not finite is undefined, and is shown as none
    Image.fromarray(overlay(image, shown, signed)).save(picture, format="PNG")
    write_atomically(path.with_name(path.name + ".png"), picture.getvalue())


def _stored_classes(store: Store, key: str | None, samples: Sequence[SampleKey], names: Sequence[str] | None) -> Iterator[IndexLine]:
    """The last columns of the index for each sample, of what stands in the store."""
    found = {} if key is None else store.known(key, SamplePositions(samples)).get(key, {})
    labels, predictions = (found.get(name) or MaskedColumn.all_missing(len(samples)) for name in ("label", "predicted"))
    for row in range(len(samples)):
        label, prediction = (int(known.values[row]) if known.there[row] else None for known in (labels, predictions))
        label_name, prediction_name = (
            None if number is None or names is None or not 0 <= number < len(names) else names[number] for number in (label, prediction)
        )
        correct = None if label is None or prediction is None else label == prediction
        values = (label, label_name, prediction, prediction_name, correct)
        yield dict(zip(INDEX_COLUMNS[-5:], values, strict=True))


def _write_index(folder: Path, lines: Sequence[IndexLine]) -> None:
    """Write ``index.csv`` and ``index.json``; an unknown class is empty in the one and null in the other."""
    out = io.StringIO()
    writer = csv.DictWriter(out, INDEX_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: str(value).lower() if isinstance(value, bool) else value for name, value in line.items()} for line in lines)
    write_atomically(folder / "index.csv", out.getvalue().encode())
    write_atomically(folder / "index.json", (json.dumps(lines, indent=1, ensure_ascii=False) + "\n").encode())
