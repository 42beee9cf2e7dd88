import pytest
import torch
from cam_networks import PooledNet, SmallNet, TokenNet, images, seeded
from grad_cam_reference import reference
from harness_cam.ablation import ablation_cam, passes
from harness_cam.capture import activations_at
from harness_cam.later_layers import LaterLayers
from pytorch_grad_cam import AblationCAM
from torch import nn
from torchvision import models

from harness.api import classifier
from tests.support.networks import counted, state

TARGETS = torch.tensor([0, 1, 4, 4])


def convolved(model, name, explain, monkeypatch):
    """Rows of what a convolution is computed of while ``explain`` runs."""
    rows, layer = [], model.layer(name)
    computed = layer._conv_forward
    monkeypatch.setattr(layer, "_conv_forward", lambda x, *rest: rows.append(len(x)) or computed(x, *rest))
    explain()
    return rows


def by_hand(model, batch, targets, layer):
    """One channel of one image at a time, by a hook."""
    activations, module = activations_at(model, batch, layer), model.layer(layer)
    maps = []
    for i, target in enumerate(targets):
        image = batch[i : i + 1]
        with torch.no_grad():
            logit, total = model(image)[0, target], 0
            for k in range(activations.shape[1]):
                keep = torch.arange(activations.shape[1]).view(1, -1, 1, 1) != k
                handle = module.register_forward_hook(lambda module, args, output, keep=keep: output * keep)
                total = total + (logit - model(image)[0, target]) / logit.abs() * activations[i, k]
                handle.remove()
        maps.append(total)
    return torch.stack(maps)


@pytest.mark.parametrize("layer", ["features.1", "features.4"])
def test_small_network_agrees_with_grad_cam_and_with_one_channel_at_a_time(layer):
    model, batch = seeded(SmallNet), images(4)
    found = ablation_cam(model, batch, TARGETS, layer=layer, relu=False).map
    torch.testing.assert_close(found, by_hand(model, batch, TARGETS, layer), rtol=1e-4, atol=1e-4)
    with torch.no_grad():
        sign = model(batch).gather(1, TARGETS[:, None]).sign().view(4, 1, 1)  # theirs turns evidence round where the logit is negative
    torch.testing.assert_close(found, sign * reference(AblationCAM, model, batch, TARGETS, layer), rtol=1e-3, atol=1e-3)


def test_of_a_linear_head_it_is_what_every_channel_gives():
    """Behind global average pooling a channel's drop is its weight times its mean."""
    model, batch, targets = seeded(PooledNet), images(3), torch.tensor([0, 3, 1])
    activations = model.module.act(model.module.conv(batch))
    with torch.no_grad():
        logits = model(batch).gather(1, targets[:, None])
    weights = model.module.head.weight[targets] * activations.mean((2, 3)) / logits.abs()
    found = ablation_cam(model, batch, targets, layer="act", relu=False).map
    torch.testing.assert_close(found, torch.einsum("bk,bkhw->bhw", weights, activations))


def test_layers_before_it_are_run_once(monkeypatch):
    model, batch = seeded(SmallNet), images(4)
    rows = convolved(model, "features.0", lambda: ablation_cam(model, batch, TARGETS, layer="features.4"), monkeypatch)
    assert rows == [4]
    with counted(model) as forward:
        ablation_cam(model, batch, TARGETS, layer="features.4")
    assert sum(forward) == 4 * passes({}, 12)


class RoundTheLayer(nn.Module):
    """A branch that goes round the layer, and sees another thing of every image."""

    def __init__(self, join):
        super().__init__()
        self.first, self.layer, self.act, self.join = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1), nn.ReLU(), join
        self.head = nn.Linear(12 if join == "beside" else 6, 3)

    def forward(self, x):
        x = self.first(x)
        y = self.act(self.layer(x))
        if self.join == "add":
            y += x
        return self.head((torch.cat([y, x], dim=1) if self.join == "beside" else y).square().mean((2, 3)))


@pytest.mark.parametrize("join", ["add", "beside"])
@pytest.mark.parametrize("count", [1, 3])
def test_what_goes_round_the_layer_is_each_images_own(join, count):
    torch.manual_seed(0)
    model = classifier(RoundTheLayer(join), input_shape=(3, 16, 16))
    batch, targets = images(3)[:count], torch.tensor([0, 2, 1])[:count]
    assert LaterLayers(model, batch, "layer", None).cut == (count == 1 and join == "add")
    found = ablation_cam(model, batch, targets, layer="layer", relu=False).map
    torch.testing.assert_close(found, by_hand(model, batch, targets, "layer"), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layer", ["layer4", "layer3.0"])
def test_resnet_is_cut_where_all_goes_through_the_layer(layer, monkeypatch):
    torch.manual_seed(0)
    model = classifier(models.resnet18(num_classes=3), input_shape=(3, 32, 32))
    network = LaterLayers(model, images(2, (32, 32)), layer, None)
    assert network.cut
    rows = convolved(model, "layer1.0.conv1", lambda: network.logits_without_channels(torch.tensor([0, 1])), monkeypatch)
    assert rows == []


class WritesIntoIt(nn.Module):
    """Adds to the layer's output in place, before an activation that is in place too."""

    def __init__(self):
        super().__init__()
        self.conv, self.layer, self.act, self.head = nn.Conv2d(3, 9, 3), nn.Identity(), nn.ReLU(inplace=True), nn.Linear(9, 3)

    def forward(self, x):
        y = self.layer(self.conv(x))
        y -= 0.2 * (len(x) > 0)  # what tracing cannot follow is left in place
        return self.head(self.act(y).square().mean((2, 3)))


@pytest.mark.parametrize("elements", [1, 2000, 10**6])
@pytest.mark.parametrize("module_type", [SmallNet, WritesIntoIt])
def test_it_does_not_matter_how_many_channels_go_together(elements, module_type, monkeypatch):
    model, batch, targets = seeded(module_type), images(3), torch.tensor([0, 2, 1])
    layer = "features.4" if module_type is SmallNet else "layer"
    monkeypatch.setattr("harness_cam.later_layers.ELEMENTS", elements)
    found = ablation_cam(model, batch, targets, layer=layer, relu=False).map
    torch.testing.assert_close(found, by_hand(model, batch, targets, layer), rtol=1e-4, atol=1e-4)


def test_everything_is_left_as_it_was(monkeypatch):
    model, batch = seeded(SmallNet), images(2)
    before = state(model)
    ablation_cam(model, batch, torch.tensor([0, 1]), layer="features.4")
    network = LaterLayers(model, batch, "features.1", None)
    monkeypatch.setattr(model.module.head, "forward", lambda x: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        network.logits_without_channels(torch.tensor([0, 1]))
    monkeypatch.undo()
    assert state(model) == before


def test_tokens_have_their_channels_set_to_zero_and_those_beside_the_grid_keep_theirs():
    model, batch = seeded(TokenNet, cam_layer="tokens"), images(2)
    tokens = model.module.patches(batch).flatten(2)  # (B, K, N), and a token of zeros
    share = tokens.relu().sum(2) / (tokens.shape[2] + 1)
    targets = torch.tensor([2, 0])
    logits = model(batch).gather(1, targets[:, None])
    expected = torch.einsum("bk,bkn->bn", model.module.head.weight[targets] * share / logits.abs(), tokens)
    torch.testing.assert_close(ablation_cam(model, batch, targets, relu=False).map.flatten(1), expected)


def test_of_a_transformer_the_blocks_before_are_not_run_and_the_class_token_is_left_alone():
    torch.manual_seed(0)
    module = models.VisionTransformer(image_size=32, patch_size=8, num_layers=3, num_heads=2, hidden_dim=8, mlp_dim=16, num_classes=3)
    nn.init.normal_(module.heads.head.weight)
    name = "encoder.layers.encoder_layer_1"
    model, batch, targets = classifier(module, input_shape=(3, 32, 32), cam_layer=name), images(2, (32, 32)), torch.tensor([0, 2])
    assert LaterLayers(model, batch, None, None).cut
    found = ablation_cam(model, batch, targets, relu=False).map
    with torch.no_grad():
        logits = model(batch).gather(1, targets[:, None])[:, 0]
        expected = torch.zeros(2, 4, 4)
        for k in range(8):
            kept = []

            def without(module, args, output, k=k, kept=kept):
                kept.append(output[:, 1:, k].clone())
                output = output.clone()
                output[:, 1:, k] = 0
                return output

            handle = model.layer(name).register_forward_hook(without)
            drops = (logits - model(batch).gather(1, targets[:, None])[:, 0]) / logits.abs()
            handle.remove()
            expected += drops.view(2, 1, 1) * kept[0].view(2, 4, 4)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
