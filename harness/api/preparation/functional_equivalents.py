"""Functions and tensor methods, and the modules that do the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class ModuleEquivalent:
    """A module's constructor and the names of the arguments that follow the input, in the order the function takes them."""

    module: Callable[..., nn.Module]
    parameters: tuple[str, ...] = ()

    def build(self, positional: Sequence[object], named: Mapping[str, object]) -> nn.Module | None:
        """The module for a call with these arguments; None if it takes no such arguments, or if they are computed."""
        if len(positional) > len(self.parameters):
            return None
        arguments = dict(zip(self.parameters, positional, strict=False))
        for name, value in named.items():
            if name in self.parameters:
                arguments[name] = value
            elif name not in _WITHOUT_EFFECT or value not in _WITHOUT_EFFECT[name]:
                return None
        if any(isinstance(node, fx.Node) for node in _flatten(arguments.values())):
            return None
        return self.module(**arguments)


# Arguments that a module does not take, and the values at which they change nothing.
_WITHOUT_EFFECT: dict[str, tuple[object, ...]] = {
    "inplace": (True, False),
    "_stacklevel": tuple(range(10)),
    "dtype": (None,),
    "training": (False,),
    "return_indices": (False,),
}
_POOL_ARGUMENTS = ("kernel_size", "stride", "padding")
_MAX_POOL_ARGUMENTS = (*_POOL_ARGUMENTS, "dilation", "ceil_mode")
_AVG_POOL_ARGUMENTS = (*_POOL_ARGUMENTS, "ceil_mode", "count_include_pad")

RELU = ModuleEquivalent(nn.ReLU)
SIGMOID = ModuleEquivalent(nn.Sigmoid)
TANH = ModuleEquivalent(nn.Tanh)
SOFTMAX = ModuleEquivalent(nn.Softmax, ("dim",))
LOG_SOFTMAX = ModuleEquivalent(nn.LogSoftmax, ("dim",))

FUNCTION_EQUIVALENTS: dict[Callable[..., Any], ModuleEquivalent] = {
    F.relu: RELU,
    torch.relu: RELU,
    F.relu6: ModuleEquivalent(nn.ReLU6),
    F.leaky_relu: ModuleEquivalent(nn.LeakyReLU, ("negative_slope",)),
    F.rrelu: ModuleEquivalent(nn.RReLU, ("lower", "upper")),
    F.elu: ModuleEquivalent(nn.ELU, ("alpha",)),
    F.selu: ModuleEquivalent(nn.SELU),
    torch.selu: ModuleEquivalent(nn.SELU),
    F.celu: ModuleEquivalent(nn.CELU, ("alpha",)),
    torch.celu: ModuleEquivalent(nn.CELU, ("alpha",)),
    F.gelu: ModuleEquivalent(nn.GELU, ("approximate",)),
    F.silu: ModuleEquivalent(nn.SiLU),
    F.mish: ModuleEquivalent(nn.Mish),
    F.hardswish: ModuleEquivalent(nn.Hardswish),
    F.hardsigmoid: ModuleEquivalent(nn.Hardsigmoid),
    F.hardtanh: ModuleEquivalent(nn.Hardtanh, ("min_val", "max_val")),
    F.softplus: ModuleEquivalent(nn.Softplus, ("beta", "threshold")),
    F.softsign: ModuleEquivalent(nn.Softsign),
    F.tanhshrink: ModuleEquivalent(nn.Tanhshrink),
    F.logsigmoid: ModuleEquivalent(nn.LogSigmoid),
    F.glu: ModuleEquivalent(nn.GLU, ("dim",)),
    torch.sigmoid: SIGMOID,
    torch.tanh: TANH,
    F.softmax: SOFTMAX,
    torch.softmax: SOFTMAX,
    F.log_softmax: LOG_SOFTMAX,
    torch.log_softmax: LOG_SOFTMAX,
    F.max_pool2d: ModuleEquivalent(nn.MaxPool2d, _MAX_POOL_ARGUMENTS),
    torch.max_pool2d: ModuleEquivalent(nn.MaxPool2d, _MAX_POOL_ARGUMENTS),
    F.avg_pool2d: ModuleEquivalent(nn.AvgPool2d, (*_AVG_POOL_ARGUMENTS, "divisor_override")),
    F.adaptive_avg_pool2d: ModuleEquivalent(nn.AdaptiveAvgPool2d, ("output_size",)),
    F.adaptive_max_pool2d: ModuleEquivalent(nn.AdaptiveMaxPool2d, ("output_size",)),
}
METHOD_EQUIVALENTS: dict[str, ModuleEquivalent] = {
    "relu": RELU,
    "sigmoid": SIGMOID,
    "tanh": TANH,
    "softmax": SOFTMAX,
    "log_softmax": LOG_SOFTMAX,
}


def _flatten(values: object) -> list[object]:
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        return [values]
    return [part for value in values for part in _flatten(value)]
