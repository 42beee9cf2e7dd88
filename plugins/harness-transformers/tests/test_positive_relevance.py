import pytest
import torch
from harness_transformers.attention_weights import attend
from harness_transformers.positive_relevance import no_rule, relevance_of_attention
from harness_transformers.weighted_attention import transformer_attribution
from torch import nn
from transformer_networks import TARGETS, pictures, vit

from tests.support.networks import counted, made, state


def shared(relevance, contributions, over):
    """Relevance of outputs by the share of each of their contributions, summed up over the outputs; the sums are of axis ``over``."""
    total = contributions.sum(over, keepdim=True)
    return torch.where(total != 0, contributions / total * relevance.unsqueeze(over), 0)


def dense(relevance, inputs, layer):
    weight = getattr(layer, "in_proj_weight", None)
    contributions = (inputs[:, :, None] * (layer.weight if weight is None else weight).T).clamp(min=0)  # (tokens, in, out)
    return shared(relevance, contributions, 1).sum(2)


def residual(relevance, first, second):
    one, two = (part / (first + second) * relevance for part in (first, second))
    sizes = one.sum().abs(), two.sum().abs()
    return [part * size / part.sum() * relevance.sum() / sum(sizes) for part, size in zip((one, two), sizes, strict=True)]


def by_hand(network, image, target):
    """Relevance of both blocks' weights for one image, block by block from the last, in float64."""
    tokens = network.conv_proj(image[None]).flatten(2).transpose(1, 2)[0]
    x = torch.cat([network.class_token[0], tokens]) + network.encoder.pos_embedding[0]
    kept = []
    for block in network.encoder.layers:
        layer = block.self_attention
        q, k, v = (block.ln_1(x) @ layer.in_proj_weight.T + layer.in_proj_bias).unflatten(1, (3, layer.num_heads, -1)).permute(1, 2, 0, 3)
        weights = (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).softmax(-1)
        mixed = (weights @ v).transpose(0, 1).flatten(1)
        middle = x + layer.out_proj(mixed)
        kept.append((block, x, q, k, weights, v, mixed, middle))
        x = middle + block.mlp(block.ln_2(middle))
    relevance = torch.zeros_like(x)
    relevance[:1] = dense(torch.eye(3, dtype=x.dtype)[target][None], network.encoder.ln(x)[:1], network.heads.head)
    found = []
    for block, x, q, k, weights, v, mixed, middle in reversed(kept):
        inner = block.mlp[1](block.mlp[0](block.ln_2(middle)))
        past, through = residual(relevance, middle, block.mlp[3](inner))
        relevance = past + dense(dense(through, inner, block.mlp[3]), block.ln_2(middle), block.mlp[0])
        past, through = residual(relevance, x, block.self_attention.out_proj(mixed))
        relevance = dense(through, mixed, block.self_attention.out_proj).unflatten(1, (len(q), -1)).transpose(0, 1)
        halves = shared(relevance, torch.einsum("hij,hjd->hijd", weights, v), 2) / 2
        found.append(halves.sum(3))
        pairs = shared(halves.sum(3), torch.einsum("hid,hjd->hijd", q, k), 3) / 2
        qkv = torch.stack([pairs.sum(2), pairs.sum(1), halves.sum(1)]).permute(2, 0, 1, 3).flatten(1)
        relevance = past + dense(qkv, block.ln_1(x), block.self_attention)
    return found[::-1]


def test_relevance_of_attention_is_that_by_hand():
    model, images = vit(), pictures()
    model.module.double()
    images, before = images.double(), state(model)
    found = relevance_of_attention(model, images, TARGETS)
    for sample in range(3):
        for block, expected in enumerate(by_hand(model.module, images[sample], TARGETS[sample])):
            torch.testing.assert_close(found[block][sample], expected, rtol=1e-3, atol=1e-5)
    assert state(model) == before


def test_attribution_follows_relevance_times_gradient_through_both_blocks():
    model, images = vit(), pictures()
    assert no_rule(model) is None
    with counted(model) as rows:
        found = transformer_attribution(model, images, TARGETS).map.flatten(1)
    assert sum(rows) == 4 * len(images)
    gradients = attend(model, images, TARGETS).gradients
    first, second = (
        (relevance * gradient).relu().mean(1)
        for relevance, gradient in zip(relevance_of_attention(model, images, TARGETS), gradients, strict=True)
    )
    expected = (torch.eye(17) + second) @ (torch.eye(17) + first)
    torch.testing.assert_close(found, expected[:, 0, 1:])
    last = transformer_attribution(model, images, TARGETS, start=1).map.flatten(1)
    torch.testing.assert_close(last, second[:, 0, 1:])


class Gated(nn.Module):
    """A product of activations behind the attention."""

    def __init__(self):
        super().__init__()
        self.patches, self.head = nn.Conv2d(3, 12, 8, 8), nn.Linear(12, 3)
        self.attention = nn.MultiheadAttention(12, 2, batch_first=True)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = x + self.attention(x, x, x)[0]
        return self.head((x * x.sigmoid()).mean(1))


def test_a_network_of_which_a_step_has_no_rule_is_refused():
    model = made(Gated, size=32)
    assert no_rule(model).endswith("mul")
    with pytest.raises(ValueError, match="no rule"):
        transformer_attribution(model, pictures(), TARGETS)
