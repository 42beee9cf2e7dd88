"""Fresh weights for a network's layers, as their own initialisation draws them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from harness.api.network_copies import copied_network
from harness.api.network_loading import noise_image
from harness.api.randomness import restored_generators, stream_seed

if TYPE_CHECKING:
    from harness.api.classifiers import Classifier


def randomise(module: nn.Module, seed: int, layers: Sequence[str] | None = None) -> None:
    """Draw the parameters of ``layers`` (default: all) of ``module`` in place, on the CPU whichever the device, under ``seed``.

    Of named layers (``""`` is the module itself) each is drawn under ``seed`` and its name alone. A layer's ``reset_parameters`` draws
    its own parameters. What that leaves as it was, or raises an error over, and parameters of layers without one are drawn from a normal
    distribution with their own mean and spread. Global generators are left as they were.
    """
    modules = dict(module.named_modules())
    with restored_generators(), torch.no_grad():
        torch.manual_seed(seed)
        for name in modules if layers is None else layers:
            if layers is not None:
                torch.manual_seed(stream_seed(seed, name, "weights"))
            _draw_layer(modules[name])


def randomised_copy(model: Classifier, seed: int, layers: Sequence[str] | None = None) -> Classifier:
    """A copy of a classifier with fresh weights in ``layers``, which shares all other tensors; see `Classifier.randomised`."""
    inside = model.module.modules() if layers is None else [model.layer(name) if name else model.module for name in layers]
    own = {id(tensor) for layer in inside for tensor in (*layer.parameters(recurse=False), *layer.buffers(recurse=False))}
    twin = copied_network(model, (tensor for tensor in (*model.module.parameters(), *model.module.buffers()) if id(tensor) not in own))
    randomise(twin.module, seed, layers)
    if layers is None:
        _require_other_logits(model, twin)
    return twin


def _require_other_logits(model: Classifier, twin: Classifier) -> None:
    """Raise ``ValueError`` if a twin with fresh weights says of an image what the model says."""
    image = noise_image(model.module, model.input_shape)
    with torch.no_grad():
        if not torch.equal(model(image), twin(image)):
            return
    kept = [name or "the network itself" for name in find_unchanged_layers(model.module, twin.module)]
    where = f"the parameters of {', '.join(kept)} stay as they were" if kept else "they depend on no parameter that can be drawn"
    raise ValueError(f"the random model is the model: fresh weights change none of its logits ({where})")


def find_unchanged_layers(module: nn.Module, drawn: nn.Module) -> list[str]:
    """Names of the layers of ``module`` whose own parameters are all the same in ``drawn``; ``""`` is the network itself."""
    others = dict(drawn.named_modules())
    found = []
    for name, layer in module.named_modules():
        own, other = dict(layer.named_parameters(recurse=False)), dict(others[name].named_parameters(recurse=False))
        if own and all(key in other and torch.equal(value, other[key]) for key, value in own.items()):
            found.append(name)
    return found


def _draw_layer(layer: nn.Module) -> None:
    """Fresh values for the parameters that belong to this layer itself, not to its children."""
    own = list(layer.parameters(recurse=False))
    if not own:
        return
    device = own[0].device
    _move_own(layer, torch.device("cpu"))
    before = {name: parameter.clone() for name, parameter in layer.named_parameters(recurse=False)}
    reset = _try_reset(layer)
    for name, parameter in layer.named_parameters(recurse=False):
        parameter.requires_grad_(False)
        if not reset or (_varies(parameter) and torch.equal(parameter, before[name])):
            _draw_from_own_moments(parameter)
    _move_own(layer, device)


def _try_reset(layer: nn.Module) -> bool:
    """Let a layer initialise itself; whether it could."""
    reset = getattr(layer, "reset_parameters", None) or getattr(layer, "_reset_parameters", None)
    if not callable(reset):
        return False
    before = {name: parameter.clone() for name, parameter in layer.named_parameters(recurse=False)}
    try:
        reset()
    except Exception:  # one that takes arguments, or was never meant to be called again
        for name, parameter in layer.named_parameters(recurse=False):
            parameter.copy_(before[name])
        return False
    return True


def _varies(parameter: Tensor) -> bool:
    """Whether its numbers are not all the same, as scales and offsets are before training."""
    return bool((parameter != parameter.flatten()[:1]).any())


def _draw_from_own_moments(parameter: Tensor) -> None:
    """Values from a normal distribution with the parameter's own mean and spread; the spread of a single number is its size."""
    spread = parameter.std() if parameter.numel() > 1 else parameter.abs().sum()
    parameter.copy_(parameter.mean() + spread * torch.randn(parameter.shape, dtype=parameter.dtype))


def _move_own(layer: nn.Module, device: torch.device) -> None:
    """Move what belongs to this layer itself, not to its children."""
    layer._apply(lambda tensor: tensor.to(device), recurse=False)  # type: ignore[no-untyped-call]
