import torch
from torch import Tensor, nn

from harness.api import classifier
from harness.worker.arithmetic import Arithmetic
from harness.worker.fast_forward import optimize_forward


class Viewing(nn.Module):
    """Calls ``view`` on activations, which another layout than the usual does not allow."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)
        self.linear = nn.Linear(4 * 6 * 6, 2)

    def forward(self, images: Tensor) -> Tensor:
        activations = self.convolution(images)
        return self.linear(activations.view(len(images), -1))


def test_a_copy_gives_the_same_logits_and_leaves_the_model_alone() -> None:
    model = classifier(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)), input_shape=(3, 8, 8)
    )
    fast = optimize_forward(model, Arithmetic(), print)
    images = torch.rand(5, 3, 8, 8)
    assert fast is not model.module
    torch.testing.assert_close(fast(images), model(images))
    assert model.layer("0").weight.is_contiguous()


def test_a_model_that_the_layout_breaks_is_used_as_it_is() -> None:
    model = classifier(Viewing(), input_shape=(3, 8, 8))
    fast = optimize_forward(model, Arithmetic(), print)
    images = torch.rand(5, 3, 8, 8)
    torch.testing.assert_close(fast(images), model(images))
