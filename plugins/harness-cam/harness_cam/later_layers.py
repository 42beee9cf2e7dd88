"""The layers behind one, run on outputs that it might have had, without the layers before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from harness.api import Classifier
from harness_cam.capture import forward_to, grid_at, named_layer

ELEMENTS = 2**22
"""Of a layer's outputs in one pass: 16 MiB of float32, with which a CPU stays near its caches."""
TOLERANCE = 1e-4
"""Difference, relative to the largest logit, up to which two ways to the same logits are one."""
_MISSING = object()


class LaterLayers:
    """A network cut behind a layer.

    Attributes:
        logits: ``(B, classes)`` of the images.
        activations: ``(B, K, h, w)``: what the layer returned for them.
        cut: whether all that the logits depend on goes through the layer, so that the layers before it need not be run again. Where a
            branch goes round it they are.
    """

    def __init__(self, model: Classifier, images: Tensor, layer: str | None, prefix_tokens: int | None) -> None:
        self._model, self._images, self._prefix = model, images, prefix_tokens
        self._layer = named_layer(model, layer)
        with torch.no_grad():
            self.logits, self._outputs = forward_to(model, images, self._layer)
            self.activations = self.grids(self._outputs)
            self._earlier = _outputs_before(model, images[:1], self._layer)
            self.cut = self._is_cut()

    def grids(self, outputs: Tensor) -> Tensor:
        """What the layer returns ``(n, …)`` as ``(n, K, h, w)``, of which changes are changes of ``outputs``."""
        return grid_at(self._model, self._images, outputs, self._layer, self._prefix)

    def logits_of(self, change: Callable[[Tensor, Tensor], None], count: int) -> Tensor:
        """Logits ``(B, count, classes)`` of ``count`` changed outputs of each image.

        ``change(grids, numbers)`` is given copies of the activations ``(n, K, h, w)`` and which of the ``count`` changes each is to
        have ``(n,)``, and makes them in place.
        """
        size = len(self._images)
        at_once = max(1, ELEMENTS // max(1, self._outputs[0].numel()))
        if not self.cut:
            at_once = min(at_once, max(size, 16))
        found = []
        with torch.no_grad():
            for places in torch.arange(size * count, device=self._outputs.device).split(at_once):
                rows = places // count
                outputs = self._outputs[rows]
                change(self.grids(outputs), places % count)
                found.append(self._run(outputs) if self.cut else self._run_all(outputs, rows))
        return torch.cat(found).unflatten(0, (size, count))

    def _is_cut(self) -> bool:
        """Whether the logits are the same where all before the layer saw the first image alone."""
        rows = torch.arange(max(2, len(self._images)), device=self._outputs.device) % len(self._images)  # of one image twice
        try:
            found = self._run(self._outputs[rows])
        except RuntimeError:  # sizes that do not fit: something else of the image meets the layer's output
            return False
        expected = self.logits[rows.to(self.logits.device)]
        return found.shape == expected.shape and bool((found - expected).abs().max() <= TOLERANCE * expected.abs().max())

    def _run(self, outputs: Tensor) -> Tensor:
        """Logits of any number of outputs: no layer before is run, and the network is given one image."""
        with _returning(self._model, {**self._earlier, self._layer: outputs}):
            return self._model(self._images[:1])

    def _run_all(self, outputs: Tensor, rows: Tensor) -> Tensor:
        """Logits of outputs, each of the image that it belongs to: all layers are run."""
        with _returning(self._model, {self._layer: outputs}):
            return self._model(self._images[rows.to(self._images.device)])


def _outputs_before(model: Classifier, image: Tensor, layer: str) -> dict[str, Tensor]:
    """What the outermost modules that are done before ``layer`` begins return for one image, if each is run once."""
    seen: dict[str, list[object]] = {}
    reached: list[bool] = []
    beside = _beside(model.module, layer)
    handles = [model.layer(layer).register_forward_pre_hook(lambda *_: reached.append(True))]

    def noting(name: str) -> Callable[[nn.Module, object, object], None]:
        def note(module: nn.Module, args: object, output: object) -> None:
            copied = output.clone() if isinstance(output, Tensor) and not reached else None
            seen.setdefault(name, []).append(copied)

        return note

    handles += [module.register_forward_hook(noting(name), prepend=True) for name, module in beside.items()]
    try:
        model(image)
    finally:
        for handle in handles:
            handle.remove()
    return {name: outputs[0] for name, outputs in seen.items() if len(outputs) == 1 and isinstance(outputs[0], Tensor)}


def _beside(network: nn.Module, layer: str) -> Mapping[str, nn.Module]:
    """Modules that hold no part of the way to ``layer``, and are held by none that is not on it."""
    found, holder, prefix = {}, network, ""
    for part in layer.split("."):
        for name, child in holder.named_children():
            if name != part:
                found[prefix + name] = child
        holder, prefix = holder.get_submodule(part), f"{prefix}{part}."
    return found


@contextmanager
def _returning(model: Classifier, outputs: Mapping[str, Tensor]) -> Iterator[None]:
    """Have modules return what is given, a copy each time, whatever they are called with; in the end all is as it was."""

    def returns(output: Tensor) -> Callable[..., Tensor]:
        return lambda *args, **kwargs: output.clone()

    modules = {name: model.layer(name) for name in outputs}
    before = {name: vars(module).get("forward", _MISSING) for name, module in modules.items()}
    try:
        for name, module in modules.items():
            vars(module)["forward"] = returns(outputs[name])
        yield
    finally:
        for name, module in modules.items():
            if before[name] is _MISSING:
                vars(module).pop("forward", None)
            else:
                vars(module)["forward"] = before[name]
