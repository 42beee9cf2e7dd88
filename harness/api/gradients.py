"""Whether gradients of the logits reach the image, and whether layers are computed again on the way back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from harness.api.preparation.hook_points import iter_hookable
from harness.api.preparation.modules import first_line

if TYPE_CHECKING:
    from harness.api.classifiers import Classifier


@dataclass(frozen=True)
class BackwardProbe:
    """What one backward pass showed.

    Attributes:
        reason: why no gradient reaches the image, or None where one does.
        again: names of the innermost layers that the backward pass called once more (gradient checkpointing).
    """

    reason: str | None = None
    again: tuple[str, ...] = ()


_PROBE_CACHE: WeakKeyDictionary[nn.Module, BackwardProbe] = WeakKeyDictionary()


def no_gradient_reason(model: Classifier) -> str | None:
    """Why no gradient of the logits reaches the image, so that gradients explain nothing; None where one does.

    An explainer that takes gradients returns it from its ``applicable``. Costs a forward and a backward pass, once per module.
    """
    return probe_backward(model).reason


def probe_backward(model: Classifier) -> BackwardProbe:
    """One forward and one backward pass of an image of noise."""
    found = _PROBE_CACHE.get(model.module)
    if found is None:
        found = _PROBE_CACHE[model.module] = _run_backward(model)
    return found


def _run_backward(model: Classifier) -> BackwardProbe:
    calls: Counter[str] = Counter()
    handles = []
    for name, layer in iter_hookable(model.module):
        if next(layer.children(), None) is None:

            def note(layer: nn.Module, args: object, output: object, name: str = name) -> None:
                calls[name] += 1

            handles.append(layer.register_forward_hook(note))
    noise = torch.rand(1, *model.input_shape, generator=torch.Generator().manual_seed(0))
    image = noise.to(model.device, model.dtype).requires_grad_()
    try:
        with torch.enable_grad():
            logits = model(image)
            before = Counter(calls)
            reason = _cut_gradient_reason(logits, image)
    except Exception as error:  # whatever an operation raises that has no backward pass, or none twice
        return BackwardProbe(f"no gradient can be taken of the model: {first_line(error)}")
    finally:
        for handle in handles:
            handle.remove()
    return BackwardProbe(reason, tuple(name for name in calls if calls[name] > before[name]))


def _cut_gradient_reason(logits: Tensor, image: Tensor) -> str | None:
    cut = "its forward runs under torch.no_grad() or inference_mode(), detaches, rounds, or is quantised"
    if not logits.requires_grad:
        return f"no gradient of the logits reaches the image: {cut}"
    (gradient,) = torch.autograd.grad(logits.sum(), image, allow_unused=True)
    return f"no gradient of the logits reaches the image: {cut}" if gradient is None else None
