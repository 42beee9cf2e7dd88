from functools import cache

import pytest
import torch
from cam_networks import PooledNet, SmallNet, TokenNet, images, seeded
from grad_cam_reference import reference
from harness_cam.ablation import ablation_cam
from harness_cam.class_weights import cam
from harness_cam.eigen import eigen_cam, eigen_grad_cam
from harness_cam.explainers import grad_cam, grad_cam_plus_plus, hires_cam, layer_cam, xgrad_cam
from harness_cam.finer import finer_cam
from harness_cam.scored import score_cam
from harness_cam.shapley import shapley_cam
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus, LayerCAM, XGradCAM
from torch import nn
from torchvision import models
from torchvision.models import VisionTransformer

from harness.api import Attribution, classifier

PAIRS = [(grad_cam, GradCAM), (grad_cam_plus_plus, GradCAMPlusPlus), (xgrad_cam, XGradCAM), (layer_cam, LayerCAM)]
EXPLAINERS = [ours for ours, _ in PAIRS]
OTHERS = [hires_cam, cam, eigen_cam, eigen_grad_cam, ablation_cam, score_cam, finer_cam, shapley_cam]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@pytest.mark.parametrize("layer", ["features.1", "features.2", "features.4"])
def test_small_network_agrees_with_pytorch_grad_cam(ours, theirs, layer):
    model, batch, targets = seeded(SmallNet), images(4), torch.tensor([0, 1, 4, 4])
    found = ours(model, batch, targets, layer=layer, relu=False)
    torch.testing.assert_close(found.map, reference(theirs, model, batch, targets, layer), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@pytest.mark.parametrize(("arch", "layer"), [("resnet18", "layer3"), ("vgg11", "features.19")])
def test_torchvision_agrees_with_pytorch_grad_cam(ours, theirs, arch, layer):
    """Logits are scaled up, as the reference adds 1e-6 to a denominator of squared gradients, which here are smaller than that."""
    model, batch, targets = torchvision_model(arch), images(2, (64, 64)), torch.tensor([3, 0])
    found = ours(model, batch, targets, layer=f"0.{layer}", relu=False).map
    expected = reference(theirs, model, batch, targets, f"0.{layer}")
    largest = expected.abs().amax(dim=(1, 2), keepdim=True)
    torch.testing.assert_close(found / largest, expected / largest, rtol=0, atol=1e-3)


@cache
def torchvision_model(arch):
    torch.manual_seed(0)
    return classifier(nn.Sequential(models.get_model(arch, num_classes=5), Scale()), input_shape=(3, 64, 64))


class Scale(nn.Module):
    def forward(self, x):
        return x * 1e4


@pytest.mark.parametrize("relu", [True, False])
def test_grad_cam_is_cam_on_a_pooled_linear_network(relu):
    """Zhou et al. 2016: the map is the activations weighted by the linear layer's row, here divided by the number of cells."""
    model, batch, targets = seeded(PooledNet), images(3), torch.tensor([0, 3, 1])
    activations = model.module.act(model.module.conv(batch))
    cam = torch.einsum("bk,bkhw->bhw", model.module.head.weight[targets], activations) / 256
    found = grad_cam(model, batch, targets, layer="act", relu=relu).map
    torch.testing.assert_close(found, cam.relu() if relu else cam)


def test_the_default_layer_is_the_models():
    torch.manual_seed(0)
    model = classifier(SmallNet(), input_shape=(3, 16, 16), cam_layer="features.1")
    batch, targets = images(2), torch.tensor([0, 1])
    assert torch.equal(grad_cam(model, batch, targets).map, grad_cam(model, batch, targets, layer="features.1").map)
    assert grad_cam(model, batch, targets).map.shape == (2, 16, 16)


@pytest.mark.parametrize("explain", EXPLAINERS)
def test_a_sample_does_not_depend_on_its_batch(explain):
    model, batch, targets = seeded(SmallNet), images(5), torch.tensor([0, 1, 2, 3, 4])
    together = explain(model, batch, targets, layer="features.4").map
    alone = torch.cat([explain(model, batch[i : i + 1], targets[i : i + 1], layer="features.4").map for i in range(5)])
    torch.testing.assert_close(together, alone)


@pytest.mark.parametrize("explain", EXPLAINERS)
def test_maps_are_coarse_non_negative_and_of_the_target(explain):
    model, batch = seeded(SmallNet), images(2)
    found = explain(model, batch, torch.tensor([0, 0]))
    assert isinstance(found, Attribution)
    assert found.coarse
    assert found.map.shape == (2, 8, 8)
    assert (found.map >= 0).all()
    assert not torch.equal(found.map, explain(model, batch, torch.tensor([1, 1])).map)


@pytest.mark.parametrize("explain", EXPLAINERS)
def test_scale_is_kept(explain):
    """Twice the logits is twice the evidence; only Grad-CAM++ is not linear in the gradients."""
    model, batch, targets = seeded(PooledNet), images(2), torch.tensor([1, 2])
    once = explain(model, batch, targets, layer="act").map
    model.module.head.weight.mul_(2)
    twice = explain(model, batch, targets, layer="act").map
    assert (twice.sum() > once.sum()) if explain is grad_cam_plus_plus else torch.allclose(twice, 2 * once)


@pytest.mark.parametrize("explain", EXPLAINERS)
def test_a_logit_without_gradient_gives_zeros(explain):
    model, batch = seeded(PooledNet), images(2)
    model.module.head.weight.zero_()
    assert torch.equal(explain(model, batch, torch.tensor([0, 1]), layer="act").map, torch.zeros(2, 16, 16))


@pytest.mark.parametrize(
    "explain", [*EXPLAINERS, hires_cam, cam, eigen_cam, eigen_grad_cam, ablation_cam, score_cam, finer_cam, shapley_cam]
)
def test_maps_hold_no_graph(explain):
    found = explain(seeded(PooledNet), images(2), torch.tensor([1, 2]), layer="act").map
    assert not found.requires_grad
    assert found.abs().max() > 0


def test_tokens_are_laid_out_on_the_image():
    model = seeded(TokenNet, (16, 24), cam_layer="tokens")
    assert grad_cam(model, images(2, (16, 24)), torch.tensor([0, 1])).map.shape == (2, 4, 6)
    patch = torch.zeros(1, 3, 16, 24)
    patch[:, :, 8:12, 4:8] = 5
    found = layer_cam(model, patch - 5 * (patch == 0), torch.tensor([0]), relu=False).map[0]
    elsewhere = torch.ones(4, 6, dtype=torch.bool)
    elsewhere[2, 1] = False
    assert found[elsewhere].unique().numel() == 1
    assert found[2, 1] != found[0, 0]


class PrefixedNet(TokenNet):
    """Tokens with others in front, and a head that reads the mean of all."""

    def __init__(self, prefix):
        super().__init__()
        self.prefix = nn.Parameter(torch.randn(1, prefix, 10))

    def forward(self, x):
        grid = self.patches(x).flatten(2).transpose(1, 2)
        return self.head(self.tokens(torch.cat([self.prefix.expand(len(x), -1, -1), grid], dim=1)).relu().mean(dim=1))


@pytest.mark.parametrize("prefix", [1, 2, 5, 9])
@pytest.mark.parametrize("size", [(16, 16), (19, 26)])
def test_class_distillation_and_register_tokens_are_not_on_the_map(prefix, size):
    """The map is that of the patches alone, cell by cell: gradients and activations as autograd gives them."""
    torch.manual_seed(0)
    model, batch = classifier(PrefixedNet(prefix), input_shape=(3, *size), cam_layer="tokens"), images(2, size)
    grid = model.module.patches(batch)
    wanted = ((grid > 0) * model.module.head.weight[0].view(1, -1, 1, 1) / (prefix + grid[0, 0].numel())).relu() * grid
    found = layer_cam(model, batch, torch.tensor([0, 0]), relu=False).map
    assert found.shape == (2, size[0] // 4, size[1] // 4)
    torch.testing.assert_close(found, wanted.sum(1))
    assert torch.equal(found, layer_cam(model, batch, torch.tensor([0, 0]), relu=False, prefix_tokens=prefix).map)


def test_a_model_without_convolutions_says_so():
    model = classifier(nn.Sequential(nn.Flatten(), nn.Linear(48, 2)), input_shape=(3, 4, 4))
    assert "no convolution" in grad_cam.applicable(model)
    assert grad_cam.applicable(seeded(PooledNet)) is None
    with pytest.raises(ValueError, match="names no cam_layer"):
        grad_cam(model, torch.zeros(1, 3, 4, 4), torch.tensor([0]))


class WithoutGradients(PooledNet):
    def forward(self, x):
        return super().forward(x).detach()


def test_a_model_without_gradients_says_so():
    assert "no gradient of the logits reaches the image" in grad_cam.applicable(seeded(WithoutGradients))


def test_a_transformer_needs_a_layer_with_tokens():
    torch.manual_seed(0)
    module = VisionTransformer(image_size=32, patch_size=8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=16, num_classes=3)
    nn.init.normal_(module.heads.head.weight)
    assert "embeds patches" in grad_cam.applicable(classifier(module, input_shape=(3, 32, 32)))
    model = classifier(module, input_shape=(3, 32, 32), cam_layer="encoder.layers.encoder_layer_1.ln_1")
    assert grad_cam.applicable(model) is None
    found = grad_cam(model, images(2, (32, 32)), torch.tensor([0, 1]), relu=False).map
    assert found.shape == (2, 4, 4)
    assert found.abs().max() > 0
