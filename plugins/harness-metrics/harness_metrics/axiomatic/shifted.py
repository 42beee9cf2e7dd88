"""A network that expects its inputs shifted by a constant: the first layers' biases give it back."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.api import Classifier


class ConstantPadding:
    """A hook before a convolution without padding of its own: pads by ``amounts`` with a constant per channel, ``padded`` (C, 1, 1).

    A hook, so that the layer stays torch's own, by whose class and name explainers know it.
    """

    def __init__(self, amounts: list[int], padded: Tensor) -> None:
        self.amounts, self.padded = amounts, padded

    def __call__(self, layer: nn.Module, given: tuple[Tensor, ...]) -> Tensor:
        """The layer's input with a border of what was 0 before the inputs were shifted."""
        (input,) = given
        inside = F.pad(torch.ones_like(input[:1, :1]), self.amounts) > 0
        return torch.where(inside, F.pad(input, self.amounts), self.padded.to(input))


def compensated(model: Classifier, shift: Tensor) -> nn.Module:
    """A copy of the network of ``model`` that computes of ``x + shift`` (C, 1, 1) what the network does of x.

    The first convolution or linear layer whose inputs are shifted gives the shift back by its bias, then the next, until no layer's inputs
    are. What cannot be given back (a shift that is not the same everywhere, a layer of another class) stays shifted.
    """
    module = copy.deepcopy(model.module)
    example = torch.rand(1, *model.input_shape, generator=torch.Generator().manual_seed(0)).to(model.device, model.dtype)
    moved = example + shift.to(example)
    expected = layer_inputs(model.module, example)
    done: set[str] = set()
    while (name := _first_shifted(expected, layer_inputs(module, moved), done)) is not None:
        layer = module.get_submodule(name)
        difference = (layer_inputs(module, moved)[name] - expected[name])[0]
        if isinstance(layer, nn.Conv2d):
            give_back_by_convolution(layer, difference)
        elif isinstance(layer, nn.Linear):
            give_back_by_linear(layer, difference)
        done.add(name)
    return module


def layer_inputs(module: nn.Module, example: Tensor) -> dict[str, Tensor]:
    """Inputs of each plain convolution and linear layer, by name, in the order of calls."""
    found: dict[str, Tensor] = {}
    handles = []
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):

            def note(layer: nn.Module, args: tuple[Tensor, ...], name: str = name) -> None:
                found[name] = args[0].detach()

            handles.append(layer.register_forward_pre_hook(note))
    try:
        with torch.no_grad():
            module(example)
    finally:
        for handle in handles:
            handle.remove()
    return found


def give_back_by_convolution(layer: nn.Conv2d, shift: Tensor) -> None:
    """Let a plain convolution compute of ``x + shift`` (C, H, W), the same at each pixel, what it does of x; else leave it."""
    constant = shift.mean(dim=(-2, -1), keepdim=True)
    if type(layer) is not nn.Conv2d or not torch.allclose(shift, constant.expand_as(shift), atol=1e-4 * float(shift.abs().max())):
        return
    patch = constant.expand(-1, *(d * (k - 1) + 1 for d, k in zip(layer.dilation, layer.kernel_size, strict=True)))
    _subtract(layer, F.conv2d(patch[None], layer.weight, None, 1, 0, layer.dilation, layer.groups)[0, :, 0, 0])
    if layer.padding_mode == "zeros":  # the others pad with what is there, shifted as it is
        layer.register_forward_pre_hook(ConstantPadding(list(layer._reversed_padding_repeated_twice), constant))
        layer.padding = (0, 0)


def give_back_by_linear(layer: nn.Linear, shift: Tensor) -> None:
    """Let a plain linear layer compute of ``x + shift`` (…, N), the same for each row, what it does of x; else leave it."""
    rows = shift.reshape(-1, shift.shape[-1])
    if type(layer) is nn.Linear and torch.allclose(rows, rows[:1].expand_as(rows), atol=1e-4 * float(shift.abs().max())):
        _subtract(layer, layer.weight @ rows[0])


def _subtract(layer: nn.Conv2d | nn.Linear, moved: Tensor) -> None:
    bias = -moved if layer.bias is None else layer.bias - moved
    layer.bias = nn.Parameter(bias.detach(), requires_grad=False)


def _first_shifted(expected: dict[str, Tensor], inputs: dict[str, Tensor], done: set[str]) -> str | None:
    """The first layer not yet done whose inputs are not those expected, beyond rounding."""
    for name, wanted in expected.items():
        if name not in done and (inputs[name] - wanted).abs().max() > 1e-3 * wanted.abs().max():
            return name
    return None
