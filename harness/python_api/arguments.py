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
import torch
from torch import Tensor

from harness.api.attribution import Attribution
from harness.api.classifiers import Classifier
from harness.api.context import Context, NoTrainingData
from harness.api.evidence import box_round
from harness.api.preprocessing import MAX_RANGE_EXCESS
from harness.api.sample import Dataset
from harness.planning.class_matching import match_classes
from harness.registry.unmet_needs import lacking_evidence
from harness.worker.call_arguments import as_ids, as_images, format_argument, to_tensor
from harness.worker.contracts import check_finite
from harness.worker.training_data import background_images, labelled_images

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


def as_masks(given: object, images: Tensor) -> Tensor | None:
    """``(B, H, W)`` bool, also of 0 and 1 or of 0 and 255; None stays None."""
    if given is None:
        return None
    wanted = (len(images), *images.shape[-2:])
    masks = _drop_channel(to_tensor(given, "masks", f"bool {wanted}"), wanted)
    two = masks.dtype == torch.bool or bool(((masks == 0) | (masks == 1)).all()) or bool(((masks == 0) | (masks == 255)).all())
    if tuple(masks.shape) != wanted or not two:
        values = "" if two else ", with other values than 0 and 1"
        raise ValueError(f"masks must be bool {wanted}, at the size of the images, not {masks.dtype} {tuple(masks.shape)}{values}")
    return masks.bool().to(images.device)


def _drop_channel(maps: Tensor, wanted: tuple[int, ...]) -> Tensor:
    """``(H, W)`` of one image, and ``(B, 1, H, W)``, as ``(B, H, W)``."""
    if (wanted[0], 1, *wanted[1:]) == tuple(maps.shape):
        return maps[:, 0]
    return maps[None] if tuple(maps.shape) == wanted[1:] and wanted[0] == 1 else maps


def as_boxes(given: object, masks: Tensor | None, images: Tensor) -> list[Tensor] | None:
    """``(N, 4)`` float per image, ``x0, y0, x1, y1`` in pixels; if none are given those round the masks, as in a run."""
    if given is None:
        return None if masks is None else [box_round(mask) for mask in masks]
    count, wanted = len(images), "(N, 4) of each image: x0, y0, x1, y1"
    if not isinstance(given, Tensor | np.ndarray | list | tuple):
        raise ValueError(f"boxes must be {wanted}, not {format_argument(given)}")
    if count == 1 and len(given) and np.ndim(given[0]) == 1:  # the boxes of the one image
        given = [given]
    if len(given) != count:
        raise ValueError(f"boxes must be {wanted}, and there are {len(given)} for {count} images")
    return [_as_image_boxes(one, place, wanted).to(images.device) for place, one in enumerate(given)]


def _as_image_boxes(given: object, place: int, wanted: str) -> Tensor:
    boxes = to_tensor(given, "boxes", wanted)
    boxes = boxes.reshape(-1, 4) if tuple(boxes.shape) in ((4,), (0,)) else boxes
    if boxes.ndim != 2 or boxes.shape[1] != 4 or boxes.is_complex():
        raise ValueError(f"boxes must be {wanted}, not {tuple(boxes.shape)} (image {place})")
    wrong = boxes[~((boxes[:, 2:] >= boxes[:, :2]).all(dim=1) & torch.isfinite(boxes).all(dim=1))]
    if len(wrong):
        raise ValueError(f"boxes must be x0, y0, x1, y1 with x0 ≤ x1 and y0 ≤ y1, not {wrong[0].tolist()} (image {place})")
    return boxes.float()


def as_evidence(masks: object, boxes: object, others: Mapping[str, object] | None, images: Tensor) -> dict[str, Tensor | Sequence[Tensor]]:
    """Evidence by kind, as a case has it: masks, boxes, and rasters of any other kind."""
    others = dict(others or {})
    for name, given in (("mask", masks), ("boxes", boxes)):
        if given is not None and name in others:
            raise ValueError(f"evidence has {name} too, which is given already: leave one of them out")
    truths = as_masks(others.pop("mask", masks), images)
    found = {"mask": truths, "boxes": as_boxes(others.pop("boxes", boxes), truths, images)}
    found |= {name: _as_rasters(given, name, images) for name, given in others.items() if given is not None}
    return {name: value for name, value in found.items() if value is not None}


def _as_rasters(given: object, name: str, images: Tensor) -> Tensor | list[Tensor]:
    """``(B, H, W)``, or a list of ``(K, H, W)``; bool if they were, else float32."""
    count, size = len(images), tuple(images.shape[-2:])
    wanted = f"{(count, *size)}, or (K, {size[0]}, {size[1]}) of each image"
    found: Tensor | list[Tensor]
    if isinstance(given, list | tuple) and len(given) == count and all(np.ndim(one) == 3 for one in given):
        found = [to_tensor(one, name, wanted) for one in given]
    else:
        found = to_tensor(given, name, wanted)
    if isinstance(found, Tensor):
        found = found[None] if tuple(found.shape) == size and count == 1 else found
        found = list(found) if found.ndim == 4 else found
    shapes = {tuple(one.shape[-2:]) for one in found}
    if len(found) != count or shapes - {size} or any(one.is_complex() for one in found):
        raise ValueError(f"{name} must be {wanted}, at the size of the images, not {format_argument(given)}")
    moved = [(one if one.dtype == torch.bool else one.float()).to(images.device) for one in found]
    return torch.stack(moved) if isinstance(found, Tensor) and count else moved


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
    start, names, data = as_seed(seed), as_ids(ids, images), as_training(training)
    if data is None:
        return Context(start, names, device=images.device)

    def background(n: int) -> Tensor:
        return background_images(model, data, start, n)

    def labelled(n: int) -> tuple[Tensor, Tensor]:
        classes = match_classes(getattr(data, "class_names", None), model.class_names, model.num_classes)
        return labelled_images(model, data, classes, start, n)

    return Context(start, names, "call", images.device, background, labelled)


def missing_evidence_reason(needs: Set[str], evidence: Container[str], *, explainer: bool) -> str | None:
    """Why a metric of these needs cannot score what it is given by hand, or None."""
    if "explainer" in needs and not explainer:
        return "needs the explainer that made the maps, and none is given (explainer=)"
    return lacking_evidence(needs, evidence, of="none are given (masks=, boxes=, evidence=)")


@contextmanager
def no_training_data_as_value_error(name: str) -> Iterator[None]:
    """Say that there is no training data as what it is to who calls a component by hand, an argument that is missing: a ``ValueError``."""
    try:
        yield
    except NoTrainingData as error:
        raise ValueError(f"{name} is not applicable: needs training data, and none is given (training=, a dataset)") from error
