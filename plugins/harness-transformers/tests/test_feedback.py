import pytest
import torch
from harness_transformers.attention_weights import no_token_attention
from harness_transformers.feedback import beyond_intuition, transition_attention
from transformer_networks import TARGETS, Averaging, by_hand, pictures, vit

from tests.support.networks import counted, made


def seen(network, images):
    """Attention of every block and the gradients of the targets' logits there, of the pass by hand."""
    logits, attention, _ = by_hand(network, images.clone().requires_grad_())
    gradients = torch.autograd.grad(logits.gather(1, TARGETS[:, None]).sum(), attention)
    return [each.detach() for each in attention], gradients


def feedback(network, images, steps):
    """Per patch, from the class token: the positive part of the mean gradient at the last attention, the mean over heads."""
    mean = sum(seen(network, images * alpha)[1][-1] for alpha in torch.linspace(0, 1, steps)) / steps
    return mean.clamp(min=0).mean(1)[:, 0, 1:]


def test_transitions_go_from_the_last_block_back():
    model, images = vit(blocks=3), pictures()
    assert no_token_attention(model) is None
    with counted(model) as rows:
        found = transition_attention(model, images, TARGETS, steps=4, start=0).map.flatten(1)
    assert sum(rows) == 8 * len(images)
    (first, second, last), _ = seen(model.module, images)
    first, second, last = (weights.mean(1) for weights in (first, second, last))
    ways = last + last @ second + last @ first + last @ second @ first
    expected = feedback(model.module, images, 4)
    torch.testing.assert_close(found, ways[:, 0, 1:] * expected, rtol=1e-4, atol=1e-7)
    assert expected.amax() > 0
    found = transition_attention(model, images, TARGETS, steps=4).map.flatten(1)
    torch.testing.assert_close(found, last[:, 0, 1:] * expected, rtol=1e-4, atol=1e-7)


def test_heads_count_by_what_they_matter():
    model, images = vit(blocks=2), pictures()
    found = beyond_intuition(model, images, TARGETS, steps=3, start=0).map.flatten(1)
    attention, gradients = seen(model.module, images)
    mixed = []
    for weights, slopes in zip(attention, gradients, strict=True):
        matter = torch.stack([(weights[:, h].transpose(1, 2) @ slopes[:, h]).abs().flatten(1).mean(1) for h in range(2)], 1)
        mixed.append(sum((matter[:, h] / matter.sum(1))[:, None, None] * weights[:, h] for h in range(2)))
    expected = (mixed[0] + mixed[1] + mixed[1] @ mixed[0])[:, 0, 1:] * feedback(model.module, images, 3)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-7)
    assert expected.amax() > 0


def test_tokens_that_are_averaged_are_all_read():
    model, images = made(Averaging, size=32), pictures()
    assert beyond_intuition(model, images, TARGETS, steps=2, start=0).map.shape == (3, 4, 4)
    with pytest.raises(ValueError, match="start=3"):
        beyond_intuition(model, images, TARGETS)
