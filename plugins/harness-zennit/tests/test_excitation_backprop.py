import copy

import pytest
import torch
from harness_zennit.excitation_backprop import contrastive_excitation_backprop, excitation_backprop
from torch import nn
from torchvision import models
from zennit.attribution import Gradient
from zennit.composites import ExcitationBackprop
from zennit_networks import Normalised

from harness.api import classifier
from harness.api.declarations import declaration_of
from tests.support.networks import TARGETS, Convolutions, counted, images, made, state

METHODS = [excitation_backprop, contrastive_excitation_backprop]


def zennits(module, inputs, targets):
    """zennit's own composite, of the image."""
    with Gradient(module, ExcitationBackprop(zero_params="bias")) as attributor:
        return attributor(inputs, torch.eye(3)[targets])[1]


def test_zennits_composite():
    model = made()
    found = excitation_backprop(model, images(), TARGETS)
    torch.testing.assert_close(found.map, zennits(model.module, images(), TARGETS), rtol=1e-4, atol=1e-8)


def test_the_contrastive_map_is_zennits_less_that_of_a_network_with_the_opposite_head():
    model = made()
    with torch.no_grad():
        model.module.head[-1].weight.mul_(1000)  # so that zennit's stabiliser is nothing beside the sums in which ours has none
    opposite = copy.deepcopy(model.module)
    with torch.no_grad():
        opposite.head[-1].weight.neg_()
    difference = zennits(model.module, images(), TARGETS) - zennits(opposite, images(), TARGETS)
    expected = difference.sum(1, keepdim=True).clamp(min=0)
    found = contrastive_excitation_backprop(model, images(), TARGETS).map
    assert 0.05 < (expected > 0).float().mean() < 0.95
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-7)


def test_a_winner_is_drawn_layer_by_layer():
    """Two layers by hand: each unit's probability times that of each of its inputs, of which only the excitatory ones win."""
    torch.manual_seed(0)
    first, second = nn.Conv2d(3, 6, 4), nn.Linear(6, 3)
    model = classifier(nn.Sequential(first, nn.ReLU(), nn.Flatten(), second), input_shape=(3, 4, 4), mean=[0.0] * 3, std=[1.0] * 3)
    inputs = images(size=4).abs()
    with torch.no_grad():
        hidden = first(inputs).relu().flatten(1)
        win = second.weight[TARGETS].clamp(min=0) * hidden
        parts = first.weight.clamp(min=0)[None] * inputs[:, None]
        win = win / win.sum(1, keepdim=True).clamp(min=1e-12)
        expected = (win[..., None, None, None] * parts / parts.sum((2, 3, 4), keepdim=True).clamp(min=1e-12)).sum(1)
    found = excitation_backprop(model, inputs, TARGETS)
    torch.testing.assert_close(found.map, expected, rtol=1e-4, atol=1e-6)
    at_layer = excitation_backprop(model, inputs, TARGETS, stop_at="1")
    torch.testing.assert_close(at_layer.map.flatten(1), win.sum(1, keepdim=True), rtol=1e-4, atol=1e-6)
    assert win.sum() > 1 and at_layer.coarse and at_layer.map.shape == (4, 1, 1, 1)


@pytest.mark.parametrize("module_type", [Convolutions, Normalised])
@pytest.mark.parametrize("layer", [None, "inner"])
def test_probabilities_sum_to_one_everywhere(module_type, layer):
    name = layer and ("features.3" if module_type is Convolutions else "first")
    found = excitation_backprop(made(module_type), images(), TARGETS, stop_at=name).map
    assert found.min() >= 0
    torch.testing.assert_close(found.sum((1, 2, 3)), torch.ones(4), rtol=1e-2, atol=0)


@pytest.mark.parametrize("method", METHODS)
def test_maps_depend_on_no_neighbour_and_leave_all_as_it_was(method):
    model = made(Normalised)
    before = state(model)
    together = method(model, images(), TARGETS).map
    for i in range(4):
        alone = method(model, images()[i : i + 1], TARGETS[i : i + 1]).map[0]
        torch.testing.assert_close(alone, together[i], rtol=1e-3, atol=1e-5 * float(together.max()))
    assert state(model) == before


@pytest.mark.parametrize("method", METHODS)
def test_one_pass_forward_and_one_back_through_the_model_itself(method):
    model = made()
    method(model, images(), TARGETS)
    with counted(model) as rows:
        method(model, images(), TARGETS)
    assert rows[0] == 4 and len(rows) <= 2
    assert declaration_of(method, "explainers").passes == 5


def test_what_they_cannot_explain_is_refused():
    with pytest.raises(ValueError, match="the model has SiLU"):
        excitation_backprop(made(activation=nn.SiLU), images(), TARGETS)
    torch.manual_seed(0)
    model = classifier(models.squeezenet1_1(num_classes=3), input_shape=(3, 64, 64), mean=[0.5] * 3, std=[0.25] * 3)
    assert excitation_backprop.applicable(model, None) is None
    assert "dense layer" in contrastive_excitation_backprop.applicable(model, None)
    assert "no layer called nowhere" in excitation_backprop.applicable(model, "nowhere")
    with pytest.raises(ValueError, match="no feature map"):
        excitation_backprop(made(), images(), TARGETS, stop_at="head.1")
    with pytest.raises(ValueError, match="dense layer"):
        contrastive_excitation_backprop(model, images(4, 64), TARGETS)
