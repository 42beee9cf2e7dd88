import pytest
import torch
from torch import nn
from torch.nn import functional as F

from harness.api import classifier
from harness.api.second_gradients import no_second_gradient_reason, second_gradients


class Attending(nn.Module):
    """Attention over pixels by PyTorch's fused operation."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.head = nn.Linear(3, 2)

    def forward(self, x):
        tokens = x.flatten(2).mT.contiguous()[:, None]
        return self.head(F.scaled_dot_product_attention(tokens, tokens, tokens).mean((1, 2)))


def test_attention_has_second_gradients_within_the_block_and_only_there():
    model = classifier(Attending(), input_shape=(3, 4, 4))

    def curvature():
        image = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(1)).requires_grad_()
        (gradient,) = torch.autograd.grad(model(image)[:, 0].sum(), image, create_graph=True)
        return torch.autograd.grad(gradient.sum(), image)[0]

    with second_gradients():
        assert curvature().abs().sum() > 0
    with pytest.raises(RuntimeError, match="not implemented"):
        curvature()
    assert no_second_gradient_reason(model) is None


def test_an_operation_without_second_derivatives_is_a_reason():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Hardsigmoid(), nn.Flatten(), nn.Linear(16, 2))
    assert "hardsigmoid_backward" in str(no_second_gradient_reason(classifier(network, input_shape=(3, 4, 4))))
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))
    assert no_second_gradient_reason(classifier(plain, input_shape=(3, 4, 4))) is None
