"""Attention in networks of many hands, and what only resembles it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.api import classifier
from harness.api.attention import find_attention_operations
from harness.api.autograd_graph import trace_autograd
from harness.api.network_features import detect_features, nonlinearities

WIDTH, TOKENS = 12, 16
Mixing = Callable[[Tensor, Tensor, Tensor], Tensor]


class Attention(nn.Module):
    """Linear layers of any names and widths, and any way to mix by what they return."""

    def __init__(self, shares: dict[str, int], mix: Mixing, inner: int = WIDTH) -> None:
        super().__init__()
        self.linear = nn.ModuleDict({name: nn.Linear(WIDTH, share * inner, bias=False) for name, share in shares.items()})
        self.out, self.mix = nn.Linear(inner, WIDTH), mix

    def forward(self, x: Tensor) -> Tensor:
        parts = torch.cat([layer(x) for layer in self.linear.values()], -1).chunk(3, -1)
        return self.out(self.mix(*parts))


def fused(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v)


def by_operators(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (q @ k.transpose(-1, -2) * 0.3).softmax(-1) @ v


def in_heads(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k, v = (part.unflatten(2, (3, -1)) for part in (q, k, v))
    scores = torch.einsum("bihd,bjhd->bhij", q, k)
    scores = scores + torch.eye(TOKENS)
    return torch.einsum("bhij,bjhd->bihd", F.softmax(scores, -1), v).flatten(2)


def linear(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Katharopoulos et al. 2020: no softmax between the products."""
    q, k = F.elu(q) + 1, F.elu(k) + 1
    return q @ (k.transpose(-1, -2) @ v)


def of_sigmoids(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return torch.bmm(torch.sigmoid(torch.bmm(q, k.transpose(1, 2))), v)


class TalkingHeads(nn.Module):
    """Scores and weights are mixed across heads by linear layers (Shazeer et al. 2020), as in CaiT."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.scores, self.weights = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(2, (3, 3, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        scores = self.scores((q @ k.transpose(-1, -2)).movedim(1, -1)).softmax(-2)
        return (self.weights(scores).movedim(-1, 1) @ v).transpose(1, 2).flatten(2)


class Pooling(nn.Module):
    """A query that is a parameter asks all tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.k, self.v = nn.Parameter(torch.randn(1, 1, WIDTH)), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return (self.query.expand(len(x), -1, -1) @ self.k(x).transpose(1, 2)).softmax(-1) @ self.v(x)


class OfTorch(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(WIDTH, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x)[0]


ATTENDING: dict[str, Callable[[], nn.Module]] = {
    "qkv": lambda: Attention({"qkv": 3}, fused),
    "wider than its tokens": lambda: Attention({"to_qkv": 3}, in_heads, inner=24),
    "q and kv": lambda: Attention({"q": 1, "kv": 2}, by_operators),
    "wq wk wv": lambda: Attention({"wq": 1, "wk": 1, "wv": 1}, fused),
    "linear attention": lambda: Attention({"a": 3}, linear),
    "sigmoids": lambda: Attention({"a": 3}, of_sigmoids),
    "talking heads": TalkingHeads,
    "pooling by a query": Pooling,
    "torch's": OfTorch,
    "torch's encoder": lambda: nn.TransformerEncoderLayer(WIDTH, 2, 16, batch_first=True, norm_first=True),
}


class Net(nn.Module):
    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.patches, self.block, self.head = nn.Conv2d(3, WIDTH, 4, 4), block, nn.Linear(WIDTH, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.block(self.patches(x).flatten(2).transpose(1, 2)).mean(1))


@pytest.mark.parametrize("kind", ATTENDING)
def test_attention_is_known_whatever_its_layers_are_called(kind: str) -> None:
    torch.manual_seed(0)
    model = classifier(Net(ATTENDING[kind]()), input_shape=(3, 16, 16))
    assert detect_features(model) == {"token-grid"} | ({"relu"} if kind == "torch's encoder" and "ReLU" in nonlinearities(model) else set())
    assert model.cam_layer is None
    assert "Softmax" in nonlinearities(model)


class SqueezeAndExcite(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(8, 4), nn.Linear(4, 8)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.up(F.relu(self.down(x.mean((2, 3))))).softmax(-1)[..., None, None]


class SelectiveKernel(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.choose = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 1), nn.Linear(8, 16)

    def forward(self, x: Tensor) -> Tensor:
        both = torch.stack([self.one(x), self.two(x)], 1)
        return (both * self.choose(both.sum(1).mean((2, 3))).view(-1, 2, 8).softmax(1)[..., None, None]).sum(1)


class GlobalContext(nn.Module):
    """A softmax over positions, of one convolution, weighs them once (Cao et al. 2019)."""

    def __init__(self) -> None:
        super().__init__()
        self.mask, self.out = nn.Conv2d(8, 1, 1), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.mask(x).flatten(2).softmax(-1)
        return x + self.out((x.flatten(2) @ weights.transpose(1, 2)).squeeze(-1))[..., None, None]


class Bilinear(nn.Module):
    """Second-order pooling: one product of activations, and no scores (Lin et al. 2015)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2) @ x.flatten(2).transpose(1, 2)


@pytest.mark.parametrize("block", [SqueezeAndExcite(), SelectiveKernel(), GlobalContext(), Bilinear()])
def test_gates_and_pooling_are_no_attention(block: nn.Module) -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), block, nn.Flatten(), nn.LazyLinear(3))
    net(torch.rand(1, 3, 12, 12))
    assert "token-grid" not in detect_features(classifier(net, input_shape=(3, 12, 12)))


class NonLocal(nn.Module):
    """Positions of a convolutional network attend to each other (Wang et al. 2018)."""

    def __init__(self) -> None:
        super().__init__()
        self.theta, self.phi, self.g = (nn.Conv2d(8, 8, 1) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        theta, phi, g = (layer(x).flatten(2) for layer in (self.theta, self.phi, self.g))
        return x + (g @ (theta.transpose(1, 2) @ phi).softmax(-1).transpose(1, 2)).view_as(x)


def test_a_convolutional_network_that_attends_has_both_and_its_map_is_behind() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), NonLocal(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))
    model = classifier(net, input_shape=(3, 12, 12))
    assert detect_features(model) == {"convolutions", "relu", "token-grid"}
    assert model.cam_layer is not None and model.cam_layer.startswith("2")


class Weighted(nn.Module):
    """Batched weights that are parameters, with a softmax over what they make or without."""

    def __init__(self, softmax: bool) -> None:
        super().__init__()
        self.weights, self.softmax = nn.Parameter(torch.rand(1, 5, 8)), softmax

    def forward(self, x: Tensor) -> Tensor:
        x = torch.bmm(self.weights, x.flatten(2))
        return (x.softmax(-1) if self.softmax else x)[..., None]


@pytest.mark.parametrize(
    ("blocks", "count"),
    [
        ([NonLocal()], 1),
        ([NonLocal(), nn.Conv2d(8, 8, 1), Bilinear()], 1),
        ([Weighted(softmax=False), Bilinear()], 0),
        ([Weighted(softmax=True), Bilinear()], 1),
    ],
)
def test_scores_are_told_from_other_products_behind_a_convolution_or_without_a_softmax(blocks: list[nn.Module], count: int) -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), *blocks).requires_grad_(False)
    assert len(find_attention_operations(trace_autograd(net, net, torch.rand(1, 3, 12, 12)))) == count
