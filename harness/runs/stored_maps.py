"""Maps of a run as they lie in its store, with the images that they are of and what the model predicted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.registry.card import singular
from harness.registry.errors import RegistryError, UnknownComponent
from harness.registry.recipe import Recipe
from harness.registry.session_components import SESSION_DISTRIBUTION as SESSION
from harness.results.run_folder import MapColumn
from harness.runs.image_files import to_picture
from harness.store.address import protocol_of, redact_credentials
from harness.store.errors import StoreNotFound
from harness.store.map_files import SampleKey
from harness.store.sample_alignment import MaskedColumn, SamplePositions
from harness.store.store import Store
from harness.text_format import format_count
from harness.user_errors import UserError, as_user_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.api.declarations import Kind
    from harness.api.sample import Sample
    from harness.worker.component_cache import ComponentCache


@dataclass(frozen=True)
class StoredPrediction:
    """True and predicted class of a sample by number and by name, and with what confidence; None if that is not known."""

    label: int | None
    label_name: str | None
    prediction: int | None
    prediction_name: str | None
    confidence: float | None

    @property
    def correct(self) -> bool | None:
        """Whether the two are the same."""
        return None if self.label is None or self.prediction is None else self.label == self.prediction


def open_run_store(given: Path | str, named: str) -> Store:
    """The store that was given, else the folder that the run names; a place elsewhere is spoken to only where a person named it."""
    if not given and protocol_of(named) is not None:
        raise UserError(f"the run's store was {redact_credentials(named)}: give what you trust of it with --store")
    try:
        return Store(given or named, new=False)
    except StoreNotFound as error:
        raise UserError(f"{error}: give the run's with --store") from error


class ColumnImages:
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
        return self.picture(self.sample(position, key))

    def sample(self, position: int, key: SampleKey) -> Sample:
        """One sample as the data set has it; raises `UserError` where that has another there now."""
        from harness.worker.samples import find_sample_difference, read_sample

        with as_user_error(self._dataset.label):
            dataset = self._components.dataset(self._dataset)
            if position >= len(dataset):
                raise UserError(f"{self._dataset.label} has {format_count(len(dataset), 'sample')}: there is no number {position}")
            sample = read_sample(dataset, position)
            if find_sample_difference(sample, *key):
                raise UserError(f"{self._dataset.label}: sample {position} is not what it was when the maps were made")
        return sample

    def picture(self, sample: Sample) -> NDArray[np.float64]:
        """The image of a sample ``(H, W, 3)`` in [0, 1], as the model sees it."""
        with as_user_error(self._model.label):
            model = self._components.model(self._model)
            return to_picture(model, model.preprocess(sample.image))

    def mask(self, sample: Sample) -> NDArray[np.bool_] | None:
        """The mask of a sample ``(H, W)`` in the model's coordinates; None if it has none."""
        with as_user_error(self._dataset.label):
            if sample.mask is None:
                return None
            geometry = self._components.model(self._model).geometry
            return np.asarray(geometry.mask(sample.mask).cpu().numpy(), dtype=bool)


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


def predictions_in_store(
    store: Store, key: str | None, samples: Sequence[SampleKey], names: Sequence[str] | None
) -> Iterator[StoredPrediction]:
    """The prediction of each sample, of what stands in the store; ``names`` of the model's classes."""
    found = {} if key is None else store.known(key, SamplePositions(samples)).get(key, {})
    columns = [found.get(name) or MaskedColumn.all_missing(len(samples)) for name in ("label", "predicted", "confidence")]

    def name(number: int | None) -> str | None:
        return None if number is None or names is None or not 0 <= number < len(names) else names[number]

    for row in range(len(samples)):
        label, predicted, confidence = (float(column.values[row]) if column.there[row] else None for column in columns)
        true, prediction = (None if number is None else int(number) for number in (label, predicted))
        yield StoredPrediction(true, name(true), prediction, name(prediction), confidence)
