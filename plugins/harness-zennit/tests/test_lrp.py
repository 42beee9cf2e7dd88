import pytest
import torch
import zennit.composites
from harness_zennit.composites import PASSES
from harness_zennit.lrp import LRP
from torch import nn
from torchvision import models
from zennit.attribution import Gradient
from zennit.torchvision import ResNetCanonizer
from zennit_networks import Normalised, calibrated

from harness.api import classifier
from harness.api.declarations import declaration_of
from tests.support.networks import TARGETS, Convolutions, images, linear, made, state

RULES = list(PASSES)
ZENNITS = {
    "epsilon-plus-flat": zennit.composites.EpsilonPlusFlat,
    "epsilon-plus": zennit.composites.EpsilonPlus,
    "epsilon-alpha2-beta1-flat": zennit.composites.EpsilonAlpha2Beta1Flat,
    "epsilon-alpha2-beta1": zennit.composites.EpsilonAlpha2Beta1,
    "epsilon-gamma-box": zennit.composites.EpsilonGammaBox,
}


def lrp(model, inputs, targets, **params):
    return LRP(LRP.Params(**params))(model, inputs, targets)


def conservation(found):
    return float((found.map.sum((1, 2, 3)) - found.expected).abs().max() / found.expected.abs().min())


@pytest.mark.parametrize("zero_bias", [False, True])
def test_epsilon_on_a_linear_model(zero_bias):
    model, weights = linear()
    inputs = images(size=8)
    found = lrp(model, inputs, TARGETS, rule="epsilon", epsilon=0.1, zero_bias=zero_bias)
    with torch.no_grad():
        outputs = model(inputs) - (model.module[-1].bias if zero_bias else 0)
    outputs = outputs[range(4), TARGETS].view(4, 1, 1, 1)
    torch.testing.assert_close(found.map, inputs * weights[TARGETS] / (outputs + 0.1 * outputs.sign()))
    assert torch.equal(found.expected, torch.ones(4))


@pytest.mark.parametrize("norm", [nn.GroupNorm(2, 4), nn.InstanceNorm2d(4, affine=True), nn.LayerNorm([4, 6, 6]), nn.RMSNorm([4, 6, 6])])
def test_normalisations_by_the_image_itself_conserve_relevance(norm):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), norm, nn.ReLU(), nn.Conv2d(4, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    model = classifier(net, input_shape=(3, 8, 8))
    assert conservation(lrp(model, images(size=8), TARGETS, rule="epsilon", zero_bias=True, epsilon=1e-9)) < 0.01


def test_the_flat_rule_spreads_evenly_over_a_first_layer():
    model, _ = linear()
    found = lrp(model, images(size=8), TARGETS)
    torch.testing.assert_close(found.map, torch.full((4, 3, 8, 8), 1 / 192))


def plain(module, rule, inputs, targets, canonizers=(), **options):
    """What zennit's own call gives."""
    if rule == "epsilon-gamma-box":
        options |= {"low": -2.0 * torch.ones(1, 3, 1, 1), "high": 2.0 * torch.ones(1, 3, 1, 1)}
    composite = ZENNITS[rule](canonizers=list(canonizers), **options)
    with Gradient(module, composite) as attributor:
        return attributor(inputs, torch.eye(3)[targets])[1]


@pytest.mark.parametrize("rule", ZENNITS)
def test_zennits_on_convolutions(rule):
    torch.manual_seed(0)
    module = Convolutions().eval()
    model = classifier(module, input_shape=(3, 16, 16), mean=[0.5] * 3, std=[0.25] * 3)
    found = lrp(model, images(), TARGETS, rule=rule, epsilon=1e-3)
    torch.testing.assert_close(found.map, plain(module, rule, images(), TARGETS, epsilon=1e-3))


@pytest.mark.parametrize("rule", ["epsilon-plus-flat", "epsilon-alpha2-beta1", "epsilon-gamma-box"])
def test_zennits_on_a_residual_network_with_its_canonizer(rule):
    module = calibrated("resnet18", size=32).double()
    for norm in (layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d)):
        norm.eps = 0.0  # zennit leaves it in what should be the identity
    model = classifier(module, input_shape=(3, 32, 32), mean=[0.5] * 3, std=[0.25] * 3)
    inputs = images(2, 32).double()
    found = lrp(model, inputs, TARGETS[:2], rule=rule)
    expected = plain(module, rule, inputs, TARGETS[:2], [ResNetCanonizer()])
    torch.testing.assert_close(found.map, expected, rtol=0, atol=float(1e-6 * expected.abs().max()))


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in {"0", "epsilon", "alpha-beta"}])
@pytest.mark.parametrize("module_type", [Convolutions, Normalised])
def test_relevance_is_conserved_where_biases_absorb_none(rule, module_type):
    options = {"rule": rule, "zero_bias": True, "epsilon": 1e-6}
    assert conservation(lrp(made(module_type), images(), TARGETS, **options)) < 1e-2
    assert conservation(lrp(made(module_type), images(), TARGETS, start="logit", **options)) < 1e-2


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "googlenet", "regnet_x_400mf", "regnet_y_400mf", "squeezenet1_1"])
@pytest.mark.slow
def test_relevance_is_conserved_on_torchvision(name):
    model = classifier(calibrated(name), input_shape=(3, 64, 64), mean=[0.5] * 3, std=[0.25] * 3)
    assert conservation(lrp(model, images(2, 64), TARGETS[:2], zero_bias=True)) < 2e-2


@pytest.mark.parametrize(
    "name", ["mobilenet_v2", "mobilenet_v3_small", "mnasnet0_5", "shufflenet_v2_x0_5", "efficientnet_b0", "convnext_tiny"]
)
@pytest.mark.slow
def test_relevance_is_conserved_behind_depthwise_convolutions(name):
    model = classifier(calibrated(name), input_shape=(3, 64, 64), mean=[0.5] * 3, std=[0.25] * 3)
    for rule in ("epsilon-plus-flat", "epsilon-gamma"):
        assert conservation(lrp(model, images(2, 64), TARGETS[:2], rule=rule, zero_bias=True, conserve=True)) < 1e-3


def test_negative_contributions_alone_keep_alpha_minus_beta_from_adding_up_to_one():
    """A neuron to which nothing is negative passes α on, one to which nothing is positive −β: what the αβ-rule does by definition."""
    model, weights = linear()
    found = lrp(model, images(size=8).abs() * weights[TARGETS].sign(), TARGETS, rule="alpha-beta", alpha=3, zero_bias=True)
    torch.testing.assert_close(found.map.sum((1, 2, 3)), torch.full((4,), 3.0))


def test_the_box_rule_of_a_dense_first_layer():
    model, weights = linear()
    inputs, (low, high) = images(size=8), model.bounds
    found = lrp(model, inputs, TARGETS, rule="z-box", zero_bias=True)
    shares = weights[TARGETS] * inputs - weights[TARGETS].clamp(min=0) * low - weights[TARGETS].clamp(max=0) * high
    assert shares.min() >= 0
    torch.testing.assert_close(found.map, shares / shares.sum((1, 2, 3), keepdim=True))


class Separable(nn.Module):
    """A depthwise convolution behind a ReLU of which half is off, so that many of its neurons are on by their bias alone."""

    def __init__(self, shift=-1.0):
        super().__init__()
        self.first, self.depthwise, self.point = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, groups=8), nn.Conv2d(8, 6, 1)
        self.relu, self.head = nn.ReLU(), nn.Linear(6, 3)
        self.first.bias.data.fill_(shift)
        self.depthwise.bias.data.fill_(1.0)

    def forward(self, x):
        return self.head(self.relu(self.point(self.relu(self.depthwise(self.relu(self.first(x)))))).mean((2, 3)))


@pytest.mark.parametrize("rule", ["z-plus", "epsilon-plus-flat", "epsilon-gamma"])
def test_what_is_on_by_its_bias_alone_loses_relevance_unless_it_is_shared_evenly(rule):
    model, options = made(Separable), {"rule": rule, "zero_bias": True}
    with torch.no_grad():
        targets = model(images()).argmax(1)
    assert conservation(lrp(model, images(), targets, **options)) > 0.1
    assert conservation(lrp(model, images(), targets, conserve=True, **options)) < 1e-2
    lit = made(Separable, shift=3.0)
    with torch.no_grad():
        lit.module.depthwise.weight.abs_()
    plain, shared = (lrp(lit, images(), targets, conserve=conserve, **options).map for conserve in (False, True))
    torch.testing.assert_close(shared, plain, rtol=1e-3, atol=1e-4 * float(plain.abs().max()))


@pytest.mark.parametrize("rule", ["z-plus", "gamma"])
def test_relevance_that_no_input_speaks_for_is_spread_over_the_inputs(rule):
    """Of an image of 0: of all that the rule knows, nothing tells one input from another."""
    torch.manual_seed(0)
    model = classifier(nn.Sequential(nn.Conv2d(3, 5, 8), nn.ReLU(), nn.Flatten(), nn.Linear(5, 3)), input_shape=(3, 8, 8))
    with torch.no_grad():
        model.module[0].bias.fill_(1.0)
    zeros, options = torch.zeros(4, 3, 8, 8), {"rule": rule, "zero_bias": True}
    assert lrp(model, zeros, TARGETS, **options).map.abs().max() == 0
    found = lrp(model, zeros, TARGETS, conserve=True, **options)
    torch.testing.assert_close(found.map, torch.full((4, 3, 8, 8), 1 / 192), rtol=1e-4, atol=0)


def test_biases_absorb_relevance_and_the_error_is_shown():
    found = lrp(made(), images(), TARGETS)
    assert conservation(found) > 1e-3


def test_starting_at_the_logit_scales_by_it():
    model = made()
    one, logit = (lrp(model, images(), TARGETS, start=start) for start in ("one", "logit"))
    with torch.no_grad():
        logits = model(images())[range(4), TARGETS]
    torch.testing.assert_close(logit.expected, logits)
    torch.testing.assert_close(logit.map, one.map * logits.view(4, 1, 1, 1), rtol=1e-3, atol=1e-7)


def test_a_gate_gets_no_relevance():
    class Gated(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.head = nn.Conv2d(3, 4, 3, bias=False), nn.Linear(4, 3, bias=False)
            self.gate = models.efficientnet.SqueezeExcitation(4, 2)
            self.pool = nn.AdaptiveAvgPool2d(1)

        def forward(self, x):
            return self.head(self.pool(self.gate(torch.relu(self.conv(x)))).flatten(1))

    assert conservation(lrp(made(Gated), images(), TARGETS, rule="epsilon")) < 1e-2


@pytest.mark.parametrize("rule", RULES)
def test_a_map_depends_on_no_neighbour(rule):
    model = made(Normalised)
    together = lrp(model, images(), TARGETS, rule=rule).map
    assert together.shape == (4, 3, 16, 16) and together.isfinite().all()
    scale = float(together.abs().max())
    for rows in ([2], [3, 0]):
        alone = lrp(model, images()[rows], TARGETS[rows], rule=rule).map
        torch.testing.assert_close(alone, together[rows], rtol=1e-3, atol=1e-4 * scale)


@pytest.mark.parametrize("rule", RULES)
def test_everything_is_left_as_it_was(rule):
    model = made(Normalised)
    inputs, before = images(), state(model)
    first = lrp(model, inputs, TARGETS, rule=rule).map
    assert state(model) == before
    assert torch.equal(inputs, images()) and not inputs.requires_grad and not first.requires_grad
    with torch.no_grad():
        assert torch.equal(lrp(model, inputs, TARGETS, rule=rule).map, first)


@pytest.mark.parametrize("when", ["forward", "backward"])
def test_everything_is_left_as_it_was_after_an_exception(when):
    class Fails(nn.Module):
        fail = False

        def forward(self, x):
            if Fails.fail and when == "forward":
                raise RuntimeError("broken")
            if Fails.fail and x.requires_grad:
                x.register_hook(self.raises)
            return x * 1

        def raises(self, gradient):
            raise RuntimeError("broken")

    class Broken(Normalised):
        def __init__(self):
            super().__init__()
            self.fails = Fails()

        def forward(self, x):
            return super().forward(self.fails(self.relu(x + 3)))

    model = made(Broken)
    lrp(model, images(), TARGETS)
    before = state(model)
    Fails.fail = True
    with pytest.raises(RuntimeError, match="broken"):
        lrp(model, images(), TARGETS)
    assert state(model) == before


def test_attention_is_not_applicable():
    torch.manual_seed(0)
    module = models.VisionTransformer(16, 8, num_layers=1, num_heads=2, hidden_dim=8, mlp_dim=8, num_classes=3)
    model = classifier(module, input_shape=(3, 16, 16))
    assert "attention" in LRP(LRP.Params()).applicable(model)
    with pytest.raises(ValueError, match="attention"):
        lrp(model, images(), TARGETS)


def test_the_box_rule_wants_bounds():
    torch.manual_seed(0)
    model = classifier(Convolutions(), input_shape=(3, 16, 16))
    assert LRP(LRP.Params()).applicable(model) is None
    assert "bounds" in LRP(LRP.Params(rule="epsilon-gamma-box")).applicable(model)


def test_one_pass_forward_and_one_back_through_the_model_itself():
    """So that they are counted; what the rules add inside the layers is declared."""
    model = made(Normalised)
    lrp(model, images(), TARGETS)
    passes = []
    model.module.register_forward_hook(lambda module, arguments, output: passes.append(len(output)))
    lrp(model, images(), TARGETS)
    assert passes == [4]
    assert declaration_of(LRP, "explainers").passes({"rule": "epsilon-plus-flat", "conserve": False}) == 5
    assert declaration_of(LRP, "explainers").passes({"rule": "epsilon-plus-flat", "conserve": True}) == 7
