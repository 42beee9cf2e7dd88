"""What preparing cannot reach is known, and what it can reach gives the maps of the same function written with layers."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.api import classifier
from harness.api.classifier_checks import ModelWarning
from harness.api.hidden_operations import find_hidden_operations, hidden_operations_reason
from harness.api.preparation import prepare, unprepared_modules

SHAPE = (3, 12, 12)


def layers() -> nn.Sequential:
    torch.manual_seed(0)
    parts = [nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)]
    return nn.Sequential(*parts).eval()


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        net = layers()
        self.first, self.second, self.head = net[0], net[2], net[6]


class Made(Parts):
    def forward(self, x: Tensor) -> Tensor:
        x = nn.ReLU()(self.second(nn.ReLU(inplace=True)(self.first(x))))
        return self.head(nn.Flatten()(nn.AdaptiveAvgPool2d(1)(x)))


class MeanOverPositions(Parts):
    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.relu(self.second(F.relu(self.first(x)))).mean((2, 3)))


class Listed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = list(layers())

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class Unpacked(Listed):
    def forward(self, x: Tensor) -> Tensor:
        return nn.Sequential(*self.layers)(x)


class Table(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        net = layers()
        self.stages = {"body": [net[:4], (net[4], net[5])], "head": net[6]}

    def forward(self, x: Tensor) -> Tensor:
        body, (pool, flatten) = self.stages["body"]
        return self.stages["head"](flatten(pool(body(x))))


class Called(nn.Module):
    """Functions that close over the module."""

    def __init__(self) -> None:
        super().__init__()
        self.net = layers()
        self.steps = [lambda x: self.net[:4](x), lambda x, net=self.net: net[4:](x)]

    def forward(self, x: Tensor) -> Tensor:
        for step in self.steps:
            x = step(x)
        return x


REACHED = [Made, MeanOverPositions, Listed, Unpacked, Table, Called]


@pytest.mark.parametrize("kind", REACHED)
def test_every_layer_of_the_function_is_a_hook_point(kind: type[nn.Module]) -> None:
    images = torch.rand(2, *SHAPE)
    module = kind().eval()
    prepared = prepare(module, images)
    assert unprepared_modules(prepared) == {}
    found: list[str] = []
    for layer in prepared.modules():
        if next(layer.children(), None) is None:
            layer.register_forward_hook(lambda layer, *_: found.append(type(layer).__name__))
    with torch.no_grad():
        assert torch.equal(prepared(images), layers()(images))
    assert [name for name in found if name != "Flatten"] == [
        type(layer).__name__ for layer in layers() if not isinstance(layer, nn.Flatten)
    ]


@pytest.mark.parametrize("kind", REACHED)
def test_a_copy_is_independent_of_the_original(kind: type[nn.Module]) -> None:
    module, images = kind().eval(), torch.rand(2, *SHAPE)
    model = classifier(module, input_shape=SHAPE)
    before = model(images)
    twin = model.randomised(1)
    assert not torch.allclose(twin(images), before)
    for tensor in (value for part in module.modules() for value in vars(part).values() if isinstance(value, list)):
        for layer in tensor:
            if isinstance(layer, nn.Module):
                for parameter in layer.parameters():
                    parameter.data.zero_()
    for parameter in module.parameters():
        parameter.data.zero_()
    assert torch.equal(model(images), before)


class Control(Parts):
    def forward(self, x: Tensor) -> Tensor:
        if x.mean() > 100:
            x = x + 1
        return self.head(F.relu(self.second(F.relu(self.first(x)))).flatten(2).mean(dim=2))


class Harmless(nn.Module):
    """Cannot be traced, and does nothing by itself that a hook would have to see."""

    def __init__(self) -> None:
        super().__init__()
        self.net = layers()

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x) if x.mean() < 100 else self.net(x - 1)


class Skips(Parts):
    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.first(x))
        if x.mean() > 100:
            x = x - 1
        return self.head((x[:, :, 1:-1, 1:-1] + self.second(x)).flatten(2).mean(dim=2))


def test_hidden_activations_are_named_and_told_of_once() -> None:
    with pytest.warns(ModelWarning, match="do not apply.*control flow.*relu") as said:
        model = classifier(Control(), input_shape=SHAPE)
    assert len(said) == 1
    assert find_hidden_operations(model) == {"": {"relu"}}
    assert any("do not apply" in note for note in model.notes)


def test_what_hides_nothing_is_no_obstacle() -> None:
    model = classifier(Harmless(), input_shape=SHAPE)
    assert model.unprepared == [""] and hidden_operations_reason(model) is None


def test_hidden_additions_matter_to_those_that_have_a_rule_for_them() -> None:
    with pytest.warns(ModelWarning, match=r"relevance propagation \(LRP\) does not apply") as said:
        model = classifier(Skips(), input_shape=SHAPE)
    assert "add" in str(hidden_operations_reason(model)) and hidden_operations_reason(model, additions=False) is None
    assert "DeepLIFT" not in str(said[0].message)


@pytest.mark.filterwarnings("ignore::harness.api.classifier_checks.ModelWarning")
def test_autocast_and_exported_programs_are_named() -> None:
    class Autocast(Parts):
        def forward(self, x: Tensor) -> Tensor:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                return self.head(F.relu(self.first(x)).mean((2, 3)))

    model = classifier(Autocast(), input_shape=SHAPE)
    assert model(torch.rand(1, *SHAPE)).dtype is torch.float32
    assert "autocast" in str(hidden_operations_reason(model))


# hooks that refer to the original


class Keeps(nn.Module):
    """Its forward reads what a hook keeps."""

    def __init__(self, hook: Callable[[nn.Module], Callable[..., object]]) -> None:
        super().__init__()
        net = layers()
        self.body, self.head, self.kept = net[:4], net[6], {}
        self.body[3].register_forward_hook(hook(self))

    def keep(self, module: nn.Module, args: object, output: Tensor) -> None:
        self.kept["x"] = output

    def forward(self, x: Tensor) -> Tensor:
        self.body(x)
        return self.head(self.kept["x"].mean((2, 3)))


def closing(net: nn.Module) -> Callable[..., object]:
    return lambda module, args, output: net.kept.__setitem__("x", output)


def by_default(net: nn.Module) -> Callable[..., object]:
    return lambda module, args, output, kept=net: kept.keep(module, args, output)


def bound(net: nn.Module) -> Callable[..., object]:
    return net.keep


def nested(net: nn.Module) -> Callable[..., object]:
    inner = closing(net)
    return lambda *args: inner(*args)


NAMED: list[nn.Module] = []


def through_a_global(net: nn.Module) -> Callable[..., object]:
    scope = {"net": net}
    exec("def hook(module, args, output): net.kept['x'] = output", scope)
    return scope["hook"]


@pytest.mark.parametrize("hook", [closing, by_default, bound, nested, through_a_global])
@pytest.mark.parametrize("used", [False, True])
def test_hooks_that_refer_to_the_network_refer_to_its_copy(hook: Callable[[nn.Module], Callable[..., object]], used: bool) -> None:
    net, first, second = Keeps(hook).eval(), torch.rand(2, *SHAPE), torch.rand(2, *SHAPE) ** 3
    with torch.no_grad():
        if used:
            net(first)
        expected = [layers()(first), layers()(second)]
        kept = net.kept.get("x")
        model = classifier(net, input_shape=SHAPE)
        for images, logits in zip((first, second, first), (*expected, expected[0]), strict=True):
            torch.testing.assert_close(model(images), logits)
        assert net.kept.get("x") is kept
        torch.testing.assert_close(model.randomised(0)(second), model.randomised(0)(second))


def test_a_copy_that_still_holds_on_to_the_original_is_refused() -> None:
    """What no look into closures finds: a registry of networks outside, by number."""
    NAMED.clear()

    class ByNumber(Keeps):
        def __init__(self) -> None:
            super().__init__(lambda net: lambda module, args, output: NAMED[0].kept.__setitem__("x", output))
            NAMED.append(self)

    with torch.no_grad():
        net = ByNumber().eval()
        net(torch.rand(1, *SHAPE))
        with pytest.raises(ValueError, match=r"gives other logits than the network itself.*hook or function"):
            classifier(net, input_shape=SHAPE)


def test_functions_of_others_stay_theirs() -> None:
    seen: list[Tensor] = []
    net = layers()
    net[1].register_forward_hook(lambda module, args, output: seen.append(output))
    copied = copy.deepcopy(net)
    prepared = prepare(net, torch.rand(1, *SHAPE))
    count = len(seen)
    prepared(torch.rand(1, *SHAPE))
    copied(torch.rand(1, *SHAPE))
    assert len(seen) == count + 2
