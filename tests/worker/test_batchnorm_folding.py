import pytest
import torch
from torch import Tensor, nn

from harness.api import classifier
from harness.worker.arithmetic import Arithmetic
from harness.worker.fast_forward import fold_network, optimize_forward


def kinds(module: nn.Module) -> list[type]:
    return [type(layer) for layer in module.modules()]


def random_statistics(module: nn.Module) -> nn.Module:
    """Batch normalisation that does something."""
    torch.manual_seed(0)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
            nn.init.normal_(layer.weight)
            nn.init.normal_(layer.bias)
    return module.eval().requires_grad_(False)


class Residual(nn.Module):
    """A block as ResNets have them."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3)
        self.relu = nn.ReLU()
        self.linear = nn.Linear(3 * 36, 4)

    def forward(self, images: Tensor) -> Tensor:
        return self.linear((images + self.relu(self.norm(self.first(images)))).flatten(1))


class TwiceRead(Residual):
    """The convolution's output, and the normalised one, are read by others too."""

    def forward(self, images: Tensor) -> Tensor:
        raw = self.first(images)
        normal = self.norm(raw)
        return self.linear((raw + normal * self.relu(normal)).flatten(1))


class TwiceCalled(Residual):
    """The convolution is called for two purposes."""

    def forward(self, images: Tensor) -> Tensor:
        return self.linear((self.first(images) + self.norm(self.first(images))).flatten(1))


class OfItsInput(Residual):
    """The activation reads what its caller owns, and what is a view of something else."""

    def forward(self, images: Tensor) -> Tensor:
        raw = self.first(images)
        rows = raw.flatten(2)
        return self.linear((self.relu(images) + raw + self.relu(rows).view_as(raw)).flatten(1))


class Branching(Residual):
    """Control flow that depends on values."""

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images if images.mean() > 0 else -images)


@pytest.mark.parametrize("network", [Residual, TwiceRead, TwiceCalled, OfItsInput])
@pytest.mark.parametrize("rows", [1, 4])
def test_folding_changes_no_logit_and_no_input(network: type[nn.Module], rows: int) -> None:
    module = random_statistics(network())
    fast, images = fold_network(module), torch.randn(rows, 3, 6, 6)
    kept, expected = images.clone(), module(images)
    assert fast is not None
    torch.testing.assert_close(fast(images), expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(images, kept)


def test_batch_normalisation_goes_where_it_alone_reads_a_convolution() -> None:
    assert nn.BatchNorm2d not in kinds(fold_network(random_statistics(Residual())))
    assert nn.BatchNorm2d in kinds(fold_network(random_statistics(TwiceRead())))
    assert nn.BatchNorm2d in kinds(fold_network(random_statistics(TwiceCalled())))


def test_the_model_itself_is_left_as_it_is() -> None:
    module = random_statistics(Residual())
    before = {name: value.clone() for name, value in module.state_dict().items()}
    fold_network(module)
    assert nn.BatchNorm2d in kinds(module)
    assert not module.relu.inplace
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_what_no_graph_can_stand_for_is_run_as_it_is() -> None:
    module = random_statistics(Branching())
    assert fold_network(module) is None
    model = classifier(module, input_shape=(3, 6, 6))
    fast = optimize_forward(model, Arithmetic(), print)
    for images in (torch.rand(2, 3, 6, 6), -torch.rand(2, 3, 6, 6)):
        torch.testing.assert_close(fast(images), model(images))
