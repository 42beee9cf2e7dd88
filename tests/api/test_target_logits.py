import torch

from harness.api.target_logits import target_gradients, target_logits
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
