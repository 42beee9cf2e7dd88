"""Arguments of `harness.attribute` and `harness.score` beside the model: images, evidence, maps, seeds and training data.

Each function raises ``ValueError`` for what cannot be meant.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Container, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
from torch import Tensor

from harness.api.attribution import Attribution
from harness.api.classifiers import Classifier
from harness.api.context import Context, NoTrainingData
from harness.api.evidence import EvidenceKind, batched, evidence_kind, with_implied_kinds
from harness.api.preprocessing import MAX_RANGE_EXCESS
from harness.api.sample import Dataset
from harness.registry.unmet_needs import lacking_evidence
from harness.worker.call_arguments import as_ids, as_images, format_argument, to_tensor
from harness.worker.contracts import check_finite
from harness.worker.training_data import call_context

RANGE_TOLERANCE = 0.05
"""How far values may lie beyond 0 … 1, before normalising, without a word: rounding, and small perturbations that are meant."""


def sample_names(ids: object, images: Tensor) -> list[str]:
    """Names of samples, for when one of them is to blame: their ids, or their numbers."""
    return as_ids(ids, images) if ids is not None else [f"number {place}" for place in range(len(images))]


def as_model_inputs(given: object, model: Classifier, ids: object) -> Tensor:
    """Images ``(B, C, H, W)`` as the model takes them, finite; warns of values that its preprocessing would not make."""
    images = as_images(given, model)
    check_finite("the images are", images, sample_names(ids, images))
    _check_pixel_range(images, model)
    return images


def _check_pixel_range(images: Tensor, model: Classifier) -> None:
    """Warn if images are not what `Classifier.preprocess` makes, as far as values tell; raise if they cannot be meant.

    Nothing is known of the values that a model without mean and std takes.
    """
    if model.bounds is None or not images.numel():
        return
    pixels = model.denormalise(images.double())
    low, high = float(pixels.min()), float(pixels.max())
    before = f"before normalising they would go from {low:.3g} to {high:.3g}, and images go from 0 to 1"
    if low < -MAX_RANGE_EXCESS or high > 1 + MAX_RANGE_EXCESS:
        raise ValueError(f"images must be model inputs, and look like values of 0 … 255: {before}; model.preprocess(image) makes inputs")
    if low < -RANGE_TOLERANCE or high > 1 + RANGE_TOLERANCE:
        warnings.warn(f"images lie outside of what model.preprocess makes: {before}; are they normalised twice?", stacklevel=5)
    elif float(images.min()) >= 0 and 0.5 < float(images.max()) <= 1 and _normalises_beyond_unit(model):
        warnings.warn("images lie between 0 and 1, as before normalising: model.preprocess(image) makes model inputs of them", stacklevel=5)


def _normalises_beyond_unit(model: Classifier) -> bool:
    """Whether black and white are far outside of 0 … 1 as model inputs, so that few images lie in it once they are normalised."""
    assert model.bounds is not None
    low, high = model.bounds
    return bool((low < -0.5).all() and (high > 1.5).all())


def as_maps(given: object, images: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Maps ``(B, H, W)`` float32 at the size of the images, and the parts of an `Attribution`."""
    size = (images.shape[-2], images.shape[-1])
    if isinstance(given, Attribution):
        parts = {name: _as_image_maps(given.part(name, size), images, f"the part {name!r}") for name in given.parts}
        return _as_image_maps(given.at(size), images, "maps"), parts
    return _as_image_maps(given, images, "maps"), {}


def _as_image_maps(given: object, images: Tensor, what: str) -> Tensor:
    wanted = (len(images), *images.shape[-2:])
    maps = _drop_channel(to_tensor(given, what, str(wanted)), wanted)
    if tuple(maps.shape) != wanted:
        many = ": add its channels up first" if maps.ndim == 4 and (len(maps), *maps.shape[-2:]) == wanted else ""
        raise ValueError(f"{what} must be {wanted}, at the size of the images, not {tuple(maps.shape)}{many}")
    if maps.is_complex():
        raise ValueError(f"{what} must be real numbers, not {maps.dtype}")
    return maps.to(images.device).float()


def _drop_channel(maps: Tensor, wanted: tuple[int, ...]) -> Tensor:
    """``(H, W)`` of one image, and ``(B, 1, H, W)``, as ``(B, H, W)``."""
    if (wanted[0], 1, *wanted[1:]) == tuple(maps.shape):
        return maps[:, 0]
    return maps[None] if tuple(maps.shape) == wanted[1:] and wanted[0] == 1 else maps


def as_evidence(masks: object, boxes: object, others: Mapping[str, object] | None, images: Tensor) -> dict[str, Tensor | Sequence[Tensor]]:
    """Evidence by kind, as a case has it: what each kind's form reads, and the kinds that are made of others as in a run."""
    if not isinstance(others, Mapping | None):
        raise ValueError(f"evidence must be by kind, {{name: tensor}}, not {format_argument(others)}")
    others, named = dict(others or {}), {"mask": masks, "boxes": boxes}
    for name, given in named.items():
        if given is not None and name in others:
            raise ValueError(f"evidence has {name} too, which is given already: leave one of them out")
    read = {name: _as_kind(evidence_kind(name), given, images) for name, given in {**named, **others}.items() if given is not None}
    samples = [with_implied_kinds({name: tensors[place] for name, tensors in read.items()}) for place in range(len(images))]
    return batched(samples, (images.shape[-2], images.shape[-1]), {})


def _as_kind(kind: EvidenceKind, given: object, images: Tensor) -> list[Tensor]:
    """A tensor of each image: of a batch, of a list of what is known of each, or of what is given of the one image alone."""
    count, size, wanted = len(images), (images.shape[-2], images.shape[-1]), f"{kind.form.shape} of each image"
    many = given if isinstance(given, list | tuple) else to_tensor(given, kind.need, wanted)
    each = [to_tensor(one, kind.need, wanted) for one in ([many] if isinstance(many, Tensor) and not many.ndim else many)]
    if count == 1 and (len(each) != 1 or each[0].ndim < 2):
        each = [to_tensor(given, kind.need, wanted)]
    if len(each) != count:
        raise ValueError(f"{kind.need} must be {wanted}, and there are {len(each)} for {count} images")
    found: list[Tensor] = []
    for place, one in enumerate(each):
        try:
            found.append(kind.form.read(one, size).to(images.device))
        except ValueError as error:
            raise ValueError(f"{kind.need} {error} (image {place})") from None
    if len(dimensions := sorted({one.ndim for one in found})) > 1:
        raise ValueError(f"{kind.need} must have as many dimensions for each image, not {' and '.join(map(str, dimensions))}")
    return found


def as_seed(given: object) -> int:
    """A seed, a whole number of at least 0."""
    try:
        seed = operator.index(cast(Any, given))
    except TypeError:
        raise ValueError(f"seed must be a whole number, not {format_argument(given)}") from None
    if not 0 <= seed < 2**63:
        raise ValueError(f"seed must be from 0 to 2⁶³ − 1, not {seed}")
    return seed


def as_training(given: object) -> Dataset | None:
    """A dataset to learn from, or None."""
    if given is None or (isinstance(given, Dataset) and not isinstance(given, Tensor | np.ndarray | str | list | tuple | dict)):
        return given
    if isinstance(given, list | tuple):  # a dataset is anything that has a length and yields samples
        return cast(Dataset, given)
    raise ValueError(f"training must be a dataset of harness.api.Sample (harness.dataset makes one by name), not {format_argument(given)}")


def make_context(model: Classifier, images: Tensor, seed: object, ids: object, training: object) -> Context:
    """The context of a call: the samples' streams, and if there is training data what is drawn of it."""
    return call_context(model, as_training(training), as_seed(seed), as_ids(ids, images), images.device)


def require_needed(name: str, needs: Set[str], evidence: Container[str], *, explainer: bool) -> None:
    """Raise if the metric of this name and these needs cannot score what it is given by hand."""
    lacking = lacking_evidence(needs, evidence, of="none are given (masks=, boxes=, evidence=)")
    if "explainer" in needs and not explainer:
        lacking = "needs the explainer that made the maps, and none is given (explainer=)"
    if lacking is not None:
        raise ValueError(f"{name} is not applicable: {lacking}")


@contextmanager
def no_training_data_as_value_error(name: str) -> Iterator[None]:
    """Say that there is no training data as what it is to who calls a component by hand, an argument that is missing: a ``ValueError``."""
    try:
        yield
    except NoTrainingData as error:
        raise ValueError(f"{name} is not applicable: needs training data, and none is given (training=, a dataset)") from error
