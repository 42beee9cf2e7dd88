import copy

import torch
from torch import nn

from harness.worker.pass_counter import count_passes, count_passes_within


def test_forward_and_backward_passes_are_counted_per_image() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    count_passes(module)
    with count_passes_within() as forward, torch.no_grad():
        module(torch.zeros(5, 1, 2, 2))
    assert (forward.forward, forward.backward) == (5, 0)
    with count_passes_within() as both:
        images = torch.zeros(2, 1, 2, 2, requires_grad=True)
        logits = module(images)
        torch.autograd.grad(logits[:, 0].sum(), images, retain_graph=True)
        torch.autograd.grad(logits[:, 1].sum(), images)
    assert (both.forward, both.backward, both.total) == (2, 4, 6)
    assert both.seconds > 0


def test_passes_through_a_copy_count_too() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    count_passes(module)
    with count_passes_within() as passes:
        copy.deepcopy(module)(torch.zeros(3, 1, 2, 2))
    assert passes.forward == 3


def test_time_is_counted_inside_the_model_only() -> None:
    import time

    class Slow(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            time.sleep(0.05)
            return images

    module = Slow()
    count_passes(module)
    with count_passes_within() as passes:
        module(torch.zeros(1, 2))
        time.sleep(0.5)
    assert 0.05 <= passes.seconds < 0.5


def test_a_module_that_is_given_twice_counts_once() -> None:
    """As the model of a notebook is, with every run."""
    module = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    count_passes(module)
    count_passes(module)
    count_passes(copy.deepcopy(module))
    with count_passes_within() as passes:
        logits = module(torch.zeros(3, 1, 2, 2, requires_grad=True))
        torch.autograd.grad(logits.sum(), module[1].weight)
    assert (passes.forward, passes.backward) == (3, 3)
