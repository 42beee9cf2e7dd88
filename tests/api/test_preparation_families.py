"""Every torchvision family, prepared: held to the original by hooks, by the operations that run, and by its state."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision import models
from torchvision.models.convnext import CNBlockConfig
from torchvision.models.swin_transformer import PatchMergingV2, SwinTransformerBlockV2
from torchvision.models.vgg import make_layers

from harness.api.preparation import prepare, unprepared_modules

SIZES = {
    "alexnet": 80,
    "convnext_tiny": 64,
    "densenet121": 64,
    "efficientnet_b0": 64,
    "efficientnet_v2_s": 64,
    "googlenet": 64,
    "inception_v3": 96,
    "maxvit": 64,
    "mnasnet0_5": 64,
    "mobilenet_v2": 64,
    "mobilenet_v3_small": 64,
    "regnet_x_400mf": 64,
    "regnet_y_400mf": 64,
    "resnet18": 64,
    "resnet50": 64,
    "resnext50_32x4d": 64,
    "shufflenet_v2_x0_5": 64,
    "squeezenet1_0": 64,
    "swin_t": 64,
    "swin_v2_t": 64,
    "vgg11_bn": 64,
    "vit_b_16": 64,
}
# Swin's tables of windows are filled, a convolution sets the strides of what it returns: neither writes over an activation.
HARMLESS = {"fill_", "zero_", "copy_", "as_strided_"}


@dataclass
class Pair:
    arch: str
    original: nn.Module
    before: dict[str, Tensor]
    prepared: nn.Module
    images: Tensor

    @cached_property
    def evaluated(self) -> nn.Module:
        """A copy of the original in eval mode."""
        return copy.deepcopy(self.original).eval()


def small_swin(**version: Any) -> nn.Module:
    """Torchvision's network with fewer and narrower blocks."""
    sizes: dict[str, Any] = {"patch_size": [4, 4], "embed_dim": 16, "depths": [2, 2, 2, 2], "num_heads": [1, 2, 4, 8]}
    return models.SwinTransformer(**sizes, stochastic_depth_prob=0.2, num_classes=7, **version)


def small_dense(network: nn.Module, inputs: int) -> nn.Module:
    """It with few neurons in its dense layers, which are most of it."""
    widths = iter([(inputs, 32), (32, 32), (32, 7)])
    for place, layer in enumerate(network.classifier):
        if isinstance(layer, nn.Linear):
            network.classifier[place] = nn.Linear(*next(widths))
    return network


def small_convnext() -> nn.Module:
    """Torchvision's network with fewer and narrower blocks."""
    blocks = [CNBlockConfig(12, 24, 1), CNBlockConfig(24, 48, 1), CNBlockConfig(48, 96, 2), CNBlockConfig(96, None, 1)]
    return models.ConvNeXt(blocks, stochastic_depth_prob=0.1, num_classes=7)


def small_maxvit() -> nn.Module:
    """A narrow one for images of 64 pixels: torchvision's own is made for 224 alone."""
    widths = {"stem_channels": 8, "head_dim": 8, "block_channels": [8, 16, 32, 64], "block_layers": [2, 2, 2, 2]}
    return models.MaxVit((64, 64), partition_size=2, stochastic_depth_prob=0.2, num_classes=7, **widths)


VGG: list[str | int] = [8, "M", 16, "M", 32, 32, "M"]
SMALL: dict[str, Callable[[], nn.Module]] = {
    "alexnet": lambda: small_dense(models.alexnet(weights=None, num_classes=7), 256 * 36),
    "convnext_tiny": small_convnext,
    "maxvit": small_maxvit,
    "swin_t": lambda: small_swin(window_size=[7, 7]),
    "swin_v2_t": lambda: small_swin(window_size=[8, 8], block=SwinTransformerBlockV2, downsample_layer=PatchMergingV2),
    "vgg11_bn": lambda: small_dense(models.VGG(make_layers(VGG, batch_norm=True), 7, init_weights=False), 32 * 49),
    "vit_b_16": lambda: models.VisionTransformer(64, 16, num_layers=2, num_heads=4, hidden_dim=64, mlp_dim=128, num_classes=7),
}
"""Families whose members are large: a smaller one, made of the same modules."""


def built(arch: str) -> nn.Module:
    """Torchvision's network for 7 classes, or a smaller one of its family."""
    if arch in SMALL:
        return SMALL[arch]()
    options = {"init_weights": False} if arch in ("googlenet", "inception_v3") else {}
    return models.get_model(arch, weights=None, num_classes=7, **options)


@pytest.fixture(scope="module", params=sorted(SIZES))
def pair(request: pytest.FixtureRequest) -> Pair:
    arch, size = request.param, SIZES[request.param]
    torch.manual_seed(0)
    original = built(arch)
    if arch.startswith("vit"):  # its head starts at zero, and with it every logit
        nn.init.normal_(original.heads.head.weight)
    images = torch.randn(2, 3, size, size)
    before = copy.deepcopy(original.state_dict())
    return Pair(arch, original, before, prepare(original, images[:1]), images)


def outputs_by_name(module: nn.Module, images: Tensor) -> dict[str, list[Tensor]]:
    seen: dict[str, list[Tensor]] = defaultdict(list)

    def hook(name: str):
        def note(_: nn.Module, __: object, output: object) -> None:
            tensors = [output] if isinstance(output, Tensor) else [part for part in output if isinstance(part, Tensor)]  # type: ignore[attr-defined]
            seen[name].append(torch.cat([tensor.detach().clone().flatten() for tensor in tensors]))

        return note

    handles = [child.register_forward_hook(hook(name)) for name, child in module.named_modules()]
    with torch.no_grad():
        module(images)
    for handle in handles:
        handle.remove()
    return seen


class InPlace(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function._schema.is_mutable:
            self.seen.add(function._schema.name.removeprefix("aten::"))
        return function(*args, **(kwargs or {}))


def test_logits_are_equal_to_the_last_bit(pair: Pair) -> None:
    with torch.no_grad():
        assert torch.equal(pair.prepared(pair.images), pair.evaluated(pair.images))


def test_nothing_is_left_unprepared(pair: Pair) -> None:
    assert unprepared_modules(pair.prepared) == {}


def test_every_hook_point_lives_and_sees_what_it_saw(pair: Pair) -> None:
    theirs, ours = outputs_by_name(pair.evaluated, pair.images), outputs_by_name(pair.prepared, pair.images)
    names = {name for name, _ in pair.prepared.named_modules()}
    assert names >= {name for name, _ in pair.original.named_modules()}
    for name, outputs in theirs.items():
        assert len(ours[name]) == 1, name
        assert torch.equal(ours[name][0], outputs[-1]), name


def test_no_module_is_called_twice(pair: Pair) -> None:
    assert {name: len(seen) for name, seen in outputs_by_name(pair.prepared, pair.images).items() if len(seen) > 1} == {}


def test_nothing_works_in_place(pair: Pair) -> None:
    with torch.no_grad(), InPlace() as operations:
        pair.prepared(pair.images)
    assert operations.seen - HARMLESS == set()


def test_modules_keep_their_class(pair: Pair) -> None:
    prepared = dict(pair.prepared.named_modules())
    for name, module in pair.original.named_modules():
        assert isinstance(prepared[name], type(module))
        assert type(prepared[name]).__name__ == type(module).__name__


def test_activations_and_poolings_are_torch_s_own_modules(pair: Pair) -> None:
    """Captum's DeepLift looks at the exact type."""
    homes = ("torch.nn.modules.activation", "torch.nn.modules.pooling")
    assert all(type(m).__module__ in homes for m in pair.prepared.modules() if any(c.__module__ in homes for c in type(m).__mro__))


def test_the_prepared_is_frozen_and_in_eval_mode(pair: Pair) -> None:
    assert not any(parameter.requires_grad for parameter in pair.prepared.parameters())
    assert not any(module.training for module in pair.prepared.modules())


def test_the_original_is_left_as_it_was(pair: Pair) -> None:
    assert all(module.training for module in pair.original.modules())
    assert all(parameter.requires_grad for parameter in pair.original.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in pair.original.modules())
    state = pair.original.state_dict()
    assert state.keys() == pair.before.keys()
    assert all(torch.equal(state[name], tensor) for name, tensor in pair.before.items())


def test_a_deep_copy_is_independent_and_gives_the_same_logits(pair: Pair) -> None:
    twin = copy.deepcopy(pair.prepared)
    with torch.no_grad():
        expected = pair.prepared(pair.images)
        assert torch.equal(twin(pair.images), expected)
        for parameter in twin.parameters():
            parameter.zero_()
        assert torch.equal(pair.prepared(pair.images), expected)
        assert not torch.equal(twin(pair.images), expected)


def test_a_state_dict_of_the_original_loads(pair: Pair) -> None:
    twin = copy.deepcopy(pair.prepared)
    with torch.no_grad():
        for tensor in twin.state_dict().values():
            tensor.zero_()
        twin.load_state_dict(pair.original.state_dict())
        assert torch.equal(twin(pair.images), pair.prepared(pair.images))


def test_the_gradient_is_the_original_s(pair: Pair) -> None:
    def gradient(module: nn.Module) -> Tensor:
        images = pair.images.clone().requires_grad_()
        return torch.autograd.grad(module(images)[:, 3].sum(), images)[0]

    theirs = gradient(pair.evaluated)
    assert torch.allclose(gradient(pair.prepared), theirs, atol=1e-5 * float(theirs.abs().max()))
