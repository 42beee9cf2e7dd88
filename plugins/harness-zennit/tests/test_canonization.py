import gc
import weakref

import pytest
import torch
from harness_zennit.canonization import Addition, canonized, merges, replacements
from harness_zennit.lrp import LRP
from torch import nn
from zennit.types import BatchNorm
from zennit_networks import Normalised, calibrated

from harness.api import classifier
from tests.support.networks import TARGETS, images, made, state


def norms_merged(module, size=64):
    module = classifier(module, input_shape=(3, size, size)).module
    norms = [layer for layer in module.modules() if isinstance(layer, BatchNorm)]
    return len(merges(module, images(1, size))), len(norms)


def test_all_norms_of_a_residual_network_are_merged():
    assert norms_merged(calibrated("resnet18")) == (20, 20)


def test_the_norms_of_densenet_that_follow_a_concatenation_or_a_pooling_are_not():
    """The stem's, and the second in each of 58 layers, follow a convolution; 58 first ones, 3 transitions and the last do not."""
    assert norms_merged(calibrated("densenet121")) == (59, 121)


@pytest.mark.parametrize("name", ["mobilenet_v2", "shufflenet_v2_x0_5", "regnet_y_400mf"])
def test_all_norms_of_mobile_networks_are_merged(name):
    merged, all_of_them = norms_merged(calibrated(name))
    assert merged == all_of_them


def test_the_canonical_form_has_the_same_logits_and_no_norm_or_plain_addition():
    model = made(Normalised)
    inputs, before = images(), state(model)
    with torch.no_grad():
        logits = model(inputs)
        with canonized(model, inputs) as module:
            torch.testing.assert_close(module(inputs), logits, rtol=1e-4, atol=1e-5)
            kinds = [type(layer).__name__ for layer in module.modules()]
            assert not any("BatchNorm" in kind for kind in kinds)
            assert any(isinstance(layer, Addition) for layer in module.modules()) and "Add" not in kinds
        assert torch.equal(model(inputs), logits)
    assert state(model) == before


class Shared(nn.Module):
    """The convolution's output is used with and without the norm, by a module or by a function."""

    def __init__(self, by_module):
        super().__init__()
        self.conv, self.norm, self.head, self.by_module = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(8, 3), by_module
        self.relu = nn.ReLU()
        self.norm.running_var.fill_(3)

    def forward(self, x):
        x = self.conv(x)
        both = torch.cat([self.norm(x), self.relu(x) if self.by_module else x * 1], dim=1)
        return self.head(both.mean((2, 3)))


@pytest.mark.parametrize("by_module", [True, False])
def test_a_convolution_whose_output_is_used_twice_keeps_its_weights(by_module):
    model = made(Shared, by_module=by_module)
    assert not any(isinstance(layer, nn.Conv2d) for layer in replacements(model, images(1)))


def test_a_layer_that_is_called_twice_keeps_its_weights():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

        def forward(self, x):
            return self.norm(self.conv(self.conv(x))).mean((2, 3))

    torch.manual_seed(0)
    assert merges(Twice().eval(), images(1)) == {}


def test_changed_weights_are_seen():
    changed, fresh = made(Normalised), made(Normalised)
    explain = LRP(LRP.Params())
    before = explain(changed, images(), TARGETS).map
    with torch.no_grad():
        for model in (changed, fresh):
            model.module.first.weight.mul_(-1)
    after = explain(changed, images(), TARGETS).map
    assert not torch.equal(after, before)
    assert torch.equal(after, explain(fresh, images(), TARGETS).map)


def test_a_classifier_is_not_kept_alive():
    model = made(Normalised)
    LRP(LRP.Params())(model, images(), TARGETS)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
