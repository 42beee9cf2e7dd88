"""Input invariance and implementation invariance: other networks that compute the same, and who notices."""

from __future__ import annotations

import numpy as np
import pytest
import quantus
import torch
from captum import attr
from harness_metrics.axiomatic.implementation_invariance import implementation_invariance, with_divided_weights, with_selections
from harness_metrics.axiomatic.input_invariance import input_invariance, shifted_model
from harness_metrics.axiomatic.networks import relative_distance
from quantus.helpers.model.pytorch_model import PyTorchModel
from torch import nn

from harness.api import classifier


def gradient(model, images, targets):
    images = images.detach().clone().requires_grad_()
    return torch.autograd.grad(model(images).gather(1, targets[:, None]).sum(), images)[0].sum(dim=1)


def gradient_times_input(model, images, targets):
    return attr.InputXGradient(model).attribute(images.clone().requires_grad_(), target=targets).sum(dim=1).detach()


def integrated_gradients(reference):
    def explain(model, images, targets):
        baselines = model.reference(reference, images)
        return attr.IntegratedGradients(model).attribute(images, baselines=baselines, target=targets, n_steps=30).sum(dim=1).detach()

    return explain


def guided_backprop(model, images, targets):
    return attr.GuidedBackprop(model.module).attribute(images.clone().requires_grad_(), target=targets).sum(dim=1).detach()


class Branches(nn.Module):
    """Two stems that see the input, one through normalisation, a strided and dilated grouped convolution, and a skip connection."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(4, affine=True)
        self.wide = nn.Conv2d(4, 8, 5, stride=2, padding=2, bias=False)
        self.grouped = nn.Conv2d(4, 8, 3, stride=2, dilation=2, padding=2, groups=2)
        self.mix = nn.Conv2d(8, 8, 3, padding="same")
        self.relu = nn.ReLU()
        self.head = nn.Linear(8 * 6 * 7, 3)

    def forward(self, x):
        y = self.relu(self.wide(x) + self.grouped(self.norm(x)))
        return self.head((y + self.relu(self.mix(y))).flatten(1))


def branches():
    torch.manual_seed(0)
    module = Branches()
    module.norm.running_mean.uniform_(-1, 1)
    module.norm.running_var.uniform_(0.5, 2)
    return classifier(module, input_shape=(4, 12, 14))


def padded():
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 6, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 12 * 14, 3)]
    return classifier(nn.Sequential(*layers), input_shape=(3, 12, 14), mean=[0.5, 0.4, 0.3], std=[0.2, 0.3, 0.25])


def reflecting():
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 6, 3, padding=1, padding_mode="reflect"), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 12 * 14, 3)]
    return classifier(nn.Sequential(*layers), input_shape=(3, 12, 14))


def fully_connected():
    torch.manual_seed(0)
    layers = [nn.Flatten(), nn.Linear(2 * 12 * 14, 20, bias=False), nn.ReLU(), nn.Linear(20, 3)]
    return classifier(nn.Sequential(*layers), input_shape=(2, 12, 14))


NETWORKS = (branches, padded, reflecting, fully_connected)
TARGETS = torch.tensor([0, 1, 2])


def inputs(model):
    return model.normalise(torch.rand(3, *model.input_shape, generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize("network", NETWORKS)
def test_the_shifted_network_computes_the_same_of_shifted_inputs(network):
    model = network()
    images = inputs(model)
    shift = torch.tensor([-1.0, 0.3, 2.0, 0.7])[: model.input_shape[0], None, None]
    shifted = shifted_model(model, shift, preprocessing=True)
    torch.testing.assert_close(shifted(images + shift), model(images), rtol=1e-4, atol=1e-5)
    assert (shifted(images) - model(images)).abs().max() > 1e-2
    for kind in ("black", "white", "mean", "blur"):
        torch.testing.assert_close(shifted.reference(kind, images + shift), model.reference(kind, images) + shift)
    assert torch.equal(shifted_model(model, shift, preprocessing=False).reference("black", images), model.reference("black", images))
    assert shifted.layers == model.layers
    classes = [{name: type(layer) for name, layer in each.module.named_modules()} for each in (shifted, model)]
    assert classes[0] == classes[1], "rules of LRP go by the class of a layer"


@pytest.mark.parametrize("network", NETWORKS)
def test_a_gradient_is_input_invariant_and_gradient_times_input_is_not(network, explained):
    model = network()
    for reference in ("black", "zero"):
        assert (input_invariance(explained(model, inputs(model), TARGETS, gradient), reference=reference) < 1e-3).all()
        assert (input_invariance(explained(model, inputs(model), TARGETS, gradient_times_input), reference=reference) > 0.1).all()


def test_integrated_gradients_pass_from_black_and_fail_from_zero(explained):
    """Kindermans et al. 2019: the black reference moves with the data, the zero reference does not."""
    model = padded()
    from_black = explained(model, inputs(model), TARGETS, integrated_gradients("black"))
    from_zero = explained(model, inputs(model), TARGETS, integrated_gradients("zero"))
    assert (input_invariance(from_black, reference="black") < 1e-3).all()
    assert (input_invariance(from_black, reference="zero") > 0.1).all()
    assert (input_invariance(from_zero, reference="black") > 0.1).all()
    assert (input_invariance(from_zero, reference="zero") > 0.1).all()


def test_a_network_that_cannot_be_shifted_is_undefined(explained):
    """It cuts its inputs off before the first layer."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(168, 3))
    model = classifier(module, input_shape=(1, 12, 14))
    assert input_invariance(explained(model, inputs(model), TARGETS, gradient)).isnan().all()


def quantus_input_invariance(module, images, function):
    def explain(model, inputs, targets, **_):
        tensors = torch.as_tensor(inputs, dtype=torch.float32)
        return function(model, tensors, torch.as_tensor(targets))[:, None].numpy()

    metric = quantus.InputInvariance(disable_warnings=True)
    call = {"y_batch": TARGETS.numpy(), "a_batch": None, "explain_func": explain, "channel_first": True, "softmax": False}
    return [bool(score) for score in metric(model=module, x_batch=images.numpy(), **call)]


def unpadded(bias=True):
    """A network without padding that does not look at the first pixel."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(1, 4, 3, bias=bias), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)).eval()
    with torch.no_grad():
        module[3].weight.view(3, 4, 16)[:, :, 0] = 0.0
    return module, torch.rand(3, 1, 6, 6, generator=torch.Generator().manual_seed(1))


def test_input_invariance_agrees_with_quantus_where_it_shifts_all_that_counts(explained):
    module, images = unpadded()
    model = classifier(module, input_shape=(1, 6, 6))
    for function, passes in ((gradient, True), (gradient_times_input, False)):
        assert quantus_input_invariance(module, images, function) == [passes] * 3
        assert ((input_invariance(explained(model, images, TARGETS, function)) < 1e-3) == passes).all()


def test_quantus_does_not_shift_the_first_pixel():
    module, images = unpadded()
    seen = []
    quantus_input_invariance(module, images, lambda m, x, t: seen.append(x) or gradient(m, x, t))
    moved = (seen[1] - images).flatten(1)
    assert moved[:, 1:].numpy() == pytest.approx(-1.0, abs=1e-6)
    assert (moved[:, 0] == 0).all()


def test_quantus_does_not_shift_the_padding_and_needs_a_bias():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)).eval()
    images = torch.rand(3, 1, 6, 6)
    theirs = PyTorchModel(module, channel_first=True).add_mean_shift_to_first_layer(-1.0, (1, 1, 6, 6))
    ours = shifted_model(classifier(module, input_shape=(1, 6, 6)), torch.full((1, 1, 1), -1.0), preprocessing=False)
    with torch.no_grad():
        assert (theirs(images - 1) - module(images)).abs().max() > 0.05
        torch.testing.assert_close(ours(images - 1), module(images))
    with pytest.raises(TypeError, match="not subscriptable"):
        PyTorchModel(unpadded(bias=False)[0], channel_first=True).add_mean_shift_to_first_layer(-1.0, (1, 1, 6, 6))


@pytest.mark.parametrize("network", [branches, padded])
@pytest.mark.parametrize("function", [gradient, gradient_times_input, integrated_gradients("black")])
def test_gradients_do_not_notice_another_implementation(network, function, explained):
    model = network()
    case = explained(model, inputs(model), TARGETS, function)
    assert implementation_invariance(case).tolist() == [0.0] * 3
    assert (implementation_invariance(case, change="weights") < 1e-3).all()


def test_guided_backprop_notices_that_a_relu_is_none(explained):
    model = padded()
    case = explained(model, inputs(model), TARGETS, guided_backprop)
    assert (implementation_invariance(case) > 0.1).all()
    assert (implementation_invariance(case, change="weights") < 1e-3).all()


@pytest.mark.parametrize("build", [with_selections, with_divided_weights])
@pytest.mark.parametrize("network", NETWORKS[:2])
def test_the_other_network_has_the_same_layers_and_computes_the_same(build, network):
    model = network()
    images = inputs(model)
    other = build(model)
    torch.testing.assert_close(other(images), model(images), rtol=1e-5, atol=1e-6)
    assert other.layers == model.layers
    relus = [sum(isinstance(layer, nn.ReLU) for layer in each.module.modules()) for each in (model, other)]
    assert relus == ([2, 1] if build is with_selections else [2, 2])
    kinds = [[type(layer) for layer in each.module.modules()] for each in (model, other)]
    assert kinds[0] != kinds[1]


def test_the_selection_is_equal_to_the_last_bit_with_the_same_gradient_at_zero():
    model = padded()
    images = inputs(model).round()
    assert torch.equal(with_selections(model)(images), model(images))
    assert torch.equal(gradient(with_selections(model), images, TARGETS), gradient(model, images, TARGETS))
    black = torch.zeros_like(images)
    assert torch.equal(gradient(with_selections(model), black, TARGETS), gradient(model, black, TARGETS))


def test_a_network_with_one_relu_has_nothing_to_change(explained, small_cnn):
    images = inputs(small_cnn)
    assert implementation_invariance(explained(small_cnn, images, TARGETS, gradient)).isnan().all()
    assert implementation_invariance(explained(small_cnn, images, TARGETS, gradient), change="weights").isfinite().all()


def test_the_other_network_is_made_once_for_a_model(explained):
    model, asked = padded(), []
    for _ in range(2):
        case = explained(model, inputs(model), TARGETS, lambda m, x, t: asked.append(m) or gradient(m, x, t))
        implementation_invariance(case)
        input_invariance(case)
        input_invariance(case, shift=0.5)
    assert len({id(m) for m in asked}) == 4
    assert np.isfinite(implementation_invariance(case).numpy()).all()


def test_rounding_orders_no_explainers():
    """Maps that are the same but for rounding are the same; beyond the tolerance a change has its size."""
    maps = torch.tensor([[[3.0, 4.0]]]).expand(4, 1, 2)
    changed = maps * torch.tensor([1.0, 1 + 1e-6, 1 + 9e-4, 1 + 2e-3])[:, None, None]
    assert relative_distance(changed, maps, 1e-3).tolist() == pytest.approx([0, 0, 0, 2e-3], rel=1e-3)
    assert relative_distance(changed, maps, 0.0)[1] > 0
