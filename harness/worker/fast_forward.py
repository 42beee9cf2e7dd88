"""A copy of a model in the form that forward passes are fastest in, for passes that no component sees the inside of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from harness.api.classifiers import Classifier
from harness.api.preparation import Add
from harness.api.preparation.module_copy import deep_copy
from harness.worker.arithmetic import Arithmetic, AutocastNetwork, exact_fp32

LOGIT_TOLERANCE = 1e-4  # relative to the largest logit; folding and the layout change the order of sums and nothing else
_ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SiLU, nn.Hardswish, nn.Hardsigmoid, nn.Hardtanh)
_NEW_OUTPUT_LAYERS = (nn.Conv2d, nn.BatchNorm2d, nn.Linear, Add)  # return a tensor that is nobody else's


def optimize_forward(model: Classifier, arithmetic: Arithmetic, note: Callable[[str], None]) -> nn.Module:
    """A copy of ``model.module``, folded and with channels last; without the former, or the module itself, if that gives other logits.

    For ``arithmetic`` it is cast or compiled besides; ``note`` is told if it cannot be compiled. Explainers get the module as it is:
    they hook its layers, and code that calls ``view`` on activations is common, and fails on another layout.
    """
    with exact_fp32():
        fast = next((copied for copied in _candidate_copies(model.module) if _gives_same_logits(copied, model)), model.module)
    if arithmetic.autocast is not None and fast is not model.module:
        fast = AutocastNetwork(fast)
    return CompiledNetwork(fast, _probe_batches(model), note) if arithmetic.compiled else fast


class CompiledNetwork(nn.Module):
    """A network through ``torch.compile``, or as it is from the first time on that this fails; ``note`` is told why, once.

    It is compiled for two batch sizes of ``probes`` at once, the second time for all: here, and not within somebody's time limit.
    """

    def __init__(self, network: nn.Module, probes: tuple[Tensor, Tensor], note: Callable[[str], None]) -> None:
        super().__init__()
        self.network = network
        self._note = note
        self._compiled: Callable[[Tensor], Tensor] | None = torch.compile(network)
        with torch.no_grad():
            for probe in probes:
                self(probe)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits."""
        if self._compiled is not None:
            try:
                return self._compiled(inputs)
            except RuntimeError as error:
                if not _raised_by_compiler(error):
                    raise
                self._compiled = None
                self._note(f"the model could not be compiled, and runs as it is: {str(error).strip().partition(chr(10))[0][:200]}")
        logits: Tensor = self.network(inputs)
        return logits


def _raised_by_compiler(error: RuntimeError) -> bool:
    from torch._dynamo.exc import TorchDynamoException  # takes seconds to import, and whoever compiles has done so

    return isinstance(error, TorchDynamoException)


def _candidate_copies(module: nn.Module) -> Iterator[nn.Module]:
    """From the fastest to the surest, without hooks on the whole."""
    graph = fold_network(module)
    if graph is not None:
        yield graph.to(memory_format=torch.channels_last)
    copied = deep_copy(module)
    for hooks in (copied._forward_hooks, copied._forward_pre_hooks, copied._forward_hooks_always_called):
        hooks.clear()
    yield copied.to(memory_format=torch.channels_last)


def _gives_same_logits(copied: nn.Module, model: Classifier) -> bool:
    """Whether it gives the model's logits, for batches of two sizes: a graph may have taken one for a constant."""
    with torch.no_grad():
        for probe in _probe_batches(model):
            logits = model(probe)
            try:
                found = copied(probe)
            except Exception:  # a view that the layout does not allow, a graph of another batch: the original raised nothing
                return False
            if logits.shape != found.shape or not torch.allclose(logits, found, rtol=0, atol=LOGIT_TOLERANCE * float(logits.abs().max())):
                return False
    return True


def _probe_batches(model: Classifier) -> tuple[Tensor, Tensor]:
    """Noise in batches of two sizes."""
    noise = torch.rand(3, *model.input_shape, generator=torch.Generator().manual_seed(0)).to(model.device, model.dtype)
    return noise, noise[:2]


def fold_network(module: nn.Module) -> nn.Module | None:
    """A copy of a network in eval mode that gives the same logits, but for the order of sums; None if no graph can stand for it.

    Batch normalisation becomes part of the convolution before it, if that is all that the convolution is for; an activation writes into
    its input, if that is a new tensor that nothing else reads.
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
