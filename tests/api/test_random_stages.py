"""Layers that are random for a block: what `Classifier.randomised` makes of them, on one copy, drawn once."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from itertools import chain, combinations

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from harness.api import Classifier, classifier, kept_networks, random_weights
from harness.api.random_stages import randomised_in_place

SHAPE = (3, 16, 16)


def convolutions() -> nn.Module:
    norm = nn.BatchNorm2d(6)
    nn.init.normal_(norm.weight)
    norm.running_mean.add_(0.5)
    return nn.Sequential(nn.Conv2d(3, 6, 3), norm, nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 4))


def transformer() -> nn.Module:
    return torchvision.models.VisionTransformer(16, 8, num_layers=1, num_heads=2, hidden_dim=8, mlp_dim=16, num_classes=3)


def normalised_weights() -> nn.Module:
    return nn.Sequential(
        parametrizations.weight_norm(nn.Conv2d(3, 4, 3)), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    )


class Recurrent(nn.Module):
    """A network that keeps its weights in a list too."""

    def __init__(self) -> None:
        super().__init__()
        self.rows, self.head = nn.GRU(48, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rows(x.transpose(1, 2).flatten(2))[0].mean(dim=1))


class Scaled(nn.Module):
    """A network that draws plain numbers, and tensors that it does not register, with its weights."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 2))
        self.weight, self.scale = nn.Parameter(torch.ones(2)), (1.0, {"shift": [torch.zeros(2)]})

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight)
        self.scale = (self.scale[0], {"shift": [torch.rand(2)]})

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x) * self.weight * self.scale[0] + self.scale[1]["shift"][0]


def with_parameters(module: nn.Module) -> list[str]:
    return [name for name, layer in module.named_modules() if any(True for _ in layer.parameters(recurse=False))]


def state(model: Classifier) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.module.state_dict().items()}


def assert_same(first: Classifier, second: Classifier) -> None:
    images = torch.rand(2, *SHAPE, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(first(images), second(images), rtol=0, atol=0)
    one, other = state(first), state(second)
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "make", [convolutions, transformer, normalised_weights, Recurrent, Scaled, lambda: torch.jit.script(convolutions())]
)
def test_any_layers_are_random_as_in_a_copy_and_the_model_stays(make: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    model = classifier(make(), input_shape=SHAPE, cam_layer="")
    layers, digest = with_parameters(model.module), model.digest
    some = layers if len(layers) < 5 else [layers[0], layers[1], layers[-2], layers[-1]]
    for random in chain.from_iterable(combinations(some, count) for count in range(len(some) + 1)):
        with randomised_in_place(model, 3, layers, random) as changed:
            assert_same(changed, model.randomised(3, random))
    with randomised_in_place(model, 3, layers, layers) as changed:
        assert_same(changed, model.randomised(3, layers))
        assert changed.digest != digest
    assert model.content_digest() == digest


def test_layers_are_drawn_once_for_each_seed_in_one_network(monkeypatch: pytest.MonkeyPatch) -> None:
    model = classifier(convolutions(), input_shape=SHAPE)
    layers, drawn = with_parameters(model.module), []
    draw = random_weights.randomise
    monkeypatch.setattr(random_weights, "randomise", lambda module, seed, names: drawn.append(seed) or draw(module, seed, names))
    networks, classifiers = set(), []
    for seed in (1, 1, 2, 1):
        for random in ([], layers[:1], layers):
            with randomised_in_place(model, seed, layers, random) as changed:
                networks.add(changed.module)
                classifiers.append(changed)
    assert drawn == [1, 2] and len(networks) == 2 and len(set(classifiers)) == 12


def test_the_copy_is_wholly_random_between_blocks_and_after_an_error() -> None:
    model = classifier(convolutions(), input_shape=SHAPE)
    layers, seen = with_parameters(model.module), []
    wholly = model.randomised(1, layers)
    with kept_networks.watch_kept_networks(seen.append):
        with pytest.raises(KeyError), randomised_in_place(model, 1, layers, layers[:1]):
            raise KeyError
        with randomised_in_place(model, 1, layers, []):
            assert all(torch.equal(a, b) for a, b in zip(seen[0].parameters(), model.module.parameters(), strict=True))
    assert seen[0] is seen[1]
    assert all(torch.equal(a, b) for a, b in zip(seen[0].parameters(), wholly.module.parameters(), strict=True))


def test_layers_that_share_weights_are_random_with_either() -> None:
    module = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1, bias=False), nn.ReLU(), nn.Conv2d(3, 3, 3, padding=1, bias=False))
    module[2].weight = module[0].weight
    model = classifier(nn.Sequential(*module, nn.AdaptiveAvgPool2d(1), nn.Flatten()), input_shape=SHAPE)
    found = []
    for random in (["0"], ["2"], ["0", "2"], []):
        with randomised_in_place(model, 1, ["0", "2"], random) as changed:
            first, second = changed.layer("0").weight, changed.layer("2").weight
            shared = first is second
            found.append([first.clone(), second.clone()])
    if shared:
        assert all(torch.equal(weight, found[0][0]) for pair in found[:3] for weight in pair)
    assert torch.equal(found[3][0], model.layer("0").weight) and not torch.equal(found[3][0], found[0][0])


def take(model: Classifier, number: int, made: list[int]) -> Classifier:
    return kept_networks.kept_network(model, number, lambda: made.append(number) or model.randomised(number))


def test_only_the_networks_used_last_are_kept() -> None:
    model, made = classifier(convolutions(), input_shape=SHAPE), list[int]()
    first = take(model, 0, made)
    assert take(model, 0, made) is first
    for number in range(1, kept_networks.MAX_KEPT):
        take(model, number, made)
    assert take(model, 0, made) is first and made == list(range(kept_networks.MAX_KEPT))
    take(model, kept_networks.MAX_KEPT, made)
    assert take(model, 0, made) is first
    take(model, 1, made)
    assert made[-2:] == [kept_networks.MAX_KEPT, 1]


def test_networks_are_kept_as_long_as_the_model() -> None:
    models = [classifier(convolutions(), input_shape=SHAPE)]
    layers = with_parameters(models[0].module)
    with randomised_in_place(models[0], 1, layers, []) as changed:
        gone = [weakref.ref(models[0]), weakref.ref(changed.module)]
    del changed
    models.clear()
    assert [reference() for reference in gone] == [None, None]
