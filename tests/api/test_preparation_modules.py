"""Modules as users write them."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from captum.attr import DeepLift
from torch import Tensor, fx, nn
from torch.nn import functional as F
from torchvision import models

from harness.api.preparation import Add, prepare, unprepared_modules

CHANNELS = 4


def convolution() -> nn.Conv2d:
    return nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)


class Block(nn.Module):
    """Two convolutions for subclasses to wire."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.relu = convolution(), convolution(), nn.ReLU()


class FunctionalTwice(Block):
    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.second(F.relu(self.first(x))))


class SharedActivation(Block):
    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.second(self.relu(self.first(x))))


class SharedConvolution(Block):
    def forward(self, x: Tensor) -> Tensor:
        return self.first(torch.relu(self.first(x)))


class AddInPlace(Block):
    def forward(self, x: Tensor) -> Tensor:
        out = self.first(x)
        out.add_(x)
        return out.relu_()


class AddAssign(Block):
    def forward(self, x: Tensor) -> Tensor:
        out = self.first(x)
        out += x
        return out


class AssignThroughAnotherName(Block):
    """What is written into one name is read through the other."""

    def forward(self, x: Tensor) -> Tensor:
        out = self.first(x)
        same = out
        out += x
        out *= 2
        return self.second(same)


class ResultUnused(Block):
    """The activation is called for what it does to its argument."""

    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out = self.first(x)
        self.relu(out)
        out = self.second(out)
        F.hardtanh(out, 0.0, 0.5, inplace=True)
        return out


class OverTheSkip(Block):
    """The skip connection carries what the activation left in its argument."""

    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return self.second(self.relu(x)) + x


class ThroughAView(Block):
    """No graph says that the view and the tensor share their memory."""

    def forward(self, x: Tensor) -> Tensor:
        out = self.first(x)
        out.flatten(1).add_(1.0)
        return self.second(out)


class AcrossBlocks(nn.Module):
    """A child writes into what its parent reads afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = convolution()
        self.branch = nn.Sequential(nn.ReLU(inplace=True), convolution())
        self.other = FunctionalTwice()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.branch(x) + self.other(x)


class Listed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([convolution() for _ in range(3)])
        self.named = nn.ModuleDict({"act": nn.LeakyReLU(0.1)})

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = x + self.named["act"](layer(x))
        return x


class Gives(Block):
    def forward(self, x: Tensor) -> dict[str, object]:
        return {"sum": self.first(x) + x, "pair": (x, self.second(x))}


class Takes(Block):
    def forward(self, parts: dict[str, object], scale: float = 1.0) -> Tensor:
        first, second = parts["pair"]
        return F.silu(parts["sum"] + first * scale) + second


class Nested(nn.Module):
    """Dictionaries and tuples between blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.gives, self.takes = Gives(), Takes()

    def forward(self, x: Tensor) -> Tensor:
        return self.takes(self.gives(x), scale=0.5)


class Optional(Block):
    """Control flow that hangs on arguments which are given, or not, in every call alike."""

    def forward(self, x: Tensor, bias: Tensor | None = None, double: bool = False, mode: str = "relu") -> Tensor:
        x = self.first(x)
        if bias is not None:
            x = x + bias
        if double:
            x = 2 * x
        return F.relu(x) if mode == "relu" else F.gelu(x)


class CallsOptional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.plain, self.doubled = Optional(), Optional()

    def forward(self, x: Tensor) -> Tensor:
        return self.plain(x) + self.doubled(x, None, double=True, mode="gelu")


class SharedBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block = SharedActivation()

    def forward(self, x: Tensor) -> Tensor:
        return self.block(self.block(self.block(x)))


class SharedAcrossBlocks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        act = nn.ReLU(inplace=True)
        self.one, self.two = SharedActivation(), SharedActivation()
        self.one.relu = self.two.relu = act
        self.tail = nn.Sequential(convolution(), act, convolution(), act)

    def forward(self, x: Tensor) -> Tensor:
        return self.tail(self.two(self.one(x)))


class Constants(Block):
    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.first(x) + torch.arange(CHANNELS).view(1, -1, 1, 1))


class Sizes(Block):
    """Arithmetic on sizes is no addition of tensors."""

    def forward(self, x: Tensor) -> Tensor:
        height = x.shape[2] + x.shape[3]
        return self.first(x).reshape(x.size(0), -1, height).relu()


class Pools(Block):
    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.first(x), 2, stride=1)
        x = F.avg_pool2d(x, (2, 2), ceil_mode=True)
        return F.adaptive_avg_pool2d(F.adaptive_max_pool2d(x, 3), (1, 1))


class Activations(Block):
    def forward(self, x: Tensor) -> Tensor:
        x = F.gelu(self.first(x), approximate="tanh")
        x = F.leaky_relu(x, 0.2)
        x = F.elu(x, alpha=0.5)
        x = F.softplus(x, 2.0)
        x = F.hardtanh(x, -0.5, 3.0)
        x = x.sigmoid() + torch.tanh(x)
        return F.glu(F.softmax(x, dim=1), 1) + x.softmax(-1)[:, : CHANNELS // 2]


class SumOfList(Block):
    def forward(self, x: Tensor) -> Tensor:
        return sum([self.first(x), self.second(x), x])


class IsATensor(Block):
    """A question that a trace must answer as the forward does."""

    def forward(self, x: Tensor) -> Tensor:
        if isinstance(x, Tensor):
            x = F.relu(self.first(x))
        return self.second(x)


FULLY = [
    FunctionalTwice,
    SharedActivation,
    SharedConvolution,
    AddInPlace,
    AddAssign,
    AssignThroughAnotherName,
    ResultUnused,
    OverTheSkip,
    Listed,
    Nested,
    CallsOptional,
    SharedBlock,
    SharedAcrossBlocks,
    Constants,
    Sizes,
    Pools,
    Activations,
    SumOfList,
    IsATensor,
]


class DependsOnValues(Block):
    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        if x.mean() > 100:
            x = x + 1
        return F.relu(self.relu(self.second(x)))


class AnyNumber(Block):
    def forward(self, *inputs: Tensor) -> Tensor:
        return sum(F.relu(self.first(x)) for x in inputs)


class Remembers(Block):
    def forward(self, x: Tensor) -> Tensor:
        self.seen = self.first(x)
        return F.relu(self.seen)


class Appends(Block):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x)
        return F.relu(self.first(x))


PARTLY = [DependsOnValues, AnyNumber, Remembers, Appends, ThroughAView, AcrossBlocks]


class Head(nn.Module):
    """A block between a stem and a linear layer."""

    def __init__(self, block: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, CHANNELS, 3, padding=1), nn.ReLU(inplace=True))
        self.block = block()
        self.linear = nn.LazyLinear(5)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.block(self.stem(x)).flatten(1))


def built(block: Callable[[], nn.Module]) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    images = torch.randn(3, 3, 8, 8)
    module = Head(block).eval()
    module(images)
    return module, images


@pytest.mark.parametrize("block", FULLY)
def test_what_users_write_is_prepared_wholly(block: type[nn.Module]) -> None:
    module, images = built(block)
    prepared = prepare(module, images[:1])
    assert unprepared_modules(prepared) == {}
    with torch.no_grad():
        assert torch.equal(prepared(images), module(images))
    assert {name for name, _ in module.named_modules()} <= {name for name, _ in prepared.named_modules()}
    calls: dict[str, int] = {}
    for name, child in prepared.named_modules():
        child.register_forward_hook(lambda *_, name=name: calls.update({name: calls.get(name, 0) + 1}))
    prepared(images)
    assert set(calls.values()) == {1}


@pytest.mark.parametrize("block", PARTLY)
def test_what_cannot_be_prepared_computes_the_same_and_is_named(block: type[nn.Module]) -> None:
    module, images = built(block)
    prepared = prepare(module, images[:1])
    assert "block" in unprepared_modules(prepared)
    assert set(unprepared_modules(prepared)) <= {name for name, _ in module.named_modules() if name.startswith("block")}
    with torch.no_grad():
        assert torch.equal(prepared(images), module(images))
    assert not prepared.stem[1].inplace
    copy.deepcopy(prepared)


@pytest.mark.parametrize("block", [*FULLY, *PARTLY])
def test_gradients_are_the_original_s(block: type[nn.Module]) -> None:
    module, images = built(block)

    def gradient(module: nn.Module) -> Tensor:
        leaf = images.clone().requires_grad_()
        return torch.autograd.grad(module(leaf).sum(), leaf)[0]

    torch.testing.assert_close(gradient(prepare(module, images[:1])), gradient(module))


@pytest.mark.parametrize("block", FULLY)
def test_a_state_dict_of_the_original_loads_strictly(block: type[nn.Module]) -> None:
    module, images = built(block)
    prepared = prepare(module, images[:1])
    other, _ = built(block)
    for parameter in other.parameters():
        parameter.data.normal_()
    prepared.load_state_dict(other.state_dict())
    with torch.no_grad():
        assert torch.equal(prepared(images), other(images))


def test_a_shared_module_keeps_its_name_for_its_last_call() -> None:
    module, images = built(SharedActivation)
    prepared = prepare(module, images)
    seen: list[Tensor] = []
    prepared.block.relu.register_forward_hook(lambda module, args, output: seen.append(output))
    prepared.block.relu__1.register_forward_hook(lambda module, args, output: seen.append(output))
    prepared(images)
    first = module.block.first(module.stem(images)).relu()
    assert torch.equal(seen[0], first)
    assert torch.equal(seen[1], module.block.second(first).relu())


def test_copies_of_a_shared_module_share_its_parameters() -> None:
    module, images = built(SharedConvolution)
    prepared = prepare(module, images)
    assert prepared.block.first.weight is prepared.block.first__1.weight
    assert {id(p) for p in prepared.parameters()}.isdisjoint({id(p) for p in module.parameters()})
    assert sum(p.numel() for p in prepared.parameters()) == sum(p.numel() for p in module.parameters())


def test_additions_of_activations_are_modules_and_biases_are_not() -> None:
    class Biased(Block):
        def __init__(self) -> None:
            super().__init__()
            self.bias = nn.Parameter(torch.ones(1, CHANNELS, 1, 1))

        def forward(self, x: Tensor) -> Tensor:
            return self.first(x) + self.bias + 1 + x

    module, images = built(Biased)
    assert [name for name, child in prepare(module, images).named_modules() if isinstance(child, Add)] == ["block.add"]


def test_a_name_in_use_is_not_taken() -> None:
    class Named(Block):
        def __init__(self) -> None:
            super().__init__()
            self.add = 3

        def forward(self, x: Tensor) -> Tensor:
            return self.first(x) * self.add + x

    module, images = built(Named)
    prepared = prepare(module, images)
    assert prepared.block.add == 3
    assert isinstance(prepared.block.add_2, Add)


def test_a_module_with_nothing_to_prepare_keeps_its_very_class() -> None:
    class Plain(Block):
        def forward(self, x: Tensor) -> Tensor:
            return self.relu(self.first(x)) * 2

    module, images = built(Plain)
    assert type(prepare(module, images).block) is Plain


def test_only_the_module_that_writes_into_its_parent_s_tensor_is_left() -> None:
    module, images = built(AcrossBlocks)
    prepared = prepare(module, images[:1])
    assert prepared.block.branch[0].inplace
    assert not prepared.stem[1].inplace


def test_tensors_made_in_a_forward_move_with_the_module() -> None:
    module, images = built(Constants)
    prepared = prepare(module, images).to("meta")
    assert prepared(images.to("meta")).device.type == "meta"


def test_torch_s_own_composites_are_left_and_named() -> None:
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.TransformerEncoderLayer(CHANNELS, 2, 8, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x.flatten(2).transpose(1, 2))

    module, images = built(Tokens)
    prepared = prepare(module, images[:1])
    assert list(unprepared_modules(prepared)) == ["block.layer"]
    with torch.no_grad():
        assert torch.equal(prepared(images), module(images))


def test_a_traced_module_is_prepared_too() -> None:
    module, images = built(SharedActivation)
    traced = fx.symbolic_trace(module)
    prepared = prepare(traced, images[:1])
    twin = copy.deepcopy(prepared)
    with torch.no_grad():
        assert torch.equal(twin(images), module(images))
    assert isinstance(twin, fx.GraphModule)
    assert any(name.endswith("relu__1") or name.endswith("relu__2") for name, _ in twin.named_modules())


def test_a_scripted_module_is_left_and_named() -> None:
    module, images = built(FunctionalTwice)
    module.block = torch.jit.script(module.block)
    prepared = prepare(module, images[:1])
    assert unprepared_modules(prepared)["block"] == "it is compiled by TorchScript"
    with torch.no_grad():
        assert torch.equal(prepared(images), module(images))


def test_a_forward_replaced_on_the_instance_is_kept() -> None:
    module, images = built(FunctionalTwice)
    module.block.forward = lambda x, *, factor=3: x * factor
    prepared = prepare(module, images[:1])
    assert "instance" in unprepared_modules(prepared)["block"]
    with torch.no_grad():
        assert torch.equal(prepared(images), module(images))


def test_without_an_example_the_same_is_done() -> None:
    module, images = built(SharedBlock)
    with torch.no_grad():
        assert torch.equal(prepare(module)(images), module(images))


def test_a_wrong_example_is_named_by_its_shape() -> None:
    module, _ = built(FunctionalTwice)
    with pytest.raises(ValueError, match=r"cannot take an input of shape \(1, 7, 8, 8\)"):
        prepare(module, torch.zeros(1, 7, 8, 8))


def test_global_generators_are_left_as_they_are() -> None:
    module, images = built(FunctionalTwice)
    before = torch.get_rng_state()
    prepare(module, images)
    assert torch.equal(torch.get_rng_state(), before)


def completeness_error(module: nn.Module, images: Tensor) -> float:
    """Relative, in double precision, so that no rounding hides in the bound."""
    module, images = module.double(), images.double()
    references = torch.zeros_like(images)
    with torch.no_grad():
        difference = (module(images) - module(references))[:, 1]
    found = DeepLift(module).attribute(images, references, target=1).sum(dim=(1, 2, 3))
    return float(((found - difference).abs() / difference.abs()).max())


def test_deep_lift_is_complete_on_resnet18() -> None:
    torch.manual_seed(0)
    module = models.resnet18(num_classes=4).eval()
    images = torch.randn(2, 3, 64, 64)
    assert completeness_error(prepare(module, images[:1]), images) <= 1e-9


@pytest.mark.parametrize(
    "block", [FunctionalTwice, SharedActivation, SharedConvolution, AddInPlace, AddAssign, OverTheSkip, SharedBlock, SumOfList]
)
def test_deep_lift_is_complete_on_what_it_misses_or_refuses_unprepared(block: type[nn.Module]) -> None:
    module, images = built(block)
    assert completeness_error(prepare(module, images[:1]), images) <= 1e-9


def test_functional_activations_break_deep_lift_where_they_are_not_prepared() -> None:
    """Pitfall: a functional ReLU is missed without a word."""
    module, images = built(FunctionalTwice)
    assert completeness_error(module, images) > 0.01


def test_preparing_what_is_prepared_adds_no_module() -> None:
    once = prepare(models.resnet18(), torch.zeros(1, 3, 32, 32))
    twice = prepare(once, torch.zeros(1, 3, 32, 32))
    assert [name for name, _ in twice.named_modules()] == [name for name, _ in once.named_modules()]


def test_a_network_whose_weights_were_never_made_is_refused() -> None:
    net = nn.Sequential(nn.LazyConv2d(CHANNELS, 3), nn.Flatten(), nn.LazyLinear(2))
    with pytest.raises(ValueError, match=r"0\.weight has no weights yet"):
        prepare(net)
    net(torch.rand(1, 3, 8, 8))
    assert prepare(net)(torch.rand(1, 3, 8, 8)).shape == (1, 2)
