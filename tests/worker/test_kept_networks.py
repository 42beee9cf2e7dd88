"""Networks made of a model and kept with it are left as they are by those that take them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from harness.api import Classifier, classifier
from harness.api.kept_networks import kept_network
from harness.api.random_stages import randomised_in_place
from harness.worker.mutation_guard import MutationError, SeenModels, forbid_changes

LAYERS = ["0", "1", "5"]


@pytest.fixture
def model() -> Classifier:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2))
    return classifier(module, input_shape=(1, 6, 6))


def drawn_weights(changed: Classifier) -> None:
    changed.layer("0").weight.data.view(-1)[3] += 1e-6


def weights_of_the_model(changed: Classifier) -> None:
    changed.layer("5").weight.data[0, 0] += 1e-6


def hook(changed: Classifier) -> None:
    changed.layer("2").register_forward_hook(lambda *_: None)


def layer(changed: Classifier) -> None:
    changed.module[2] = nn.Identity()


def mode(changed: Classifier) -> None:
    changed.module.train()


CHANGES: dict[Callable[[Classifier], None], str] = {
    drawn_weights: "the weights 0.weight of a network made of the model",
    weights_of_the_model: "the weights 5.weight",
    hook: "the hooks of 2 of a network made of the model",
    layer: "the layer 2 of a network made of the model",
    mode: "the mode of the model of a network made of the model",
}


@pytest.mark.parametrize("blocks", [0, 1, 2])
@pytest.mark.parametrize("change", CHANGES)
def test_what_is_changed_of_a_randomised_model_is_found_in_any_block(
    model: Classifier, change: Callable[[Classifier], None], blocks: int
) -> None:
    seen = SeenModels()
    for _ in range(blocks):
        with forbid_changes(model.module, seen=seen), randomised_in_place(model, 1, LAYERS, ["1"]) as changed:
            changed(torch.zeros(1, 1, 6, 6))
    with pytest.raises(MutationError, match=f"left changed: {CHANGES[change]}"):  # noqa: SIM117
        with forbid_changes(model.module, seen=seen), randomised_in_place(model, 1, LAYERS, ["0"]) as changed:
            change(changed)


def test_an_error_says_what_was_left_changed(model: Classifier) -> None:
    with pytest.raises(KeyError) as caught, forbid_changes(model.module), randomised_in_place(model, 1, LAYERS, ["0"]) as changed:
        drawn_weights(changed)
        raise KeyError
    assert "0.weight of a network made of the model" in caught.value.__notes__[0]


def test_other_networks_that_are_kept_are_guarded_too(model: Classifier) -> None:
    with pytest.raises(MutationError, match="running_mean of a network"), forbid_changes(model.module):
        kept_network(model, "other", lambda: model.randomised(2)).layer("1").running_mean.add_(1)


def test_nothing_is_said_of_networks_that_are_left_as_they_are_or_are_not_taken(model: Classifier) -> None:
    other = kept_network(model, "other", lambda: model.randomised(2))
    with forbid_changes(model.module):
        other.layer("1").running_mean.add_(1)
    with forbid_changes(model.module):
        assert kept_network(model, "other", lambda: model.randomised(2)) is other
