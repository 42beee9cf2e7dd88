import pytest
import torch
from harness_transformers.attn_lrp import attn_lrp, without_rule
from harness_transformers.gradient_rules import group_norm, layer_norm, normalize, rms_norm
from torch import nn
from torch.nn import functional as F
from transformer_networks import TARGETS, Blocks, Windows, pictures, vit
from zennit.composites import LayerMapComposite
from zennit.rules import Epsilon, Gamma, Pass
from zennit.types import Activation

from harness.api.target_logits import target_gradients
from tests.support.networks import Convolutions, made, state


def by_zennit(model, images, convolution, dense):
    """Relevance of the target's logit by zennit's rules."""
    rules = LayerMapComposite([(nn.Conv2d, convolution), (nn.Linear, dense), (Activation, Pass())])
    points = images.clone().requires_grad_()
    with rules.context(model.module) as network:
        logits = network(points)
        (relevance,) = torch.autograd.grad(logits, points, F.one_hot(TARGETS, 3) * logits.detach())
    return relevance


@pytest.mark.parametrize("gammas", [(0.25, 0.05), (3.0, 0.0), (0.0, 1.0)])
def test_without_attention_it_is_the_gamma_rule(gammas):
    model, images = made(Convolutions), pictures(size=16)
    before = state(model)
    found = attn_lrp(model, images, TARGETS, gamma_convolution=gammas[0], gamma_linear=gammas[1]).map
    expected = by_zennit(model, images, *(Gamma(gamma, stabilizer=1e-9) if gamma else Epsilon(1e-9) for gamma in gammas))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)
    assert state(model) == before


def test_without_attention_and_gamma_it_is_the_epsilon_rule_and_of_relus_input_times_gradient():
    images = pictures(size=16)
    for activation in (nn.ReLU, nn.Tanh):
        model = made(Convolutions, activation=activation)
        found = attn_lrp(model, images, TARGETS, gamma_convolution=0, gamma_linear=0)
        torch.testing.assert_close(found.map, by_zennit(model, images, Epsilon(1e-9), Epsilon(1e-9)), rtol=1e-3, atol=1e-5)
        gradients, logits = target_gradients(model, images, TARGETS)
        torch.testing.assert_close(found.expected, logits)
        assert torch.allclose(found.map, images * gradients, atol=1e-6) == (activation is nn.ReLU)


def shared(relevance, contributions, total):
    """Relevance (…, out) of totals by the contributions (…, in, out) to them."""
    return (contributions / total.unsqueeze(-2) * relevance.unsqueeze(-2)).sum(-1)


def dense(relevance, inputs, weight, output):
    return shared(relevance, inputs.unsqueeze(-1) * weight.T, output)


def normalised(relevance, inputs, layer):
    size = inputs.shape[-1]
    centred = torch.eye(size, dtype=inputs.dtype) - 1 / size
    deviation = (inputs.var(-1, unbiased=False, keepdim=True) + layer.eps).sqrt().unsqueeze(-1)
    return shared(relevance, inputs.unsqueeze(-1) * centred * layer.weight / deviation, layer(inputs))


def by_hand(network, image, target):
    """Relevance (C, H, W) of one image for a `VisionTransformer`, rule by rule, with γ 0."""
    convolution = network.conv_proj
    columns = F.unfold(image[None], 8, stride=8)[0].T
    weight = convolution.weight.flatten(1)
    embedded = columns @ weight.T + convolution.bias
    x = torch.cat([network.class_token[0], embedded]) + network.encoder.pos_embedding[0]
    first, kept = x, []
    for block in network.encoder.layers:
        layer = block.self_attention
        joined = block.ln_1(x) @ layer.in_proj_weight.T + layer.in_proj_bias
        q, k, v = joined.unflatten(1, (3, layer.num_heads, -1)).permute(1, 2, 0, 3)
        scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5
        mixed = scores.softmax(-1) @ v
        middle = x + layer.out_proj(mixed.transpose(0, 1).flatten(1))
        kept.append((block, x, joined, q, k, v, scores, mixed, middle))
        x = middle + block.mlp(block.ln_2(middle))
    normed = network.encoder.ln(x)[:1]
    logits = network.heads.head(normed)
    relevance = torch.zeros_like(x)
    relevance[:1] = dense(logits * F.one_hot(target, 3), normed, network.heads.head.weight, logits)
    relevance = normalised(relevance, x, network.encoder.ln)
    for block, before, joined, q, k, v, scores, mixed, middle in reversed(kept):
        layer, norm = block.self_attention, block.ln_2(middle)
        hidden = block.mlp[0](norm)
        inner, output = block.mlp[1](hidden), block.mlp(norm)
        through = dense(output / (middle + output) * relevance, inner, block.mlp[3].weight, output)
        through = dense(through, norm, block.mlp[0].weight, hidden)
        relevance = middle / (middle + output) * relevance + normalised(through, middle, block.ln_2)
        flat = mixed.transpose(0, 1).flatten(1)
        output = layer.out_proj(flat)
        through = dense(output / (before + output) * relevance, flat, layer.out_proj.weight, output)
        through = through.unflatten(1, (len(q), -1)).transpose(0, 1)
        weights = scores.softmax(-1)
        pairs = torch.einsum("hij,hjd->hijd", weights, v) / mixed[:, :, None] * through[:, :, None] / 2
        share = scores * (pairs.sum(3) - weights * pairs.sum((2, 3))[..., None])
        products = torch.einsum("hid,hjd->hijd", q, k)
        halves = products / products.sum(3, keepdim=True) * share[..., None] / 2
        parts = torch.stack([halves.sum(2), halves.sum(1), pairs.sum(1)]).permute(2, 0, 1, 3).flatten(1)
        through = dense(parts, block.ln_1(before), layer.in_proj_weight, joined)
        relevance = before / (before + output) * relevance + normalised(through, before, block.ln_1)
    patches = dense((relevance * embedded_share(embedded, first))[1:], columns, weight, embedded)
    return F.fold(patches.T[None], image.shape[-2:], 8, stride=8)[0]


def embedded_share(embedded, first):
    return torch.cat([torch.zeros_like(first[:1]), embedded / first[1:]])


def test_relevance_of_a_transformer_is_that_by_hand():
    model, images = vit(), pictures().double()
    model.module.double()
    found = attn_lrp(model, images, TARGETS, gamma_convolution=0, gamma_linear=0).map
    for sample in range(3):
        torch.testing.assert_close(found[sample], by_hand(model.module, images[sample], TARGETS[sample]), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("network", ["vit", "swin", "maxvit"])
@pytest.mark.parametrize("gamma", [0, 0.3])
def test_relevance_is_conserved_without_biases_where_attention_is_constant(network, gamma):
    model = {"vit": vit, "swin": lambda: made(Windows, size=32), "maxvit": lambda: made(Blocks, size=32)}[network]()
    model.module.double()
    with torch.no_grad():
        for name, parameter in model.module.named_parameters():
            if "bias" in name or "pos_embedding" in name or "class_token" in name:
                parameter.zero_()
    images, options = pictures().double(), {"gamma_convolution": gamma, "gamma_linear": gamma}
    found = attn_lrp(model, images, TARGETS, softmax="constant", **options)
    torch.testing.assert_close(found.map.sum((1, 2, 3)), found.expected, rtol=1e-3, atol=1e-12)
    assert found.expected.abs().min() > 1e-9
    absorbing = attn_lrp(model, images, TARGETS, **options)
    assert (absorbing.map.sum((1, 2, 3)) - absorbing.expected).abs().max() > 1e-9


@pytest.mark.parametrize(
    ("own", "torchs", "arguments"),
    [
        (layer_norm, F.layer_norm, [(5, 7), "w", "b", 0.1]),
        (layer_norm, F.layer_norm, [(7,), "w"]),
        (rms_norm, F.rms_norm, [(7,), "w", 0.1]),
        (rms_norm, F.rms_norm, [(7,)]),
        (group_norm, F.group_norm, [2, "w", "b", 0.1]),
        (normalize, F.normalize, [1.0, -1]),
        (normalize, F.normalize, []),
    ],
)
def test_normalisations_are_torchs(own, torchs, arguments):
    torch.manual_seed(0)
    inputs = torch.randn(3, 6, 5, 7)
    shape = (6,) if own is group_norm else arguments[0] if own in (layer_norm, rms_norm) else ()
    arguments = [torch.randn(shape) if argument in ("w", "b") else argument for argument in arguments]
    torch.testing.assert_close(own(inputs, *arguments), torchs(inputs, *arguments))


class Exponential(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(768, 3)

    def forward(self, x):
        return self.head((x.flatten(1) / 2).exp())


def test_a_network_of_which_a_step_has_no_rule_is_refused():
    model = made(Exponential)
    assert without_rule(model).endswith("exp")
    with pytest.raises(ValueError, match="no rule"):
        attn_lrp(model, pictures(size=16), TARGETS)
