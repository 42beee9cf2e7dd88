"""Arguments of explainers as tensors that belong together: taken if it is clear what is meant, else one sentence says why not.

Each function raises ``ValueError`` for what cannot be meant.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from harness.api.classifiers import Classifier
from harness.registry.naming import did_you_mean, join_words


def as_classifier(model: object) -> Classifier:
    """A model, which must have been prepared, and whose logits for an image are the image's alone."""
    if not isinstance(model, Classifier):
        made = "harness.classifier(module, input_shape=(C, H, W)) makes one of a network, harness.model one of a component's name"
        raise ValueError(f"model must be a classifier, not {format_argument(model)}: {made}")
    if model.refused is not None:
        raise ValueError(f"the model cannot be evaluated: {model.refused}")
    return model


def as_images(given: object, model: Classifier) -> Tensor:
    """Model inputs ``(B, C, H, W)``, of the model's type and at least float32, where they were; one image ``(C, H, W)`` makes a batch."""
    channels = model.input_shape[0]
    images = to_tensor(given, "images", "a tensor or an array (B, C, H, W)")
    shape = tuple(images.shape)
    if len(shape) == 3:
        images = images[None]
    if images.ndim != 4:
        raise ValueError(f"images must be (B, C, H, W), not {shape}")
    if not images.is_floating_point():
        how = "model.preprocess makes one of an image in 0 … 1, which 0 … 255 is after dividing by 255"
        raise ValueError(f"images must be floats, as the model takes them, not {images.dtype}: {how}")
    if images.shape[1] != channels:
        last = ": channels come before height and width" if images.shape[-1] == channels else ""
        raise ValueError(f"images must be (B, {channels}, H, W), as many channels as the model's input has, not {shape}{last}")
    if 0 in images.shape[2:]:
        raise ValueError(f"images must have pixels, and are {shape}")
    _check_fits(images, model)
    return images.to(torch.promote_types(model.dtype, torch.float32))


def _check_fits(images: Tensor, model: Classifier) -> None:
    """Raise if images have another size than the model's input, and it cannot take that."""
    size = tuple(images.shape[1:])
    if size == model.input_shape or not len(images):
        return
    try:
        with torch.no_grad():
            model(images[:1].to(model.dtype))
    except Exception as error:
        wanted = ", ".join(map(str, ("B", *model.input_shape)))
        raise ValueError(f"images must be ({wanted}), not {tuple(images.shape)}: model.preprocess brings an image to its size") from error


def as_targets(given: object, count: int, model: Classifier) -> Tensor:
    """``(B,)`` int64 classes, of one class for all, of one per image, of class names, or of a one-hot ``(B, K)``."""
    classes = model.num_classes
    wanted = f"({count},), one class per image"
    if _is_class_names(given):
        given = [_class_index(name, model) for name in ([given] if isinstance(given, str) else cast("Sequence[str]", given))]
        given = given[0] if len(given) == 1 else given
    targets = to_tensor(given, "targets", wanted)
    shape = tuple(targets.shape)
    if shape == (count, classes) and _is_one_hot(targets):
        targets = (targets == 1).int().argmax(dim=1)
    elif shape == (count, 1):
        targets = targets[:, 0]
    elif shape in ((), (1,)):
        targets = targets.reshape(1).expand(count)
    if tuple(targets.shape) != (count,):
        raise ValueError(f"targets must be {wanted}, not {shape}")
    whole = not (targets.is_floating_point() or targets.is_complex())
    if targets.dtype == torch.bool or (count and not whole and not (targets.isfinite().all() and is_whole_valued(targets))):
        raise ValueError(f"targets must be classes 0 to {classes - 1}, as whole numbers, not {targets.dtype}")
    if count and (wrong := (targets < 0) | (targets >= classes)).any():  # of whole numbers a device is asked nothing else
        raise ValueError(f"targets must be classes 0 to {classes - 1}, not {int(targets[wrong][0])}")
    return targets.long().clone()


def _is_class_names(given: object) -> bool:
    many = given.tolist() if isinstance(given, np.ndarray) and given.dtype.kind in "UO" else given
    return isinstance(given, str) or (isinstance(many, list | tuple) and bool(many) and all(isinstance(item, str) for item in many))


def _class_index(name: str, model: Classifier) -> int:
    names = model.class_names
    if names is None:
        raise ValueError(f"targets must be classes 0 to {model.num_classes - 1}, not {name!r}: the model has no class names")
    if name not in names:
        raise ValueError(f"targets must be classes of the model, not {name!r}{did_you_mean(name, names)} (classes: {join_words(names)})")
    places = [str(place) for place, known in enumerate(names) if known == name]
    if len(places) > 1:
        raise ValueError(f"targets must be one class each, and {name!r} is the name of classes {join_words(places)}: give its index")
    return int(places[0])


def _is_one_hot(targets: Tensor) -> bool:
    """Whether each row has a single 1 among zeros."""
    ones = targets == 1
    return bool((ones | (targets == 0)).all() and (ones.sum(dim=1) == 1).all())


def as_ids(given: object, images: Tensor) -> list[str]:
    """One id per image, as texts; if none are given, a digest of each image."""
    if given is None:
        return [_content_digest(image) for image in images]
    single = isinstance(given, str | int | np.integer)
    if not single and not hasattr(given, "__iter__"):
        raise ValueError(f"ids must be {len(images)} texts, one per image, not {format_argument(given)}")
    found = [given] if single else list(cast(Any, given))
    if len(found) != len(images):
        raise ValueError(f"{len(found)} ids for {len(images)} images")
    return [str(item.item() if isinstance(item, Tensor) and item.numel() == 1 else item) for item in found]


def _content_digest(image: Tensor) -> str:
    """SHA-256 (hex) of an image's values as float32 or wider, so that what numpy has no type for is known too."""
    plain = image.detach().cpu().to(torch.promote_types(image.dtype, torch.float32)).contiguous()
    return hashlib.sha256(plain.numpy().tobytes()).hexdigest()


def to_tensor(value: object, what: str, wanted: str) -> Tensor:
    """``value`` as a tensor without a graph: a dense tensor, an array, or a list of numbers, arrays or tensors of one shape.

    Raises ``ValueError`` that says ``what`` must be ``wanted`` if it is none of these.
    """
    try:
        found = _to_tensor(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        found = None
    if found is None:
        raise ValueError(f"{what} must be {wanted}, not {format_argument(value)}")
    return found


def format_argument(value: object) -> str:
    """Description of a value, in a message: the shape of a tensor or an array, else its type."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and all(isinstance(length, int) for length in shape):
        return f"{_special_array(value)} {tuple(shape)}".strip()
    if isinstance(value, list | tuple):
        shapes = sorted({str(tuple(item.shape)) for item in value if isinstance(item, Tensor | np.ndarray)})
        return f"a list of {len(value)}" + (f" with shapes {' and '.join(shapes)}" if shapes else "")
    return repr(value) if value is None or isinstance(value, str) else type(value).__name__


def _special_array(value: object) -> str:
    """Of which special kind a tensor or an array is, whose numbers are not taken; empty if it is an ordinary one."""
    if isinstance(value, Tensor):
        return "a sparse tensor" if value.layout != torch.strided else "a tensor without values" if value.is_meta else ""
    return "an array with masked values" if np.ma.is_masked(value) else ""


def _to_tensor(value: Any) -> Tensor | None:
    """As `to_tensor`; None for what has no numbers in it."""
    if _special_array(value):
        return None
    if isinstance(value, Tensor):
        return value.clone() if value.is_inference() else value.detach()  # what was made in inference mode has no gradients ever
    if isinstance(value, bool | int | float | np.generic):
        return torch.as_tensor(np.asarray(value))
    if isinstance(value, list | tuple):
        if value and all(isinstance(item, Tensor | np.ndarray) for item in value):
            found = [tensor for item in value if (tensor := _to_tensor(item)) is not None]
            return torch.stack(found) if len(found) == len(value) else None
        return _from_array(np.asarray(value))
    return _from_array(np.asarray(value)) if hasattr(value, "__array__") and hasattr(value, "shape") else None


def _from_array(array: np.ndarray[Any, Any]) -> Tensor | None:
    if array.dtype.kind not in "biufc":
        return None
    return torch.from_numpy(np.array(array, dtype=array.dtype.newbyteorder("="), order="C"))


def is_whole_valued(tensor: Tensor) -> bool:
    """Whether all values are whole numbers, as floats may be too; booleans are none."""
    if tensor.is_floating_point():
        return bool((tensor == tensor.round()).all())
    return not (tensor.is_complex() or tensor.dtype == torch.bool)
