"""The layers behind one, run on outputs that it might have had, without the layers before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from harness.api import Classifier
from harness.api.activation_grids import grid_at, named_layer
from harness_cam.capture import forward_to

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
        self._module = model.layer(self._layer)
        with torch.no_grad():
            with _noted(model, self._layer) as seen:
                self.logits, outputs = forward_to(model, images, self._layer)
            self._outputs = outputs.detach()
            self._earlier = {module: outputs[0] for module, outputs in seen.items() if len(outputs) == 1 and isinstance(outputs[0], Tensor)}
            self.activations = self._grids(self._outputs)
            self.cut = self._is_cut()

    def _grids(self, outputs: Tensor) -> Tensor:
        """What the layer returns ``(n, …)`` as ``(n, K, h, w)``, of which changes are changes of ``outputs``."""
        return grid_at(self._model, self._images, outputs, self._layer, self._prefix)

    def logits_without_channels(self, targets: Tensor) -> Tensor:
        """Logits ``(B, K)`` of ``targets`` (B,) with one channel of the activations set to zero, each in turn.

        Copies of an image's output are made once and used again, their channel put back, unless a later layer has written into them.
        """
        found: list[Tensor] = []
        copies, image = self._outputs[:0], -1
        with torch.no_grad():
            for rows, channels in self._groups():
                first, count = int(rows[0]), len(rows)
                if first != image or len(copies) < count:
                    copies = self._outputs[rows]
                    image = first if first == int(rows[-1]) else -1
                outputs = copies[:count]
                place = (torch.arange(count, device=rows.device), channels)
                self._grids(outputs)[place] = 0
                version = copies._version
                logits = self._run(outputs) if self.cut else self._run_all(outputs, rows)
                found.append(logits.gather(1, targets[rows.to(targets.device), None])[:, 0])
                if image >= 0 and copies._version == version:
                    self._grids(outputs)[place] = self.activations[rows, channels]
                else:
                    image = -1
        return torch.cat(found).unflatten(0, self.activations.shape[:2])

    def _groups(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The image and the channel of each output in a pass, ``(n,)`` both: whole images, or of one image as many channels as fit."""
        size, channels = self.activations.shape[:2]
        at_once = max(1, ELEMENTS // max(1, self._outputs[0].numel()))
        if not self.cut:
            at_once = min(at_once, max(size, 16))
        places = torch.arange(size * channels, device=self._outputs.device)
        for images in places.split(max(1, at_once // channels) * channels):
            for some in images.split(len(images) if at_once >= channels else at_once):
                yield some // channels, some % channels

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
        with _returning(self._earlier), _returning({self._module: outputs}, copied=False):
            return self._model(self._images[:1])

    def _run_all(self, outputs: Tensor, rows: Tensor) -> Tensor:
        """Logits of outputs, each of the image that it belongs to: all layers are run."""
        with _returning({self._module: outputs}, copied=False):
            return self._model(self._images[rows.to(self._images.device)])


@contextmanager
def _noted(model: Classifier, layer: str) -> Iterator[dict[nn.Module, list[object]]]:
    """What the outermost modules that are done before ``layer`` begins return for the first image, call by call; else None."""
    seen: dict[nn.Module, list[object]] = {}
    reached: list[bool] = []

    def note(module: nn.Module, args: object, output: object) -> None:
        copied = output[:1].clone() if isinstance(output, Tensor) and output.ndim > 0 and not reached else None
        seen.setdefault(module, []).append(copied)

    handles = [model.layer(layer).register_forward_pre_hook(lambda *_: reached.append(True))]
    handles += [module.register_forward_hook(note, prepend=True) for module in _beside(model.module, layer)]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _beside(network: nn.Module, layer: str) -> list[nn.Module]:
    """Modules that hold no part of the way to ``layer``, and are held by none that is not on it."""
    found, holder = list[nn.Module](), network
    for part in layer.split("."):
        found += [child for name, child in holder.named_children() if name != part]
        holder = holder.get_submodule(part)
    return found


@contextmanager
def _returning(outputs: Mapping[nn.Module, Tensor], copied: bool = True) -> Iterator[None]:
    """Have modules return what is given, or a copy each time, whatever they are called with; in the end all is as it was."""

    def returns(output: Tensor) -> Callable[..., Tensor]:
        return lambda *args, **kwargs: output.clone() if copied else output

    before = {module: vars(module).get("forward", _MISSING) for module in outputs}
    try:
        for module, output in outputs.items():
            vars(module)["forward"] = returns(output)
        yield
    finally:
        for module, forward in before.items():
            if forward is _MISSING:
                vars(module).pop("forward", None)
            else:
                vars(module)["forward"] = forward
