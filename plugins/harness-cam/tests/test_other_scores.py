"""Grad-CAMs of other scores than the logit: Finer-CAM, ShapleyCAM, Smooth Grad-CAM++."""

import pytest
import torch
from cam_networks import PooledNet, SmallNet, images, seeded
from grad_cam_reference import reference
from harness_cam.capture import activations_at, capture
from harness_cam.explainers import grad_cam, grad_cam_plus_plus
from harness_cam.finer import finer_cam
from harness_cam.shapley import shapley_cam
from harness_cam.smooth import passes, smooth_grad_cam_plus_plus
from pytorch_grad_cam import GradCAM, ShapleyCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputReST, FinerWeightedTarget
from torch import nn

from harness.api import Context, classifier
from harness.api.declarations import declaration_of
from tests.support.networks import counted

TARGETS = torch.tensor([0, 1, 4, 4])


class SmoothNet(nn.Module):
    """Behind the layer stands something with curvature."""

    def __init__(self):
        super().__init__()
        self.conv, self.act, self.mix, self.head = nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Linear(6, 8), nn.Linear(8, 5)

    def forward(self, x):
        return self.head(torch.tanh(self.mix(self.act(self.conv(x)).square().mean((2, 3)))))


def finer_targets(model, batch, targets, classes, strength):
    with torch.no_grad():
        logits = model(batch)
    nearest = [(row - row[target]).abs().argsort()[1 : classes + 1].tolist() for row, target in zip(logits, targets, strict=True)]
    return [FinerWeightedTarget(int(target), others, strength) for target, others in zip(targets, nearest, strict=True)]


@pytest.mark.parametrize(("classes", "strength"), [(3, 1.0), (2, 0.6), (1, 1.0)])
def test_finer_cam_is_grad_cams(classes, strength):
    model, batch, targets = seeded(PooledNet), images(4), torch.tensor([0, 3, 1, 2])
    model.module.head.weight.mul_(10)
    found = finer_cam(model, batch, targets, classes=classes, strength=strength, layer="act", relu=False).map
    wanted = finer_targets(model, batch, targets, classes, strength)
    torch.testing.assert_close(found, reference(GradCAM, model, batch, targets, "act", wanted), rtol=1e-3, atol=1e-6)


def test_finer_cam_compares_with_all_others_where_there_are_fewer_and_with_none_is_grad_cam():
    model, batch, targets = seeded(PooledNet), images(4), torch.tensor([0, 3, 1, 2])
    all_others = finer_cam(model, batch, targets, classes=3, layer="act").map
    torch.testing.assert_close(finer_cam(model, batch, targets, classes=50, layer="act").map, all_others)
    alone = finer_cam(model, batch, targets, classes=1, strength=0.0, layer="act", relu=False).map
    torch.testing.assert_close(alone, grad_cam(model, batch, targets, layer="act", relu=False).map)


def test_finer_cam_of_one_class_is_the_difference_of_two_maps():
    model, batch, targets = seeded(PooledNet), images(2), torch.tensor([0, 3])
    with torch.no_grad():
        logits = model(batch)
    other = torch.stack([(row - row[target]).abs().argsort()[1] for row, target in zip(logits, targets, strict=True)])
    maps = [grad_cam(model, batch, classes, layer="act", relu=False).map for classes in (targets, other)]
    found = finer_cam(model, batch, targets, classes=1, strength=0.7, layer="act", relu=False).map
    torch.testing.assert_close(found, maps[0] - 0.7 * maps[1])


def test_shapley_cam_is_grad_cams():
    torch.manual_seed(0)
    model, batch = classifier(SmoothNet(), input_shape=(3, 16, 16)), images(4)
    found = shapley_cam(model, batch, TARGETS, layer="act", relu=False).map
    wanted = [ClassifierOutputReST(int(target)) for target in TARGETS]
    torch.testing.assert_close(found, reference(ShapleyCAM, model, batch, TARGETS, "act", wanted), rtol=1e-3, atol=1e-6)
    plain = grad_cam(model, batch, TARGETS, layer="act", relu=False).map
    assert (shapley_cam(model, batch, TARGETS, utility="logit", layer="act", relu=False).map - plain).abs().max() > 0.01 * plain.abs().max()


def test_of_the_logits_of_a_network_of_relus_shapley_cam_is_grad_cam():
    model, batch = seeded(SmallNet), images(4)
    for layer in ("features.1", "features.4"):
        found = shapley_cam(model, batch, TARGETS, utility="logit", layer=layer, relu=False).map
        torch.testing.assert_close(found, grad_cam(model, batch, TARGETS, layer=layer, relu=False).map)


def test_without_noise_smooth_grad_cam_plus_plus_is_grad_cam_plus_plus():
    model, batch = seeded(SmallNet), images(4)
    for layer in ("features.1", "features.4"):
        found = smooth_grad_cam_plus_plus(model, batch, TARGETS, draws=3, noise=0.0, layer=layer, relu=False, ctx=context()).map
        torch.testing.assert_close(found, grad_cam_plus_plus(model, batch, TARGETS, layer=layer, relu=False).map, rtol=1e-4, atol=1e-5)


def context():
    return Context(0, list("abcd"))


def test_derivatives_are_means_over_copies_with_noise_of_the_size_asked_for():
    model, batch, ctx = seeded(SmallNet), images(4), context()
    activations = activations_at(model, batch, "features.4")
    copies = [batch + 0.5 * ctx.noise(batch.shape[1:]) for _ in range(3)]
    gradients = torch.stack([capture(model, copy, TARGETS, "features.4").gradients for copy in copies])
    means = [(gradients**p).mean(0) for p in (1, 2, 3)]
    shares = means[1] / (2 * means[1] + means[2] * activations.sum((2, 3), keepdim=True))
    weights = (shares.nan_to_num(0) * means[0].relu()).sum((2, 3))
    found = smooth_grad_cam_plus_plus(model, batch, TARGETS, draws=3, noise=0.5, layer="features.4", relu=False, ctx=context()).map
    torch.testing.assert_close(found, torch.einsum("bk,bkhw->bhw", weights, activations), rtol=1e-3, atol=1e-4)


def test_as_many_passes_as_declared():
    model, batch = seeded(SmallNet), images(4)
    grad_cam(model, batch, TARGETS)
    with counted(model) as rows:
        smooth_grad_cam_plus_plus(model, batch, TARGETS, draws=3, layer="features.4", ctx=context())
    assert sum(rows) == 4 * passes({"draws": 3})
    for explain in (finer_cam, shapley_cam):
        with counted(model) as rows:
            explain(model, batch, TARGETS, layer="features.4")
        assert sum(rows) == 4 * declaration_of(explain, "explainers").passes
