"""AGG-Mean and AGG-Var over explainers of known maps, and over those of the triad."""

import pytest
import torch
from harness_triad.aggregates import agg_mean, agg_var, named
from torch import nn

import harness
from harness.api import Attribution, Context

MODEL = harness.classifier(nn.Sequential(nn.Flatten(), nn.Linear(12, 2)), input_shape=(3, 2, 2), mean=[0.5] * 3, std=[0.5] * 3)
GIVEN = MODEL, torch.zeros(1, 3, 2, 2), torch.tensor([1])
CTX = Context(seed=0, ids=["a"])


class Fake:
    """An explainer of one map."""

    def __init__(self, name, *values):
        self.name, self.map = name, torch.tensor([values]).view(1, 2, 2)

    def __call__(self, model, images, targets, *, ctx):
        return Attribution(self.map)


OVER = [Fake("a", 1.0, 1.0, 2.0, 0.0), Fake("b", 5.0, -5.0, 10.0, 0.0), Fake("a", 1.0, 0.0, 0.0, 0.0)]


def test_the_mean_in_closed_form():
    """Maps of unit mass (1 1 2 0)/4, (1 −1 2 0)/4 and (1 0 0 0)."""
    found = agg_mean(*GIVEN, over=OVER, ctx=CTX)
    torch.testing.assert_close(found.map.flatten(), torch.tensor([1.5, 0.0, 1.0, 0.0]) / 3)
    assert list(found.parts) == list(named(OVER)) == ["a 1", "b", "a 2"]
    absolute = agg_mean(*GIVEN, over=OVER, negative="absolute", ctx=CTX).map
    torch.testing.assert_close(absolute.flatten(), torch.tensor([1.5, 0.5, 1.0, 0.0]) / 3)


@pytest.mark.parametrize("stabiliser", [10.0, 2.0])
def test_variance_is_the_papers_quotient_up_to_a_factor(stabiliser):
    """Mean over deviation and a constant, which is a multiple of the mean deviation."""
    units = torch.stack([each.map.flatten() / each.map.abs().sum() for each in OVER]).double()
    deviation = units.std(dim=0, correction=0)
    quotient = units.mean(dim=0) / (deviation + stabiliser * deviation.mean())
    found = agg_var(*GIVEN, over=OVER, stabiliser=stabiliser, ctx=CTX).map.flatten().double()
    assert found[1].item() == pytest.approx(0, abs=1e-7)
    torch.testing.assert_close(found / found.sum(), quotient / quotient.sum(), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("name", "fusion"), [("agg-mean", "mean"), ("agg-var", "variance")])
def test_by_default_they_are_the_triads_fusions(name, fusion):
    model = harness.model("digits-cnn")
    images = torch.randn(2, *model.input_shape, generator=torch.Generator().manual_seed(0))
    expected = harness.attribute(harness.explainer("triad", fusion=fusion), model, images, [1, 2])
    torch.testing.assert_close(harness.attribute(harness.explainer(name), model, images, [1, 2]), expected)
