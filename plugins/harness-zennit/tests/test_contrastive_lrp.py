import pytest
import torch
from harness_zennit.contrastive_lrp import contrastive_lrp, softmax_gradient_lrp
from harness_zennit.lrp import LRP
from torch import nn
from zennit.attribution import Gradient
from zennit.composites import SpecialFirstLayerMapComposite, layer_map_base
from zennit.rules import ZBox, ZPlus
from zennit.types import Convolution, Linear
from zennit_networks import Normalised

from tests.support.networks import TARGETS, counted, images, made, state

BOX = {"low": -2.0 * torch.ones(1, 3, 1, 1), "high": 2.0 * torch.ones(1, 3, 1, 1)}


def relevance(module, inputs, start):
    """zennit's, by z⁺ and z^B in the first layer, for ``start`` (B, K)."""
    rules = SpecialFirstLayerMapComposite(
        [*layer_map_base(), (Linear, ZPlus(zero_params="bias"))], [(Convolution, ZBox(**BOX, zero_params="bias"))]
    )
    with Gradient(module, rules) as attributor:
        return attributor(inputs, start)[1]


def sizes(model, inputs, targets):
    with torch.no_grad():
        logits = model(inputs)
    return logits, logits[range(len(targets)), targets][:, None].abs() * torch.eye(3)[targets]


def test_the_other_classes_are_taken_off_class_by_class():
    model, inputs = made(), images()
    _, start = sizes(model, inputs, TARGETS)
    expected = relevance(model.module, inputs, start)
    for step in (1, 2):
        expected = expected - relevance(model.module, inputs, start.roll(step, dims=1)) / 2
    found = contrastive_lrp(model, inputs, TARGETS)
    assert 0.05 < (expected > 0).float().mean() < 0.95
    torch.testing.assert_close(found, expected.clamp(min=0), rtol=1e-3, atol=1e-6 * float(expected.max()))


def test_a_unit_of_opposite_weights_is_taken_off():
    model, inputs, opposite = made(), images(), made()
    with torch.no_grad():
        model.module.head[-1].weight.mul_(1000)  # so that zennit's stabiliser is nothing beside the sums in which ours has none
        opposite.module.head[-1].weight.mul_(1000)
        opposite.module.head[-1].weight.neg_()
    _, start = sizes(model, inputs, TARGETS)
    expected = relevance(model.module, inputs, start) - relevance(opposite.module, inputs, start)
    found = contrastive_lrp(model, inputs, TARGETS, dual="opposite-weights")
    assert 0.05 < (expected > 0).float().mean() < 0.95
    torch.testing.assert_close(found, expected.clamp(min=0), rtol=1e-3, atol=1e-5 * float(expected.max()))


def test_relevance_starts_with_the_gradient_of_the_softmax():
    model, inputs = made(), images()
    logits = sizes(model, inputs, TARGETS)[0].requires_grad_()
    (start,) = torch.autograd.grad(logits.softmax(1)[range(4), TARGETS].sum(), logits)
    expected = relevance(model.module, inputs, start)
    found = softmax_gradient_lrp(model, inputs, TARGETS)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-6 * float(expected.abs().max()))
    assert (found.flatten(1).min(1).values < 0).all()


def test_without_other_evidence_nothing_is_taken_off():
    """A head of the target's weights alone: the other classes get the relevance of nothing."""
    model, inputs, targets = made(), images(), torch.zeros(4, dtype=torch.long)
    with torch.no_grad():
        model.module.head[-1].weight[1:] = 0
        model.module.head[-1].bias.zero_()
    plain = LRP(LRP.Params(rule="z-box", zero_bias=True))(model, inputs, targets).map
    found = contrastive_lrp(model, inputs, targets)
    size = sizes(model, inputs, targets)[1].sum(1).view(4, 1, 1, 1)
    torch.testing.assert_close(found, size * plain, rtol=1e-3, atol=1e-6 * float(found.max()))


METHODS = [contrastive_lrp, softmax_gradient_lrp, lambda *given: contrastive_lrp(*given, dual="opposite-weights")]


@pytest.mark.parametrize("method", METHODS)
def test_maps_depend_on_no_neighbour_and_leave_all_as_it_was(method):
    model = made(Normalised)
    before = state(model)
    together = method(model, images(), TARGETS)
    for i in range(4):
        alone = method(model, images()[i : i + 1], TARGETS[i : i + 1])[0]
        torch.testing.assert_close(alone, together[i], rtol=1e-3, atol=1e-5 * float(together.abs().max()))
    assert state(model) == before
    with counted(model) as rows:
        method(model, images(), TARGETS)
    assert rows[0] == 4 and len(rows) <= 2


@pytest.mark.parametrize("method", METHODS)
def test_networks_of_other_activations_are_refused(method):
    with pytest.raises(ValueError, match="the model has SiLU"):
        method(made(activation=nn.SiLU), images(), TARGETS)
