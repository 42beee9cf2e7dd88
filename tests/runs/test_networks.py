"""Networks of one logit, of probabilities, of dictionaries: maps and scores are those of the same function in its plain form."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import harness
from harness.api import Sample
from harness.api.classifier_checks import ModelWarning

SHAPE = (3, 12, 12)
EXPLAINERS = ("saliency", "input-x-gradient", "integrated-gradients", "deep-lift", "lrp", "grad-cam", "guided-backprop")
METRICS = ("deletion", "insertion", "road", "average-drop", "saliency-metric")
pytestmark = pytest.mark.filterwarnings("ignore")


def body(classes: int) -> nn.Sequential:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, classes)).eval()
    with torch.no_grad():
        net[-1].weight *= 20
    return net


def two_outputs() -> nn.Sequential:
    """What the network of one logit is, with the halves written out in the last layer."""
    one = body(1)
    last = nn.Linear(6, 2)
    with torch.no_grad():
        last.weight.copy_(torch.cat([-one[-1].weight / 2, one[-1].weight / 2]))
        last.bias.copy_(torch.cat([-one[-1].bias / 2, one[-1].bias / 2]))
    return nn.Sequential(*one[:-1], last).eval()


@pytest.fixture
def images() -> Tensor:
    return torch.rand(4, *SHAPE, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("explainer", EXPLAINERS)
def test_one_logit_is_explained_as_two_outputs_are(explainer: str, images: Tensor) -> None:
    targets = torch.tensor([0, 1, 0, 1])
    one, two = (harness.classifier(net, input_shape=SHAPE) for net in (body(1), two_outputs()))
    torch.testing.assert_close(harness.attribute(explainer, one, images, targets), harness.attribute(explainer, two, images, targets))


@pytest.mark.parametrize("metric", METRICS)
def test_probabilities_and_single_logits_are_scored_as_what_they_are(metric: str, images: Tensor) -> None:
    targets, maps = torch.tensor([0, 1, 0, 1]), torch.rand(4, 12, 12, generator=torch.Generator().manual_seed(1))

    def scores(net: nn.Module) -> Tensor:
        return harness.score(metric, harness.classifier(net, input_shape=SHAPE), images, targets, maps, seed=3)

    plain = scores(two_outputs())
    torch.testing.assert_close(scores(body(1)), plain)
    softmax = nn.Sequential(two_outputs(), nn.Softmax(dim=1))
    torch.testing.assert_close(scores(softmax), plain, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(scores(nn.Sequential(body(1), nn.Sigmoid())), plain, rtol=1e-4, atol=1e-5)


def test_sigmoids_of_each_class_are_scored_by_their_own_probability(images: Tensor) -> None:
    targets, maps = torch.tensor([0, 1, 2, 1]), torch.zeros(4, 12, 12)
    net = body(3)
    model = harness.classifier(net, input_shape=SHAPE, output="sigmoid")
    found = harness.score("average-drop", model, images, targets, maps, seed=3)
    with torch.no_grad():
        full, black = (F.sigmoid(net(x)).gather(1, targets[:, None])[:, 0] for x in (images, torch.zeros_like(images)))
    torch.testing.assert_close(found, ((full - black).clamp(min=0) / full).double(), rtol=1e-4, atol=1e-5)


class DependsOnTheBatch(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = body(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) - self.body(x).mean(dim=0) / 2


@pytest.mark.slow
def test_a_run_refuses_a_model_whose_logits_depend_on_the_batch(tmp_path: Path) -> None:
    def toy() -> list[Sample]:
        return [Sample(torch.rand(SHAPE, generator=torch.Generator().manual_seed(i)), i % 2, f"s{i}") for i in range(3)]

    with pytest.warns(ModelWarning, match="depend on the others in the batch"):
        model = harness.classifier(DependsOnTheBatch(), input_shape=SHAPE)
    with pytest.raises(ValueError, match="depend on the others in the batch"):
        harness.attribute("saliency", model, torch.rand(1, *SHAPE))
    spec = {"name": "x", "datasets": [toy], "models": [model], "explainers": ["saliency"], "metrics": ["sparseness"], "nulls": []}
    run = harness.run(spec, store=tmp_path / "store", out=tmp_path / "out")
    assert len(run.scores) == 0
    assert all("depend on the others in the batch" in failure[-1] for failure in run.failures) and run.failures
