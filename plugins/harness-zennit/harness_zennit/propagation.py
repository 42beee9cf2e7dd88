"""One propagation of relevance from a network's logits to its input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from zennit.core import Composite

from harness.api import Classifier
from harness.api.gradients import no_gradient_reason
from harness.api.hidden_operations import hidden_operations_reason
from harness.api.network_features import detect_features
from harness.api.relu_networks import other_activations, without_relu
from harness_zennit.canonization import canonized
from harness_zennit.composites import WITHOUT_BOUNDS, Layers
from harness_zennit.scales import ScalesPass
from harness_zennit.weights import without_rule


def without_propagation(model: Classifier, layers: Layers | None = None) -> str | None:
    """Reason why relevance cannot be propagated through ``model`` by the rules of ``layers``; None where it can."""
    if "token-grid" in detect_features(model):
        return "the model attends over tokens, and zennit has no rule for attention: attn-lrp has"
    if layers is not None and layers.first == "z-box" and model.bounds is None:
        return WITHOUT_BOUNDS
    return no_gradient_reason(model) or hidden_operations_reason(model) or without_rule(model)


@dataclass(frozen=True)
class Propagation:
    """A pass forward, from which relevance can be sent back.

    Attributes:
        logits: ``(B, K)``, detached.
        head: the dense layer that the logits come from, None where it is of another kind.
        hidden: what the head was given, ``(B, D)``, detached.
    """

    logits: Tensor
    head: nn.Linear | None
    hidden: Tensor | None
    _ways: tuple[Tensor, Tensor | None, Tensor]

    def from_logits(self, relevance: Tensor) -> Tensor:
        """Relevance of the images, or of the chosen layer's output, for that of the logits ``(B, K)``."""
        return torch.autograd.grad(self._ways[0], self._ways[2], relevance)[0]

    def from_hidden(self, relevance: Tensor) -> Tensor:
        """The same for relevance of what the head was given, ``(B, D)``."""
        if self._ways[1] is None:
            raise ValueError(WITHOUT_HEAD)
        return torch.autograd.grad(self._ways[1], self._ways[2], relevance)[0]


@contextmanager
def propagation(model: Classifier, images: Tensor, rules: Composite, layer: str | None = None) -> Iterator[Propagation]:
    """A pass of ``images`` (B, C, H, W) through the canonical form of ``model``, which has ``rules`` in place of gradients in the block.

    What is sent back arrives at the output of ``layer``, by default at the images.
    """
    with canonized(model, images) as module, ExitStack() as hooks:
        inputs = images.detach().clone().requires_grad_()
        given: list[tuple[nn.Linear, Tensor | None, Tensor]] = []
        caught: list[Tensor] = []
        waiting: list[Tensor | None] = []
        try:
            rules.register(module)
            # Before zennit's own hooks, so that relevance of a head's input skips its rule; after them, so that a layer's output has its.
            for dense in (part for part in module.modules() if isinstance(part, nn.Linear)):
                hooks.callback(dense.register_forward_pre_hook(lambda _, args: waiting.append(next(iter(args), None)), prepend=True).remove)
                hooks.callback(dense.register_forward_hook(lambda part, _, output: given.append((part, waiting.pop(), output))).remove)
            if layer is not None:
                hooks.callback(module.get_submodule(layer).register_forward_hook(lambda _, args, output: caught.append(output)).remove)
            with torch.enable_grad(), _autocast(model):  # the rules compute layers again in the backward pass
                with ScalesPass():
                    logits = module(inputs)
                part, hidden, output = given[-1] if given else (None, None, None)
                if part is None or hidden is None or output is None or not torch.equal(output, logits):
                    part = hidden = None
                end = caught[-1] if caught else inputs
                yield Propagation(logits.detach(), part, None if hidden is None else hidden.detach(), (logits, hidden, end))
        finally:
            rules.remove()


def without_relus_alone(model: Classifier, layers: Layers) -> str | None:
    """Reason why a method for activations that are not negative says nothing of ``model``; None where it does."""
    if others := other_activations(model):
        return f"the method is for ReLU networks, of which no activation is negative, and the model has {', '.join(others)}"
    return without_relu(model) or without_propagation(model, layers)


def without_head(model: Classifier) -> str | None:
    """Reason why there is no dense layer that the logits of ``model`` come from; None where there is one."""
    found: list[tuple[nn.Module, Tensor]] = []
    with ExitStack() as hooks, torch.no_grad():
        for part in model.module.modules():
            if isinstance(part, nn.Linear):
                hooks.callback(part.register_forward_hook(lambda part, _, output: found.append((part, output))).remove)
        logits = model.module(torch.zeros(1, *model.input_shape, device=model.device, dtype=model.dtype))
    return None if found and torch.equal(found[-1][1], logits) else WITHOUT_HEAD


def one_hot(logits: Tensor, targets: Tensor) -> Tensor:
    """``(B, K)`` in the type of ``logits``: 1 at each target."""
    return F.one_hot(targets, logits.shape[1]).to(logits)


def _autocast(model: Classifier) -> torch.autocast:
    """What the model's own passes run under."""
    return torch.autocast(model.device.type, dtype=model.autocast, enabled=model.autocast is not None)


WITHOUT_HEAD = "the logits do not come from a dense layer, whose weights could be contrasted"
