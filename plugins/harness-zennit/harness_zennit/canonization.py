"""The canonical form of a network, in which relevance propagation has a rule for every layer.

A BatchNorm that follows a convolution or a linear layer is merged into it, and additions become zennit's ``Sum``, so that skip connections
share relevance by contribution. Which layer follows which is seen in one forward pass, not guessed from the order of registration, so that
one procedure serves all families. Layers are exchanged, never changed: the network's own weights stay as they are.
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval
from zennit.layer import Sum
from zennit.types import BatchNorm, Convolution, ConvolutionTranspose, Linear

from harness.api import Classifier
from harness.api.preparation import Add

Replacements = Mapping[nn.Module, nn.Module]
Fingerprint = tuple[tuple[int, int], ...]

_known: weakref.WeakKeyDictionary[Classifier, tuple[Fingerprint, Replacements]] = weakref.WeakKeyDictionary()


class Addition(nn.Module):
    """``a + b`` by zennit's ``Sum``, for which its composites have a rule."""

    def __init__(self) -> None:
        super().__init__()
        self.sum = Sum()

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """The sum of two tensors that can be broadcast."""
        a, b = torch.broadcast_tensors(a, b)  # type: ignore[no-untyped-call]
        return cast(Tensor, self.sum(torch.stack((a, b), dim=-1)))


@contextmanager
def canonized(model: Classifier, images: Tensor) -> Iterator[nn.Module]:
    """``model.module`` with its layers exchanged for canonical ones inside the block, and as it was after it."""
    with exchanged(model.module, replacements(model, images[:1])):
        yield model.module


def replacements(model: Classifier, probe: Tensor) -> Replacements:
    """Replacements of the model's layers by others, found with one ``probe`` (1, C, H, W) and kept until the weights change."""
    mark = _fingerprint(model.module)
    found = _known.get(model)
    if found is None or found[0] != mark:
        found = mark, _find(model.module, probe)
        _known[model] = found
    return found[1]


@contextmanager
def exchanged(module: nn.Module, layers: Replacements) -> Iterator[None]:
    """Put ``layers``' values where their keys are in ``module``, and put these back on leaving, also after an exception."""
    with ExitStack() as stack:
        for parent in list(module.modules()):
            for name, child in list(parent.named_children()):
                if child in layers:
                    stack.callback(setattr, parent, name, child)
                    setattr(parent, name, layers[child])
        yield


def merges(module: nn.Module, probe: Tensor) -> dict[nn.Module, nn.Module]:
    """Each BatchNorm whose input is the output of a linear layer that nobody else takes, with that layer; both are called once."""
    producer: dict[int, nn.Module] = {}
    takers: Counter[nn.Module] = Counter()
    calls: Counter[nn.Module] = Counter()
    kept: list[Tensor] = []
    pairs: dict[nn.Module, nn.Module] = {}

    def watch(layer: nn.Module, arguments: tuple[object, ...], output: object) -> None:
        calls[layer] += 1
        for argument in arguments:
            source = producer.get(id(argument))
            if source is not None:
                takers[source] += 1
                if isinstance(layer, BatchNorm) and layer.running_mean is not None:
                    pairs[layer] = source
        if isinstance(layer, Linear) and isinstance(output, Tensor):
            producer[id(output)] = layer
            kept.append(output)

    with ExitStack() as stack, torch.no_grad():
        for layer in module.modules():
            if not any(True for _ in layer.children()):
                stack.callback(layer.register_forward_hook(watch).remove)
        module(probe)
    return {norm: linear for norm, linear in pairs.items() if takers[linear] == calls[norm] == calls[linear] == 1}


def _find(module: nn.Module, probe: Tensor) -> Replacements:
    """Canonical layers that leave the logits as they are; where merges do not, those that by themselves do."""
    additions: dict[nn.Module, nn.Module] = {layer: Addition() for layer in module.modules() if isinstance(layer, Add)}
    single = [{linear: merged(linear, norm), norm: nn.Identity()} for norm, linear in merges(module, probe).items()]
    everything = additions | {layer: new for pair in single for layer, new in pair.items()}
    with torch.no_grad():
        logits = module(probe)
        if _agrees(module, everything, probe, logits):
            return everything
        return additions | {layer: new for pair in single if _agrees(module, pair, probe, logits) for layer, new in pair.items()}


def _agrees(module: nn.Module, layers: Replacements, probe: Tensor, logits: Tensor) -> bool:
    with exchanged(module, layers):
        found = module(probe)
    tolerance = 1e4 * torch.finfo(logits.dtype).eps
    return torch.allclose(found, logits, rtol=tolerance, atol=tolerance * float(logits.abs().max()))


def merged(linear: nn.Module, norm: nn.Module) -> nn.Module:
    """One layer, with weights of its own, that does what ``linear`` and then ``norm`` do in evaluation mode."""
    norm = cast(nn.BatchNorm2d, norm)
    if isinstance(linear, Convolution):
        return fuse_conv_bn_eval(cast(nn.Conv2d, linear), norm, transpose=isinstance(linear, ConvolutionTranspose))
    return fuse_linear_bn_eval(cast(nn.Linear, linear), norm)


def _fingerprint(module: nn.Module) -> Fingerprint:
    """Changes with every change of a parameter or buffer, in place or by exchange."""
    return tuple((tensor.data_ptr(), tensor._version) for tensor in (*module.parameters(), *module.buffers()))
