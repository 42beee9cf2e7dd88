"""Fewer passes over memory in a network that nobody looks into: batch normalisation folded away, activations in place."""

from __future__ import annotations

from collections import Counter

from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from harness.api.preparation import Add
from harness.api.preparation.module_copy import deep_copy

_ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SiLU, nn.Hardswish, nn.Hardsigmoid, nn.Hardtanh)
_NEW_OUTPUT_LAYERS = (nn.Conv2d, nn.BatchNorm2d, nn.Linear, Add)  # return a tensor that is nobody else's


def fold_network(module: nn.Module) -> nn.Module | None:
    """A copy of a network in eval mode that gives the same logits, but for the order of sums; None where no graph can stand for it.

    Batch normalisation becomes part of the convolution before it, where that is all that the convolution is for; an activation writes into
    its input, where that is a new tensor that nothing else reads.
    """
    try:
        traced = fx.symbolic_trace(deep_copy(module))
    except Exception:  # whatever a forward raises under proxies means the same: no graph
        return None
    layers = dict(traced.named_modules())
    calls = Counter(str(node.target) for node in traced.graph.nodes if node.op == "call_module")
    for node in list(traced.graph.nodes):
        before = node.args[0] if node.op == "call_module" and node.args else None
        if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) > 1:
            continue
        earlier, layer = layers[str(before.target)], layers[str(node.target)]
        alone = calls[str(before.target)] == calls[str(node.target)] == 1
        if alone and type(earlier) is nn.Conv2d and type(layer) is nn.BatchNorm2d and layer.running_mean is not None:
            layers[str(before.target)] = fuse_conv_bn_eval(earlier, layer)
            traced.set_submodule(str(before.target), layers[str(before.target)])
            node.replace_all_uses_with(before)
            traced.graph.erase_node(node)
        elif type(layer) in _ACTIVATIONS and type(earlier) in _NEW_OUTPUT_LAYERS:
            layer.inplace = True
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced
