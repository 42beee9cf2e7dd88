import pytest
import torch
from harness_zennit.deep_taylor import deep_taylor
from torch import nn
from zennit_networks import Normalised

from harness.api import classifier
from harness.api.declarations import declaration_of
from tests.support.networks import TARGETS, Convolutions, counted, images, made, state

RULES = ["z-box", "w-square", "z-plus"]


def shares(weights, inputs):
    """``(B, K, D)`` of which each unit's sum to 1: what it gives to each input. A unit that nothing speaks for gives nothing."""
    parts = weights[None] * inputs[:, None]
    return parts / parts.sum(2, keepdim=True).clamp(min=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_two_layers_by_hand(rule):
    torch.manual_seed(0)
    first, second = nn.Linear(48, 20), nn.Linear(20, 3)
    model = classifier(nn.Sequential(nn.Flatten(), first, nn.ReLU(), second), input_shape=(3, 4, 4), mean=[0.5] * 3, std=[0.25] * 3)
    inputs = images(size=4)
    with torch.no_grad():
        x, w = inputs.flatten(1), first.weight
        hidden = first(x).relu()
        relevance = second(hidden)[range(4), TARGETS].clamp(min=0)[:, None] * shares(second.weight.clamp(min=0), hidden)[range(4), TARGETS]
        if rule == "z-box":
            parts = w[None] * x[:, None] - w.clamp(min=0) * -2 - w.clamp(max=0) * 2
        elif rule == "w-square":
            parts = (w**2)[None].expand(4, -1, -1)
        else:
            parts = w.clamp(min=0)[None] * x.clamp(min=0)[:, None] + w.clamp(max=0)[None] * x.clamp(max=0)[:, None]
        expected = torch.einsum("bkd,bk->bd", parts / parts.sum(2, keepdim=True), relevance)
    found = deep_taylor(model, inputs, TARGETS, input_rule=rule)
    torch.testing.assert_close(found.map.flatten(1), expected, rtol=1e-3, atol=1e-6)
    assert found.expected.max() > 0


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("module_type", [Convolutions, Normalised])
def test_relevance_is_positive_and_sums_to_the_logit(module_type, rule):
    model, inputs = made(module_type), images()
    before = state(model)
    with torch.no_grad():
        targets = model(inputs).argmax(1)
    found = deep_taylor(model, inputs, targets, input_rule=rule)
    assert found.expected.min() > 0 and found.map.min() >= 0
    torch.testing.assert_close(found.map.sum((1, 2, 3)), found.expected, rtol=1e-2, atol=1e-5)
    assert state(model) == before


def test_a_logit_that_is_not_positive_has_nothing_to_decompose():
    model, inputs = made(), images()
    with torch.no_grad():
        logits = model(inputs)
    targets = logits.argmin(1)
    negative = logits.min(1).values <= 0
    found = deep_taylor(model, inputs, targets)
    assert negative.any() and found.map[negative].abs().max() == 0 and found.expected[negative].abs().max() == 0


def test_what_it_cannot_decompose_is_refused():
    with pytest.raises(ValueError, match="the model has SiLU"):
        deep_taylor(made(activation=nn.SiLU), images(), TARGETS)
    torch.manual_seed(0)
    unbounded = classifier(Convolutions(), input_shape=(3, 16, 16))
    with pytest.raises(ValueError, match="bounds"):
        deep_taylor(unbounded, images(), TARGETS)
    assert deep_taylor.applicable(unbounded, "w-square") is None


def test_one_pass_forward_and_one_back_through_the_model_itself():
    model = made()
    deep_taylor(model, images(), TARGETS)
    with counted(model) as rows:
        deep_taylor(model, images(), TARGETS)
    assert rows == [4, 4]
    assert declaration_of(deep_taylor, "explainers").passes == 5
