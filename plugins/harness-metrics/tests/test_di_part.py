"""DiPart: the head of one cell against the network's own, brute force, and which networks have none."""

from __future__ import annotations

import pytest
import torch
from harness_metrics.localisation.di_part import NoPooledHead, di_part, part_passes, pooling_layer, with_head_of
from harness_metrics.localisation.grid_pointing_game import grid_pointing_game
from torch import nn

from harness.api import Attribution, Case, Context, classifier
from tests.support.cases import selected

CORNERS = (slice(0, 10), slice(0, 8)), (slice(10, 20), slice(8, 16))


class Network(nn.Module):
    """Convolutions of a given width, and a head on the mean of the last feature map."""

    def __init__(self, kernel, pool=None):
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Sequential(nn.Conv2d(2, 5, kernel, padding="same"), nn.ReLU(), nn.Conv2d(5, 6, kernel, padding="same"))
        self.pool, self.head = pool or nn.AdaptiveAvgPool2d(1), nn.Linear(6, 4)

    def forward(self, x):
        return self.head(self.pool(self.features(x).relu()).flatten(1))


class PositiveGradient:
    """An explainer that keeps what it was asked."""

    name, params = "positive-gradient", {}

    def __init__(self):
        self.asked = []

    def __call__(self, model, images, targets, *, ctx):
        images = images.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(model(images).gather(1, targets[:, None]).sum(), images)
        self.asked.append((model, images.detach(), gradient))
        return Attribution(gradient.sum(dim=1))


def case_of(module, targets=(0, 1, 2), explainer=None):
    model = classifier(module, input_shape=(2, 10, 8))
    generator = torch.Generator().manual_seed(1)
    training, images = torch.randn(12, 2, 10, 8, generator=generator), torch.randn(len(targets), 2, 10, 8, generator=generator)
    ctx = Context(0, [str(i) for i in range(len(targets))], labelled=lambda n: (training[:n], torch.arange(12)[:n] % 4))
    maps = torch.ones(len(targets), 10, 8)
    return Case(model, images, torch.tensor(targets), maps, ctx, explainer=explainer or PositiveGradient())


def test_where_features_see_one_pixel_a_gradient_is_perfect_and_in_the_whole_grid_is_not():
    options = {"side": 2, "confidence": 0}
    assert di_part(case_of(Network(1)), **options).tolist() == [1.0] * 3
    assert (grid_pointing_game(case_of(Network(1)), **options) < 0.9).all()


def test_it_is_what_the_head_of_the_cell_alone_gives_by_hand():
    explainer = PositiveGradient()
    case = case_of(Network(5), explainer=explainer)
    ours = di_part(case, side=2, confidence=0)
    expected = []
    for (_, grids, _), (rows, columns) in zip(explainer.asked, CORNERS, strict=True):
        assert torch.equal(grids[:, :, rows, columns], case.images)
        inputs = grids.clone().requires_grad_()
        features = case.model.module.features(inputs).relu()[:, :, rows, columns]
        logits = case.model.module.head(features.mean(dim=(2, 3)))
        (gradient,) = torch.autograd.grad(logits.gather(1, case.targets[:, None]).sum(), inputs)
        relevance = gradient.sum(dim=1).clamp_min(0)
        expected.append(relevance[:, rows, columns].sum(dim=(1, 2)) / relevance.sum(dim=(1, 2)))
    torch.testing.assert_close(ours, torch.stack(expected).mean(dim=0))
    assert ((ours > 0.5) & (ours < 1)).all()  # some reaches over the edge
    assert sum(grids.numel() for _, grids, _ in explainer.asked) == case.images.numel() * part_passes({"side": 2})


def test_the_head_of_a_cell_that_sees_no_other_is_the_networks_own():
    model = case_of(Network(1)).model
    images = torch.randn(9, 2, 10, 8, generator=torch.Generator().manual_seed(3))
    grid = torch.cat([torch.cat([images[3 * i + j] for j in range(3)], dim=-1) for i in range(3)], dim=-2)[None]
    for cell in range(9):
        torch.testing.assert_close(with_head_of(model, 3, cell)(grid), model(images[cell : cell + 1]))


def test_hooks_on_the_feature_layer_see_the_whole_grid_and_the_model_stays_as_it_was():
    case, seen = case_of(Network(3)), []
    twin = with_head_of(case.model, 2, 3)
    handle = twin.layer("features").register_forward_hook(lambda *args: seen.append(args[2].shape))
    twin(torch.rand(1, 2, 20, 16))
    handle.remove()
    assert seen == [(1, 6, 20, 16)]
    assert all(map(lambda a, b: a is b, case.model.module.parameters(), twin.module.parameters()))
    assert not any(layer._forward_pre_hooks or layer._forward_hooks for layer in case.model.module.modules())
    assert twin is with_head_of(case.model, 2, 3)


class Forked(Network):
    """The corner pixel goes round the pool."""

    def forward(self, x):
        return super().forward(x) + x[:, 0, :1, 0]


class Twice(Network):
    """All goes through the pool, but by two ways."""

    def forward(self, x):
        maps = self.features(x)
        return self.head((self.pool(maps.relu()) + self.pool((-maps).relu())).flatten(1))


@pytest.mark.parametrize(
    ("module", "reason"),
    [(Network(1, nn.MaxPool2d(3)), "no layer that pools"), (Forked(1), "goes through pool"), (Twice(1), "through pool, and once")],
)
def test_a_network_whose_logits_do_not_all_come_from_one_pool_is_refused(module, reason):
    module.head = nn.Linear(6 * 6 if isinstance(module.pool, nn.MaxPool2d) else 6, 4)
    with pytest.raises(NoPooledHead, match=reason):
        pooling_layer(classifier(module, input_shape=(2, 10, 8)))
    assert reason in di_part.applicable(classifier(module, input_shape=(2, 10, 8)))


def test_what_it_applies_to_is_known_of_the_model():
    assert di_part.applicable(classifier(Network(1), input_shape=(2, 10, 8))) is None
    fixed = nn.Sequential(nn.LayerNorm((10, 8)), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 6))
    assert di_part.applicable(classifier(fixed, input_shape=(2, 10, 8)), side=2).startswith("the network takes no images of 20 x 16 (")


def test_the_last_pool_is_taken():
    gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(2, 2, 1))
    module = nn.Sequential(gate, nn.Upsample(size=(10, 8)), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(8, 3))
    assert pooling_layer(classifier(module, input_shape=(2, 10, 8))) == "2"


def test_a_score_does_not_depend_on_the_batch():
    case = case_of(Network(5), targets=(0, 1, 2, 3, 1))
    together = di_part(case, side=2, confidence=0)
    alone = torch.cat([di_part(selected(case, [i]), side=2, confidence=0) for i in range(5)])
    torch.testing.assert_close(alone, together)
    assert together.unique().numel() > 1
