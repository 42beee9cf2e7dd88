import pytest
import torch
from harness_transformers.attention import attention_rollout, raw_attention, without_smallest
from harness_transformers.attention_weights import attend, no_token_attention, token_attention
from harness_transformers.spelled_out import SpelledOut, attention_by_definition
from torch import nn
from torch.nn import functional as F
from transformer_networks import TARGETS, Averaging, Blocks, Windows, by_hand, pictures, vit

from tests.support.networks import counted, made, state


def test_the_weights_and_their_gradients_are_those_of_a_pass_by_hand():
    model, images = vit(), pictures()
    before = state(model)
    found = attend(model, images, TARGETS)
    logits, attention, _ = by_hand(model.module, images.clone().requires_grad_())
    torch.testing.assert_close(logits, model(images))
    expected = torch.autograd.grad(logits.gather(1, TARGETS[:, None]).sum(), attention)
    for block in range(2):
        torch.testing.assert_close(found.weights[block], attention[block].detach())
        torch.testing.assert_close(found.gradients[block], expected[block], rtol=1e-4, atol=1e-6)
    assert state(model) == before
    assert token_attention(model).read == (0,)


def test_rollout_of_two_blocks_is_their_product_by_hand():
    model, images = vit(), pictures()
    _, (first, second), _ = by_hand(model.module, images)
    for sample, found in enumerate(attention_rollout(model, images, TARGETS).map):
        one, two = ((each[sample].mean(0) + torch.eye(17)) / 2 for each in (first, second))
        expected = [sum(two[0, middle] * one[middle, patch] for middle in range(17)) for patch in range(1, 17)]
        torch.testing.assert_close(found.flatten(), torch.stack(expected))
    last = attention_rollout(model, images, TARGETS, start=1, heads="max").map.flatten(1)
    greatest = second.amax(1) + torch.eye(17)
    torch.testing.assert_close(last, greatest[:, 0, 1:] / greatest[:, 0].sum(1, keepdim=True))


def test_raw_attention_is_the_class_tokens_row():
    model, images = vit(), pictures()
    _, (first, second), _ = by_hand(model.module, images)
    assert no_token_attention(model) is None  # which looks at images of its own, once
    with counted(model) as rows:
        found = raw_attention(model, images, TARGETS).map
    torch.testing.assert_close(found, second.mean(1)[:, 0, 1:].view(3, 4, 4))
    assert sum(rows) == len(images)
    torch.testing.assert_close(raw_attention(model, images, TARGETS, block=0, heads="min").map, first.amin(1)[:, 0, 1:].view(3, 4, 4))


def test_the_smallest_weights_are_discarded_in_each_sample_but_not_the_first():
    weights = torch.tensor([[[0.1, 0.9], [0.6, 0.4]], [[0.8, 0.2], [0.3, 0.7]]])
    assert without_smallest(weights, 0.5).tolist() == torch.tensor([[[0.1, 0.9], [0.6, 0]], [[0.8, 0], [0, 0.7]]]).tolist()


@pytest.mark.parametrize(
    "options", [{}, {"is_causal": True}, {"scale": 0.3}, {"enable_gqa": True}, {"attn_mask": True}, {"attn_mask": 1.0}]
)
def test_attention_step_by_step_is_torchs(options):
    torch.manual_seed(0)
    query, key, value = torch.randn(2, 4, 5, 8), torch.randn(2, 4, 6, 8), torch.randn(2, 4, 6, 3)
    if options.get("enable_gqa"):
        key, value = key[:, :2], value[:, :2]
    if "attn_mask" in options:
        options = {"attn_mask": torch.randn(5, 6) > -1 if options["attn_mask"] is True else torch.randn(5, 6)}
    torch.testing.assert_close(
        attention_by_definition(query, key, value, **options), F.scaled_dot_product_attention(query, key, value, **options)
    )


@pytest.mark.parametrize("norm_first", [True, False])
def test_torchs_fused_layers_step_aside(norm_first):
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(12, 3, 16, batch_first=True, norm_first=norm_first).eval()
    tokens, called = torch.randn(2, 5, 12), []

    class Names(SpelledOut):
        def call(self, func, args, kwargs):
            called.append(getattr(func, "__name__", ""))
            return func(*args, **kwargs)

    with torch.no_grad():
        expected = layer(tokens)
        with Names():
            found = layer(tokens)
    torch.testing.assert_close(found, expected)
    assert called.count("softmax") == 1


def test_a_network_that_averages_its_patches_is_read_at_all_of_them():
    model, images = made(Averaging, size=32), pictures()
    assert token_attention(model).read == tuple(range(16))
    tokens = model.module.patches(images).flatten(2).transpose(1, 2)
    q, k, _ = model.module.qkv(tokens).chunk(3, -1)
    torch.testing.assert_close(raw_attention(model, images, TARGETS).map, (q @ k.transpose(1, 2)).softmax(-1).mean(1).view(3, 4, 4))


REFUSED = {
    "within windows": lambda: made(Windows, size=32),
    "beside its attention|within windows": lambda: made(Blocks, size=32),
    "does not attend": made,
    "by a softmax": lambda: made(Averaging, size=32, mix="sigmoid"),
    "told apart": lambda: made(Averaging, size=32, heads_first=True),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_other_networks_are_refused(reason):
    model = REFUSED[reason]()
    assert no_token_attention(model) is not None
    for explain in (raw_attention, attention_rollout):
        with pytest.raises(ValueError, match=reason):
            explain(model, pictures(size=model.input_shape[1]), TARGETS)


def test_coarse_rounding_is_no_reason():
    model, images = vit(), pictures()
    exact = attention_rollout(model, images, TARGETS).map
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = attention_rollout(vit(), images, TARGETS).map
    assert cast.dtype == torch.bfloat16
    torch.testing.assert_close(cast.float(), exact, rtol=0.1, atol=1e-3)


def test_blocks_that_are_not_there_are_refused():
    assert "2 blocks" in no_token_attention(vit(), start=2)
    assert "block=-3" in no_token_attention(vit(), block=-3)
    with pytest.raises(ValueError, match="start=5"):
        attention_rollout(vit(), pictures(), TARGETS, start=5)


def test_maps_of_a_batch_are_those_of_its_images():
    model, images = vit(), pictures()
    for explain in (raw_attention, attention_rollout):
        together = explain(model, images, TARGETS, **({"discard": 0.5} if explain is attention_rollout else {})).map
        for i in range(3):
            options = {"discard": 0.5} if explain is attention_rollout else {}
            torch.testing.assert_close(explain(model, images[i : i + 1], TARGETS[i : i + 1], **options).map, together[i : i + 1])
