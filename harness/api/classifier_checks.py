"""Checks of a network as a classifier, each a function of what it returned for two images, and of what it is described by."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from contextlib import suppress

from torch import Tensor, nn

TOLERANCE = 1e-3
"""Greatest difference of logits, relative to the greatest of them, that counts as rounding in float32."""
HALF_TOLERANCE = 5e-2
"""The same for logits that were computed in float16 or bfloat16."""


class ModelWarning(UserWarning):
    """Something that a person who evaluates this network ought to know; `harness.api.Classifier.notes` has it too."""


def relative_difference(first: Tensor, second: Tensor) -> float:
    """The greatest difference of two tensors of logits, relative to the greatest finite magnitude.

    NaN is equal to NaN, and an infinity to itself. Infinite if shapes differ, or one is finite and the other is not.
    """
    if first.shape != second.shape:
        return float("inf")
    first, second = first.detach().double().cpu(), second.detach().double().cpu()
    different = ~((first == second) | (first.isnan() & second.isnan()))
    if not different.any():
        return 0.0
    gap = (first - second)[different].abs().nan_to_num(nan=float("inf")).max()
    return float(gap / first[first.isfinite()].abs().amax().clamp(min=1e-6)) if first.isfinite().any() else float("inf")


def nondeterminism_reason(first: Tensor, again: Tensor, repeat: Callable[[], Tensor], tolerance: float = TOLERANCE) -> str | None:
    """Reason why two calls on one image differ, or None if they do not.

    Args:
        first: logits of an image.
        again: its logits under another seed of the global generators, after other images went through.
        repeat: calls once more, under the seed of ``again``; asked only if the two differ.
        tolerance: greatest relative difference that is none.
    """
    if relative_difference(first, again) <= tolerance:
        return None
    if relative_difference(again, repeat()) <= tolerance:
        return (
            "its logits for one image differ from call to call: it draws random numbers in evaluation mode "
            "(F.dropout without training=self.training, or a layer that stays in training mode)"
        )
    return (
        "its logits for one image differ from call to call: it keeps something from one call to the next "
        "(a counter, a running mean, a random generator of its own)"
    )


def batch_dependence_reason(single: Tensor, together: Tensor, module: nn.Module, tolerance: float = TOLERANCE) -> str | None:
    """Reason why logits depend on the batch, or None if ``single`` (1, K) is the first row of ``together`` (B, K)."""
    found = relative_difference(single, together[: len(single)])
    if found <= tolerance:
        return None
    norms = [name for name, layer in module.named_modules() if _uses_batch_statistics(layer)]
    named = f"batch statistics in {', '.join(norms[:3])}" if norms else "statistics of the batch, or a softmax over dim 0"
    return f"its logits for one image depend on the others in the batch, by {found:.0%} of their magnitude ({named})"


def _uses_batch_statistics(layer: nn.Module) -> bool:
    return isinstance(layer, nn.modules.batchnorm._BatchNorm) and (layer.running_mean is None or layer.training)


def checked_shape(shape: Sequence[int]) -> tuple[int, int, int]:
    """``(C, H, W)`` as whole numbers; raises ``ValueError`` for any other shape of an input."""
    with suppress(TypeError):
        sizes = tuple(map(operator.index, shape))
        if len(sizes) == 3 and min(sizes) > 0:
            return sizes[0], sizes[1], sizes[2]
    raise ValueError(f"input_shape must be (C, H, W), three whole numbers greater than 0, not {shape!r}")


def checked_names(names: Sequence[str], classes: int) -> list[str]:
    """The names of ``classes`` classes; raises ``ValueError`` if they are none of a list, or not as many."""
    found = [] if isinstance(names, str) else list(names)
    odd = next((name for name in found if not isinstance(name, str)), None)
    if isinstance(names, str) or odd is not None:
        raise ValueError(f"class_names must be a list of texts, not {names!r}" if odd is None else f"the class name {odd!r} is no text")
    if len(found) != classes:
        fewer = f", or `num_classes: {len(found)}` if it has that parameter" if len(found) > 1 else ""  # one logit is two classes
        raise ValueError(
            f"{len(found)} class {'name' if len(found) == 1 else 'names'} for a model of {classes} classes: give it {classes} names{fewer}"
        )
    return found


def require_valid_scale(values: Sequence[float] | None, name: str, channels: int) -> None:
    """Raise ``ValueError`` for a mean or standard deviation that no images in [0, 1] have, or not one for each channel."""
    if values is None:
        return
    if len(values) not in (1, channels):
        raise ValueError(f"{name} has {len(values)} values for images of {channels} channels; give one for each channel")
    if not all(abs(value) < float("inf") for value in values):
        raise ValueError(f"{name} {list(values)} must be finite")
    if name == "std" and min(values) <= 0:
        raise ValueError(f"std {list(values)} must be greater than 0: images are divided by it")
    if name == "std" and max(values) > 2:
        raise ValueError(f"std {list(values)} is of pixels in 0 … 255, but images here are in [0, 1]: divide mean and std by 255")
    if name == "mean" and max(values) > 1:
        raise ValueError(f"mean {list(values)} is of pixels in 0 … 255, but images here are in [0, 1]: divide mean and std by 255")
