"""Patches around Quantus 0.6 that it needs to run on a current NumPy and on RGB images; all of them are gone after the call."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from typing import Any

import numpy as np
import quantus
import torch
from numpy.typing import NDArray
from quantus.helpers.model.pytorch_model import PyTorchModel
from torch import Tensor, nn

from harness.api import Classifier

Array = NDArray[Any]
LOST = {"trapz": np.trapezoid, "NaN": np.nan}  # names that NumPy 2 took away and Quantus's curves and continuity still use


@contextmanager
def replaced(owner: object, name: str, value: object) -> Iterator[None]:
    """``owner.name`` is ``value`` inside the block; after it, it is what it was, or is not there."""
    before = vars(owner).get(name, LOST)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if before is LOST:
            delattr(owner, name)
        else:
            setattr(owner, name, before)


@contextmanager
def mended(explain: Callable[..., Array]) -> Iterator[None]:
    """Quantus as it was meant to run, inside the block.

    NumPy's lost names are there; ``quantus.explain``, which the smooth parameter randomisation test calls in the place of the function it
    was given, is that function; its warnings are not shown; and the models that an ``lru_cache`` of methods keeps alive are let go.
    """
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", module=r"quantus\.")
        for name, value in LOST.items():
            if not hasattr(np, name):
                stack.enter_context(replaced(np, name, value))
        stack.enter_context(replaced(quantus, "explain", explain))
        stack.callback(PyTorchModel._get_last_softmax_layer_index.cache_clear)
        stack.callback(PyTorchModel._get_model_with_linear_top.cache_clear)
        yield


def mend(metric: Any, name: str, shape: tuple[int, ...]) -> None:
    """Let a metric object take images of ``shape`` (C, H, W) and one sample."""
    if name == "ROAD":
        metric.a_size = int(np.prod(shape))  # of the features that it orders, which are channels of pixels
        metric.perturb_func = whole_pixels(metric.perturb_func)
    elif name == "IROF":
        metric.perturb_func = all_channels(metric.perturb_func)
    elif name == "SensitivityN":
        metric.similarity_func = along_steps(metric.similarity_func)


def whole_pixels(perturb: Callable[..., Array]) -> Callable[..., Array]:
    """Perturb pixels where the indices are of their channels: each pixel once, as many as the indices make whole."""

    def perturbed(arr: Array, indices: Array) -> Array:
        pixels = np.asarray(indices) % arr[0].size
        _, first = np.unique(pixels, return_index=True)
        return perturb(arr=arr, indices=pixels[np.sort(first)][: len(pixels) // len(arr)])

    return perturbed


def all_channels(perturb: Callable[..., Array]) -> Callable[..., Array]:
    """Perturb by a mask of one channel."""
    return lambda arr, mask: perturb(arr=arr, mask=np.broadcast_to(mask, arr.shape))


def along_steps(similarity: Callable[..., Array]) -> Callable[..., Array]:
    """Compare the steps of each sample, where Quantus compares the samples of each step (which one sample has not)."""
    return lambda a, b, batched: similarity(a=a.T, b=b.T, batched=batched)


class FirstConvolution(nn.Module):
    """A network whose first named module is its first convolution, with a bias: where Quantus compensates a shifted input.

    Quantus takes the first named module, which in most networks is a container, and its bias, which many have not.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        found = next((layer for layer in network.modules() if isinstance(layer, nn.Conv2d)), None)
        if found is None:
            raise ValueError("Quantus's InputInvariance shifts the bias of the first convolution, and the model has none")
        if found.bias is None:
            found.bias = nn.Parameter(torch.zeros(found.out_channels, dtype=found.weight.dtype), requires_grad=False)
        self.first = found
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits ``(B, K)``."""
        logits: Tensor = self.network(inputs)
        return logits


def network_for(name: str, model: Classifier) -> nn.Module:
    """The network that a metric is given: the model's own, or a copy that Quantus can shift."""
    return FirstConvolution(deepcopy(model.module).to("cpu")).eval() if name == "InputInvariance" else model.module


def classifier_of(network: nn.Module, model: Classifier) -> Classifier:
    """The classifier to explain for a network that Quantus hands back: the model itself, or one of a changed copy of it."""
    if network is model.module:
        return model
    inner = network.network if isinstance(network, FirstConvolution) else network
    return model.with_module(inner.to(model.device))
