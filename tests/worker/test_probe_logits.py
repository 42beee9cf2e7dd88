"""A model's answers tell it from another, and not from itself in other arithmetic."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torchvision.models
from torch import Tensor, nn

import harness
from harness.planning.facts import COARSE_TOLERANCE, TOLERANCE, answers_match
from harness.worker.probe_logits import compute_probe_logits

SHAPE = (3, 32, 32)


def network(name: str) -> nn.Module:
    torch.manual_seed(0)
    return getattr(torchvision.models, name)(num_classes=40).eval()


def answered(module: nn.Module, **options: Any) -> list[list[float]]:
    found = compute_probe_logits(harness.classifier(module, input_shape=SHAPE, mean=[0.5] * 3, std=[0.5] * 3), **options)
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "densenet121"])
def test_a_model_answers_alike_in_other_arithmetic_and_otherwise_where_it_is_another(name: str) -> None:
    exact, single, half = (answered(network(name).to(dtype)) for dtype in (torch.float64, torch.float32, torch.bfloat16))
    assert [len(row) for row in exact] == [17, 17]
    assert answers_match(exact, single) and answers_match(single, exact)
    assert answers_match(exact, half, COARSE_TOLERANCE)
    assert not answers_match(exact, [[value * 1.02 for value in row] for row in exact], TOLERANCE)
    assert not answers_match(exact, answered(network(name.replace("18", "34") if "18" in name else "squeezenet1_1")))


class Odd(nn.Module):
    def __init__(self, forward: Any) -> None:
        super().__init__()
        self.last, self.kind = nn.Linear(3, 2), forward

    def forward(self, x: Tensor) -> Tensor:
        return self.kind(self.last(x.mean((2, 3))))


def at_random(logits: Tensor) -> Tensor:
    return logits + torch.randn(2)


def not_finite(logits: Tensor) -> Tensor:
    """Of one class: a network without a single number is none."""
    return logits / torch.tensor([0.0, 1.0])


@pytest.mark.parametrize("forward", [at_random, not_finite])
def test_what_answers_at_random_or_with_what_is_no_number_cannot_be_told(forward: Any) -> None:
    module = Odd(forward)
    model = harness.classifier(module, input_shape=SHAPE)
    before = torch.get_rng_state()
    assert compute_probe_logits(model, steady=True) is None
    assert torch.equal(before, torch.get_rng_state())


def test_answers_of_other_numbers_of_classes_or_of_none_are_not_alike() -> None:
    assert not answers_match([[1.0, 2.0, 2.2]], [[1.0, 2.0, 0.0, 2.2]])
    assert not answers_match(None, [[1.0, 1.0]]) and answers_match(None, None)
    assert not answers_match([[0.0, 0.0, 0.0]], [[0.0, 1e-3, 1e-3]])
