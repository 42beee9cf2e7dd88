from dataclasses import dataclass, field

import pytest
import torch
from harness_triad import triad as module
from harness_triad.first_applicable import first_applicable
from harness_triad.fusion import FUSIONS
from harness_triad.triad import FRAMEWORK, triad
from torch import nn

from harness.api import Attribution, Context, classifier
from harness.api.declarations import declaration_of

CTX = Context(seed=0, ids=["a", "b"])


@dataclass
class Fake:
    """An explainer with its parameters bound, that remembers how it was called."""

    name: str
    map: torch.Tensor
    params: dict = field(default_factory=dict)
    calls: list = field(default_factory=list)

    def __call__(self, model, images, targets, *, ctx):
        self.calls.append((model, images, targets, ctx))
        return Attribution(self.map)


@pytest.fixture
def fakes():
    torch.manual_seed(0)
    return {"region": Fake("cam", torch.rand(2, 6, 8)), "fine": Fake("lrp", torch.randn(2, 6, 8)), "more": Fake("x", torch.randn(2, 6, 8))}


@pytest.fixture
def call():
    torch.manual_seed(0)
    model = classifier(nn.Sequential(nn.Flatten(), nn.Linear(144, 3)), input_shape=(3, 6, 8))
    return model, torch.rand(2, 3, 6, 8), torch.tensor([0, 2])


@pytest.mark.parametrize("fusion", list(FUSIONS))
def test_is_its_parts_put_together_by_hand(fusion, fakes, call):
    found = triad(*call, components=fakes, fusion=fusion, ctx=CTX)
    by_hand = FUSIONS[fusion](torch.stack([fake.map for fake in fakes.values()]))
    assert torch.equal(found.map, by_hand)
    assert found.map.shape == (2, 6, 8)
    assert not found.coarse


def test_keeps_the_parts_as_they_were_made(fakes, call):
    found = triad(*call, components=fakes, negative="absolute", ctx=CTX)
    assert list(found.parts) == ["region", "fine", "more"]
    assert all(torch.equal(found.parts[name], fake.map) for name, fake in fakes.items())


def test_asks_every_part_once_with_what_it_was_given(fakes, call):
    triad(*call, components=fakes, ctx=CTX)
    for fake in fakes.values():
        ((model, images, targets, ctx),) = fake.calls
        assert (model, images, targets, ctx) == (*call, CTX)


def test_negative_evidence_is_kept_unless_asked_otherwise(fakes, call):
    kept, dropped, absolute = (triad(*call, components=fakes, negative=n, ctx=CTX).map for n in ("keep", "drop", "absolute"))
    assert torch.equal(kept, triad(*call, components=fakes, ctx=CTX).map)
    assert kept.min() < 0 <= dropped.min()
    torch.testing.assert_close(absolute.sum(dim=(1, 2)), torch.ones(2))
    assert not torch.equal(absolute, dropped)


def test_the_framework_is_the_default():
    assert module.FRAMEWORK is FRAMEWORK
    assert list(FRAMEWORK) == ["grad-cam", "lrp", "shap-gradient"]
    assert first_applicable.__kwdefaults__["explainers"] == ["lrp", "attn-lrp"]
    assert list(FRAMEWORK.values()) == ["grad-cam", "first-applicable", "shap-gradient"]
    assert triad.__kwdefaults__["components"] == FRAMEWORK
    assert triad.__kwdefaults__["fusion"] == "mean"


def test_is_declared_signed():
    declared = declaration_of(triad, "explainers")
    assert declared.signed
    assert not declared.null
    assert "1903.00519" in declared.cite
