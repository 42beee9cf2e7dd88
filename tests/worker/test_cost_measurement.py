"""What is measured around a call."""

import math

import pytest
import torch
from torch import nn

import harness
from harness.worker.cost_measurement import MeasuredCost, measure_cost
from harness.worker.pass_counter import count_passes


def test_of_a_cpu_the_peak_of_memory_is_not_said_and_time_and_passes_are() -> None:
    model = harness.classifier(nn.Sequential(nn.Flatten(), nn.Linear(12, 2)), input_shape=(3, 2, 2))
    count_passes(model.module)
    with measure_cost(torch.device("cpu")) as cost:
        model(torch.zeros(5, 3, 2, 2))
        torch.zeros(2**20)
    assert math.isnan(cost.memory) and cost.passes == 5 and cost.seconds > 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="has no CUDA device")
def test_of_a_gpu_it_is_what_was_allocated_every_time() -> None:
    device = torch.device("cuda", torch.cuda.current_device())
    found = []
    for _ in range(2):
        with measure_cost(device) as cost:
            torch.zeros(2**20, device=device)
        found.append(cost.memory)
    assert found == [2**22, 2**22]


@pytest.mark.parametrize(("first", "second", "whole"), [(1.0, 2.0, 2.0), (2.0, 1.0, 2.0), (math.nan, 1.0, 1.0), (1.0, math.nan, 1.0)])
def test_what_is_known_of_parts_is_known_of_the_whole(first: float, second: float, whole: float) -> None:
    cost = MeasuredCost(1.0, 2, first)
    cost.add(MeasuredCost(3.0, 4, second))
    assert cost == MeasuredCost(4.0, 6, whole)


def test_of_parts_without_a_peak_the_whole_has_none() -> None:
    cost = MeasuredCost()
    cost.add(MeasuredCost(1.0))
    assert math.isnan(cost.memory)
