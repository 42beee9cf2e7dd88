import pytest
import torch
from harness_transformers.attention_weights import no_token_attention
from harness_transformers.weighted_attention import generic_attention
from transformer_networks import TARGETS, by_hand, pictures, vit

from tests.support.networks import counted, made


def shares(model, images):
    """Per block mean over heads of max(0, A ⊙ ∂y/∂A), by autograd of the pass by hand."""
    logits, attention, _ = by_hand(model.module, images.clone().requires_grad_())
    gradients = torch.autograd.grad(logits.gather(1, TARGETS[:, None]).sum(), attention)
    return [(weights * gradient).clamp(min=0).mean(1).detach() for weights, gradient in zip(attention, gradients, strict=True)]


def test_generic_attention_of_one_block_is_attention_times_gradient():
    model, images = vit(blocks=1), pictures()
    assert no_token_attention(model) is None  # which looks at images of its own, once
    with counted(model) as rows:
        found = generic_attention(model, images, TARGETS).map
    assert sum(rows) == 2 * len(images)
    (share,) = shares(model, images)
    torch.testing.assert_close(found, share[:, 0, 1:].view(3, 4, 4), rtol=1e-4, atol=1e-7)
    assert found.amax() > 0


def test_generic_attention_of_two_blocks_has_every_way_through_them():
    model, images = vit(), pictures()
    first, second = shares(model, images)
    expected = first + second + torch.einsum("bij,bjk->bik", second, first)
    torch.testing.assert_close(generic_attention(model, images, TARGETS).map.flatten(1), expected[:, 0, 1:], rtol=1e-4, atol=1e-7)
    found = generic_attention(model, images, TARGETS, start=1).map.flatten(1)
    torch.testing.assert_close(found, second[:, 0, 1:], rtol=1e-4, atol=1e-7)


def test_a_network_without_attention_is_refused():
    with pytest.raises(ValueError, match="softmax"):
        generic_attention(made(), pictures(size=16), TARGETS)
