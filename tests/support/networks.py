"""Small networks of three classes, images and contexts, for tests of explainers that walk through a network."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from harness.api import Attribution, Classifier, Context, classifier

TARGETS = torch.tensor([0, 2, 1, 2])


class Convolutions(nn.Module):
    """Convolutions and pooling, with activations, windows and strides to choose."""

    def __init__(self, activation=nn.ReLU, window=2, classes=3):
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(3, 8, 3), activation(), nn.MaxPool2d(window, 2)),
            *(nn.Conv2d(8, 12, 3, padding=1), activation(), nn.AdaptiveMaxPool2d(3)),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(108, 16), activation(), nn.Linear(16, classes))

    def forward(self, x):
        return self.head(self.features(x))


class Scaled(nn.Module):
    """A skip connection and a gate: additions and products of activations."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.gate = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1), nn.Conv2d(6, 6, 1)
        self.relu, self.head = nn.ReLU(inplace=True), nn.Linear(6, 3)

    def forward(self, x):
        x = self.relu(self.first(x))
        out = self.second(x) * torch.sigmoid(self.gate(x.mean((2, 3), keepdim=True)))
        out += x
        return self.head(self.relu(out).mean((2, 3)))


def made(module_type=Convolutions, size=16, **options) -> Classifier:
    """A classifier of random weights, the same at every call."""
    torch.manual_seed(0)
    return classifier(module_type(**options), input_shape=(3, size, size), mean=[0.5] * 3, std=[0.25] * 3)


def linear(size=8) -> tuple[Classifier, Tensor]:
    """A linear classifier and its weights ``(3, C, H, W)``."""
    torch.manual_seed(0)
    layer = nn.Linear(3 * size * size, 3)
    model = classifier(nn.Sequential(nn.Flatten(), layer), input_shape=(3, size, size), mean=[0.5] * 3, std=[0.25] * 3)
    return model, layer.weight.detach().view(3, 3, size, size)


def images(count=4, size=16, seed=1) -> Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(seed)).clamp(-2, 2)


def context(*ids, seed=0, training=64, size=16) -> Context:
    """A context whose training images are noise of their own, labelled by the three classes in turn."""

    def labelled(n: int) -> tuple[Tensor, Tensor]:
        return images(training, size, seed=7)[:n], (torch.arange(training) % 3)[:n]

    return Context(seed, list(ids or "abcd"), training=lambda n: labelled(n)[0], labelled=labelled)


def maps(returned) -> Tensor:
    return returned.map if isinstance(returned, Attribution) else returned


@contextmanager
def counted(model: Classifier) -> Iterator[list[int]]:
    """The rows of every forward and backward pass made through the model in the block."""
    rows: list[int] = []

    def note(module, arguments, output):
        rows.append(len(output))
        if output.requires_grad:
            output.register_hook(lambda gradient: rows.append(len(gradient)))

    handle = model.module.register_forward_hook(note)
    try:
        yield rows
    finally:
        handle.remove()


def state(model: Classifier) -> list[tuple]:
    """All that an explainer must leave as it was."""
    found = []
    for name, layer in model.module.named_modules():
        hooks = {key: len(value) for key, value in vars(layer).items() if "hooks" in key and isinstance(value, dict)}
        found.append((name, layer.training, sorted(vars(layer)), sorted(layer._parameters), hooks))
    tensors = (*model.module.named_parameters(), *model.module.named_buffers())
    return found + [(name, t.requires_grad, t.grad is None, t.data_ptr(), t.sum().item()) for name, t in tensors]
