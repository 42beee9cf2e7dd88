"""A backward pass: whether gradients of the logits reach the image, and whether layers are computed again on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from harness.api.preparation.hook_points import watch_calls
from harness.api.preparation.modules import first_line

if TYPE_CHECKING:
    from harness.api.classifiers import Classifier

T = TypeVar("T")


@dataclass(frozen=True)
class BackwardProbe:
    """Findings of one backward pass.

    Attributes:
        reason: why no gradient reaches the image, or None if one does.
        again: names of the innermost layers that the backward pass called once more (gradient checkpointing).
    """

    reason: str | None = None
    again: tuple[str, ...] = ()


def once_per_network(find: Callable[[Classifier], T]) -> Callable[[Classifier], T]:
    """Have what is found of a classifier remembered for as long as its module lives."""
    known: WeakKeyDictionary[nn.Module, T] = WeakKeyDictionary()

    @wraps(find)
    def remembered(model: Classifier) -> T:
        if model.module not in known:
            known[model.module] = find(model)
        return known[model.module]

    return remembered


def no_gradient_reason(model: Classifier) -> str | None:
    """Reason why no gradient of the logits reaches the image, so that gradients explain nothing; None if one does.

    An explainer that takes gradients returns it from its ``applicable``. Costs a forward and a backward pass, once per module.
    """
    return probe_backward(model).reason


@once_per_network
def probe_backward(model: Classifier) -> BackwardProbe:
    """One forward and one backward pass of an image of noise."""
    calls: Counter[str] = Counter()

    def note(name: str, layer: nn.Module, output: object) -> None:
        calls[name] += 1

    noise = torch.rand(1, *model.input_shape, generator=torch.Generator().manual_seed(0))
    image = noise.to(model.device, model.dtype).requires_grad_()
    try:
        with watch_calls(model.module, leave=note, among=lambda name, layer: next(layer.children(), None) is None), torch.enable_grad():
            logits = model(image)
            before = Counter(calls)
            reason = _cut_gradient_reason(logits, image)
    except Exception as error:  # whatever an operation raises that has no backward pass, or none twice
        return BackwardProbe(f"no gradient can be taken of the model: {first_line(error)}")
    return BackwardProbe(reason, tuple(name for name in calls if calls[name] > before[name]))


def _cut_gradient_reason(logits: Tensor, image: Tensor) -> str | None:
    cut = "its forward runs under torch.no_grad() or inference_mode(), detaches, rounds, or is quantised"
    if not logits.requires_grad:
        return f"no gradient of the logits reaches the image: {cut}"
    (gradient,) = torch.autograd.grad(logits.sum(), image, allow_unused=True)
    return f"no gradient of the logits reaches the image: {cut}" if gradient is None else None
