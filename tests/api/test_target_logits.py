import pytest
import torch

from harness.api import target_logits as module
from harness.api.target_logits import gradients_in_turn, target_gradients, target_logits
from tests.support.networks import TARGETS, images, linear, made


def test_gradients_of_a_linear_model_are_its_weights():
    model, weights = linear()
    inputs = images(size=8)
    gradients, logits = target_gradients(model, inputs, TARGETS)
    torch.testing.assert_close(gradients, weights[TARGETS])
    torch.testing.assert_close(logits, target_logits(model, inputs, TARGETS))
    assert not inputs.requires_grad
    assert not logits.requires_grad


def test_every_sample_has_its_own_gradient():
    model, inputs = made(), images()
    together = target_gradients(model, inputs, TARGETS)[0]
    for i in range(4):
        alone = target_gradients(model, inputs[i : i + 1], TARGETS[i : i + 1])[0]
        torch.testing.assert_close(together[i : i + 1], alone)


@pytest.mark.parametrize(("room", "passes"), [(1, [4] * 5), (2, [8, 8, 4]), (3, [12, 8]), (9, [20])])
def test_inputs_in_turn_have_their_own_gradients_however_many_go_together(room, passes, monkeypatch):
    model, inputs, seen = made(), [images(seed=seed) for seed in range(5)], []
    monkeypatch.setitem(module.PIXELS, "cpu", room * inputs[0][:, 0].numel() + 1)
    model.module.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    found = list(gradients_in_turn(model, iter(inputs), TARGETS))
    assert seen == passes
    for (place, gradients, logits), given in zip(found, inputs, strict=True):
        assert torch.equal(place, given)
        expected = target_gradients(model, given, TARGETS)
        torch.testing.assert_close((gradients, logits), expected)
