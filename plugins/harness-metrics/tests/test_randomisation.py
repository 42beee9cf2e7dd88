"""Metrics of randomisation against Quantus, closed forms and the models that they make."""

from __future__ import annotations

import weakref
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import quantus
import scipy.stats
import torch
from harness_metrics import memory
from harness_metrics.randomisation.comparison import comparison
from harness_metrics.randomisation.efficient_mprt import efficient_mprt, histogram_entropy
from harness_metrics.randomisation.layers import NothingToRandomise, randomisable_layers, stages
from harness_metrics.randomisation.mprt import mprt
from harness_metrics.randomisation.random_logit import other_classes, random_logit
from harness_metrics.randomisation.smooth_mprt import smooth_mprt
from quantus.helpers.model.pytorch_model import PyTorchModel
from torch import nn
from torchvision import models

from harness.api import Attribution, Case, Context, classifier

ORDERS = ("top-down", "bottom-up", "independent")
LAYERS = ["0", "2", "5"]


class Gradient:
    """Gradient × input, keeping note of the models it explained."""

    def __init__(self):
        self.models = []

    def __call__(self, model, images, targets, *, ctx):
        self.models.append(weakref.ref(model))
        images = images.detach().clone().requires_grad_()
        (gradient,) = torch.autograd.grad(model(images).gather(1, targets[:, None]).sum(), images)
        return Attribution((gradient * images.detach()).sum(dim=1))


class Edges:
    """Looks at no model and no class."""

    def __call__(self, model, images, targets, *, ctx):
        return Attribution(images.sum(dim=1).diff(dim=2, append=torch.zeros(len(images), 16, 1)))


@pytest.fixture
def case():
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 8, 3), nn.ReLU(), nn.Sequential(nn.AdaptiveAvgPool2d(3), nn.Flatten())
    )
    module.append(nn.Linear(72, 4))
    model = classifier(module, input_shape=(3, 16, 16))
    images = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    targets = torch.tensor([0, 1, 2, 3])
    ctx = Context(seed=7, ids=list("abcd"), purpose="score")
    explainer = Gradient()
    return Case(model, images, targets, explainer(model, images, targets, ctx=ctx).map, ctx, explainer=explainer)


def afresh(case, **changes):
    return replace(case, memory={}, **changes)


def ignoring_the_model(case):
    return afresh(case, explainer=Edges(), attributions=Edges()(case.model, case.images, case.targets, ctx=case.ctx).map)


# layers and stages


def test_layers_are_those_with_parameters_in_the_order_of_their_calls():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(6, 2)
            self.unused = nn.Linear(6, 2)
            self.norm = nn.BatchNorm2d(6)
            self.body = nn.Conv2d(3, 6, 3)

        def forward(self, x):
            return self.head(self.norm(self.body(x)).relu().mean(dim=(2, 3)))

    model = classifier(Backwards(), input_shape=(3, 8, 8))
    assert randomisable_layers(model) == ["body", "norm", "head"]


def test_layers_of_a_vision_transformer_begin_with_its_own_token_and_hold_the_projections_of_attention():
    network = models.VisionTransformer(image_size=16, patch_size=8, num_layers=1, num_heads=2, hidden_dim=8, mlp_dim=16, num_classes=3)
    nn.init.normal_(network.class_token)  # zero when drawn by torchvision
    model = classifier(network, input_shape=(3, 16, 16))
    before = model.digest
    layers = randomisable_layers(model)
    assert layers[0] == "" and layers[-1].startswith("heads") and set(layers[:3]) >= {"conv_proj", "encoder"}
    assert any(name.endswith("self_attention.out_proj") for name in layers)
    wholly = model.randomised(0, layers)
    same = [name for name, old in model.module.state_dict().items() if old.ndim > 1 and torch.equal(old, wholly.module.state_dict()[name])]
    assert same == []
    model.__dict__.pop("digest")
    assert model.digest == before


def test_an_auxiliary_head_is_no_layer():
    network = models.googlenet(weights=None, aux_logits=True, init_weights=False, num_classes=5)
    assert not any(name.startswith("aux") for name in randomisable_layers(classifier(network, input_shape=(3, 64, 64))))


def test_a_model_without_parameters_says_so():
    model = classifier(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), input_shape=(3, 8, 8))
    with pytest.raises(NothingToRandomise):
        randomisable_layers(model)


@pytest.mark.parametrize("steps", [None, 1, 2, 3, 50])
def test_a_cascade_ends_wholly_random_and_independent_stages_share_no_layer(steps):
    down, up, alone = (stages(LAYERS, order, steps) for order in ORDERS)
    assert len(down) == len(up) == len(alone) == (3 if steps in (None, 50) else steps)
    assert down[-1] == up[-1] == frozenset(LAYERS)
    assert "5" in down[0] and "0" in up[0]
    assert all(earlier < later for cascade in (down, up) for earlier, later in pairwise(cascade))
    assert sorted(layer for stage in alone for layer in stage) == LAYERS


# mprt


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("absolute", [True, False])
def test_mprt_is_the_mean_similarity_with_maps_of_randomised_models(case, order, absolute):
    random = {"top-down": ["5", "25", "025"], "bottom-up": ["0", "02", "025"], "independent": ["0", "2", "5"]}[order]
    expected = np.zeros(4)
    for layers in random:
        maps = case.explain(model=case.model.randomised(7, list(layers)))
        pairs = zip(case.attributions, maps, strict=True)
        pairs = [(a.abs(), b.abs()) if absolute else (a, b) for a, b in pairs]
        expected += [scipy.stats.spearmanr(a.flatten(), b.flatten())[0] / 3 for a, b in pairs]
    np.testing.assert_allclose(mprt(afresh(case), order=order, absolute=absolute), expected, atol=1e-6)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", ["spearman", "pearson", "cosine", "ssim", "hog"])
def test_an_explainer_that_ignores_the_model_scores_one(case, order, kind):
    scores = mprt(ignoring_the_model(case), order=order, similarity=kind)
    torch.testing.assert_close(scores, torch.ones(4, dtype=torch.float64))


def test_an_explainer_of_noise_that_follows_the_model_scores_chance(case):
    class Noise:
        def __call__(self, model, images, targets, *, ctx):
            seed = int.from_bytes(model.digest.encode()[:6], "big")
            return Attribution(torch.randn(len(images), 64, 64, generator=torch.Generator().manual_seed(seed)))

    maps = torch.randn(4, 64, 64, generator=torch.Generator().manual_seed(0))
    assert mprt(afresh(case, explainer=Noise(), attributions=maps), absolute=False).abs().max() < 0.05


def test_the_model_as_it_is_takes_no_part(case):
    case.explainer.models.clear()
    mprt(afresh(case))
    assert len(case.explainer.models) == 3 and case.model not in [model() for model in case.explainer.models]


def test_metrics_share_maps_of_the_same_randomised_models(case):
    case.explainer.models.clear()
    case = afresh(case)
    for kind in ("spearman", "ssim", "hog"):
        mprt(case, similarity=kind)
    assert len(case.explainer.models) == 3
    efficient_mprt(case)
    mprt(case, steps=1)
    assert len(case.explainer.models) == 3, "the last stage is the wholly random model of every metric and order"
    mprt(case, order="bottom-up")
    assert len(case.explainer.models) == 5
    mprt(case, order="independent")
    assert len(case.explainer.models) == 6, "the first and the last layer alone are stages of the cascades"


def test_randomised_models_are_freed_one_after_the_other(case):
    alive = []

    class Counting(Gradient):
        def __call__(self, model, images, targets, *, ctx):
            alive.append(sum(seen() is not None for seen in self.models))
            return super().__call__(model, images, targets, ctx=ctx)

    for order in ORDERS:
        explainer = Counting()
        mprt(afresh(case, explainer=explainer), order=order)
        assert all(seen() is None for seen in explainer.models)
    assert max(alive) <= 1


def test_a_map_that_becomes_constant_counts_as_dissimilar_or_is_undefined(case):
    class Dead:
        def __call__(self, model, images, targets, *, ctx):
            return Attribution(torch.zeros(len(images), 16, 16))

    case = afresh(case, explainer=Dead())
    case.attributions[1] = 0
    assert mprt(case).nan_to_num(nan=9).tolist() == [0, 9, 0, 0]
    assert mprt(case, constant="undefined").isnan().all()


def test_an_explainer_of_a_layer_by_name_explains_the_randomised_copy(case):
    class OfLayer:
        """Activations of a layer, weighted by their gradient: a CAM."""

        def __call__(self, model, images, targets, *, ctx):
            kept = []
            handle = model.layer("2").register_forward_hook(lambda layer, args, output: kept.append(output))
            logits = model(images.requires_grad_()).gather(1, targets[:, None]).sum()
            handle.remove()
            (gradient,) = torch.autograd.grad(logits, kept[0])
            weighted = (kept[0] * gradient.mean(dim=(2, 3), keepdim=True)).sum(dim=1).detach()
            return Attribution(nn.functional.pad(weighted, (1, 1, 1, 1)))

    maps = OfLayer()(case.model, case.images.clone(), case.targets, ctx=case.ctx).map
    explained = afresh(case, explainer=OfLayer(), attributions=maps, images=case.images.clone())
    assert (mprt(explained, order="bottom-up", absolute=False) < 0.95).all()


# Quantus


def explain_by_gradient(model, inputs, targets, **_):
    images = torch.as_tensor(inputs, dtype=torch.float32).requires_grad_()
    (gradient,) = torch.autograd.grad(model(images).gather(1, torch.as_tensor(targets)[:, None]).sum(), images)
    return (gradient * images).sum(dim=1, keepdim=True).detach().numpy()


@pytest.fixture
def same_weights(case, monkeypatch):
    """Quantus with the randomised models that the metric makes, in its orders."""

    def generator(self, order="top_down", seed=42):
        for stage in stages(LAYERS, order.replace("_", "-"), None):
            yield "+".join(sorted(stage)), case.model.randomised(case.ctx.seed, sorted(stage)).module

    monkeypatch.setattr(PyTorchModel, "get_random_layer_generator", generator)


def by_quantus(metric, case, i, explain=explain_by_gradient, attributions=True, **kwargs):
    return metric(
        model=case.model.module,
        x_batch=case.images[i : i + 1].numpy(),
        y_batch=case.targets[i : i + 1].numpy(),
        a_batch=case.attributions[i : i + 1, None].numpy() if attributions else None,
        explain_func=explain,
        channel_first=True,
        **kwargs,
    )


QUIET = {"disable_warnings": True, "display_progressbar": False}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("absolute", [True, False])
def test_mprt_equals_quantus_without_the_model_that_is_not_randomised(case, same_weights, order, absolute):
    ours = mprt(afresh(case), order=order, absolute=absolute)
    settings = {"layer_order": order.replace("-", "_"), "abs": absolute, "normalise": True, **QUIET}
    for i in range(4):
        layers = by_quantus(quantus.MPRT(**settings), case, i)
        original = layers.pop("original")
        assert original == [pytest.approx(1)]
        assert ours[i].item() == pytest.approx(np.mean(list(layers.values())), abs=1e-6)
        averaged = by_quantus(quantus.MPRT(return_average_correlation=True, **settings), case, i)
        assert averaged[0] == pytest.approx((1 + 3 * ours[i].item()) / 4, abs=1e-6), "its average holds the similarity of 1 as well"


def test_quantus_explains_the_original_layer_where_a_layer_is_named_and_the_copy_is_never_asked(case, same_weights):
    from captum.attr import LayerGradCam

    def cam(model, inputs, targets, layer, **_):
        maps = LayerGradCam(model, layer).attribute(torch.as_tensor(inputs).requires_grad_(), target=torch.as_tensor(targets))
        return nn.functional.interpolate(maps, (16, 16)).detach().abs().numpy()

    metric = quantus.MPRT(**QUIET)
    with pytest.raises(AssertionError, match="did not obtain any outputs for given layer"):
        by_quantus(metric, case, 0, cam, explain_func_kwargs={"layer": case.model.layer("2")})


@pytest.mark.parametrize("absolute", [True, False])
def test_efficient_mprt_equals_quantus(case, same_weights, absolute):
    ours = efficient_mprt(afresh(case), absolute=absolute)
    for i in range(4):
        theirs = by_quantus(quantus.EfficientMPRT(layer_order="top_down", abs=absolute, **QUIET), case, i)
        assert ours[i].item() == pytest.approx(theirs[0], rel=1e-5)


class GivenNoise:
    """NumPy that draws given noise; what Quantus makes the last draw of each map (zeros) is noise too, unless ``silent``."""

    def __init__(self, draws, spread, silent):
        self.random, self.draws, self.spread, self.silent = self, iter(np.concatenate([draws] * 10)), spread, silent

    def __getattr__(self, name):
        return getattr(np, name)

    def randn(self, *shape):
        return next(self.draws)[None]

    def zeros_like(self, images):
        draw = next(self.draws)[None] * np.float32(self.spread)
        return np.zeros(draw.shape, draw.dtype) if self.silent else draw


def test_smooth_mprt_equals_quantus_once_its_last_draw_is_noisy(case, same_weights, monkeypatch):
    from quantus.metrics.randomisation import smooth_mprt as theirs

    ours = smooth_mprt(afresh(case), order="bottom-up", samples=5, noise=0.2)
    draws = case.ctx.fresh("noise that smooths")
    draws = torch.stack([draws.noise((3, 16, 16)) for _ in range(5)]).numpy()
    monkeypatch.setattr(quantus, "explain", lambda model, inputs, targets, **_: explain_by_gradient(model, inputs, targets))
    settings = {"nr_samples": 5, "noise_magnitude": 0.2, "layer_order": "bottom_up", "abs": True, **QUIET}
    for i in range(4):
        spread = 0.2 * (case.images[i].max() - case.images[i].min()).item()
        found = {}
        for silent in (False, True):
            monkeypatch.setattr(theirs, "np", GivenNoise(draws[:, i], spread, silent))
            layers = by_quantus(quantus.SmoothMPRT(**settings), case, i, attributions=False)
            assert layers.pop("original") == [pytest.approx(1)]
            found[silent] = np.mean(list(layers.values()))
        assert ours[i].item() == pytest.approx(found[False], abs=1e-5)
        assert abs(found[True] - found[False]) > 1e-5


def test_random_logit_equals_quantus_for_two_classes_and_quantus_assumes_a_thousand(case):
    two = classifier(nn.Sequential(*case.model.module, nn.Linear(4, 2)), input_shape=(3, 16, 16))
    case = afresh(case, model=two, targets=torch.tensor([0, 1, 0, 1]))
    case = afresh(case, attributions=case.explain())
    ours = random_logit(case, similarity="spearman")
    for i in range(4):
        settings = {"similarity_func": quantus.correlation_spearman, "abs": False, "normalise": False, **QUIET}
        theirs = by_quantus(quantus.RandomLogit(num_classes=2, **settings), case, i)
        assert ours[i].item() == pytest.approx(float(np.asarray(theirs).ravel()[0]), abs=1e-6)
    with pytest.raises(RuntimeError, match="out of bounds"):
        by_quantus(quantus.RandomLogit(**settings), case, 0)


def test_quantus_takes_the_ssim_of_flattened_maps():
    a, b = np.random.default_rng(0).random((2, 1, 20, 20))
    flat = quantus.ssim(a.reshape(1, -1), b.reshape(1, -1), batched=True)[0]
    transposed = quantus.ssim(a.transpose(0, 2, 1).reshape(1, -1), b.transpose(0, 2, 1).reshape(1, -1), batched=True)[0]
    assert abs(flat - transposed) > 0.01, "turning both maps by the diagonal should change nothing"
    ours = comparison(torch.tensor(a), "ssim", False, "zero")(torch.tensor(b))
    turned = comparison(torch.tensor(a).mT.contiguous(), "ssim", False, "zero")(torch.tensor(b).mT.contiguous())
    torch.testing.assert_close(ours, turned)


# smooth and efficient


def test_smoothing_without_noise_is_the_plain_test(case):
    plain = mprt(afresh(case), order="bottom-up")
    torch.testing.assert_close(smooth_mprt(afresh(case), samples=3, noise=0.0), plain, rtol=1e-5, atol=1e-5)


def test_smoothing_does_not_depend_on_how_many_draws_fit_into_memory(case, monkeypatch):
    together = smooth_mprt(afresh(case), samples=5)
    monkeypatch.setitem(memory.BUDGET, "cpu", case.images.nbytes * 2)
    torch.testing.assert_close(smooth_mprt(afresh(case), samples=5), together, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("bins", [2, 10, 100])
def test_histogram_entropy_equals_numpys(bins):
    maps = torch.randn(6, 30, 30, generator=torch.Generator().manual_seed(2), dtype=torch.float64) ** 3
    expected = [scipy.stats.entropy(np.histogram(m.numpy(), bins=bins)[0]) for m in maps]
    np.testing.assert_allclose(histogram_entropy(maps, bins), expected, rtol=1e-9)


def test_complexity_rises_from_one_pixel_to_noise_and_falls_to_a_constant(case):
    class Noise:
        def __call__(self, model, images, targets, *, ctx):
            maps = torch.rand(len(images), 16, 16, generator=torch.Generator().manual_seed(0))
            return Attribution(maps * (targets != 3)[:, None, None])

    peak = torch.zeros(4, 16, 16)
    peak[:, 3, 4] = 1
    peak[2] = 0.5
    scores = efficient_mprt(afresh(case, attributions=peak, explainer=Noise()))
    assert scores[0] > 10 and scores[2].isnan() and scores[3] == -1
    assert efficient_mprt(ignoring_the_model(case)).tolist() == [0] * 4


# random logit


def test_other_classes_are_all_but_the_target_and_equally_likely(case):
    many = afresh(case, ctx=Context(seed=0, ids=[str(i) for i in range(3000)], purpose="score"))
    many.targets = torch.arange(4).repeat(750)
    (drawn,) = other_classes(many, 1).T
    counts = torch.zeros(4, 4).index_put_((many.targets, drawn), torch.ones(3000), accumulate=True)
    assert (counts.diag() == 0).all() and scipy.stats.chisquare(counts[~torch.eye(4, dtype=torch.bool)]).pvalue > 0.001
    everything = other_classes(many, 3)
    assert all(set(row) | {target} == set(range(4)) for row, target in zip(everything.tolist(), many.targets.tolist(), strict=True))


def test_random_logit_over_all_other_classes_is_their_mean(case):
    expected = torch.zeros(4, dtype=torch.float64)
    for shift in range(1, 4):
        maps = case.explain(targets=(case.targets + shift) % 4)
        expected += comparison(case.attributions, "pearson", False, "zero")(maps) / 3
    torch.testing.assert_close(random_logit(afresh(case), samples=3, similarity="pearson"), expected)
    torch.testing.assert_close(random_logit(afresh(case), samples=99, similarity="pearson"), expected)


def test_an_explainer_that_ignores_the_class_scores_one_and_two_opposite_classes_minus_one(case):
    torch.testing.assert_close(random_logit(ignoring_the_model(case)), torch.ones(4, dtype=torch.float64))
    opposite = nn.Sequential(nn.Flatten(), nn.Linear(768, 1), nn.Linear(1, 2, bias=False))
    with torch.no_grad():
        opposite[2].weight.copy_(torch.tensor([[1.0], [-1.0]]))
    two = afresh(case, model=classifier(opposite, input_shape=(3, 16, 16)), targets=torch.tensor([0, 1, 0, 1]))
    scores = random_logit(afresh(two, attributions=two.explain()), similarity="spearman")
    torch.testing.assert_close(scores, -torch.ones(4, dtype=torch.float64))


def test_a_model_of_one_class_has_no_other(case):
    one = case.model.with_module(nn.Sequential(nn.Flatten(), nn.Linear(768, 1)))
    assert random_logit(afresh(case, model=one, targets=torch.zeros(4, dtype=torch.long))).isnan().all()
