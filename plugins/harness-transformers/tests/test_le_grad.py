import pytest
import torch
from harness_transformers.le_grad import le_grad, no_blocks
from torch import nn
from transformer_networks import TARGETS, Averaging, by_hand, pictures, vit

from tests.support.networks import counted, made, state


def gradients_by_hand(network, images, block, pooled):
    """Mean over heads and queries of the positive gradients at one block's attention, of the head's score of its tokens."""
    _, attention, tokens = by_hand(network, images.clone().requires_grad_(), until=block)
    read = tokens.mean(1) if pooled else tokens[:, 0]
    logits = network.heads(network.encoder.ln(read))
    (gradient,) = torch.autograd.grad(logits.gather(1, TARGETS[:, None]).sum(), attention[block])
    return torch.stack([gradient[:, :, query].clamp(min=0).mean(1) for query in range(17)]).mean(0)


@pytest.mark.parametrize("pooled", [True, False])
def test_gradients_of_each_blocks_own_score_are_added(pooled):
    model, images = vit(blocks=3), pictures()
    before = state(model)
    parts = [gradients_by_hand(model.module, images, block, pooled)[:, 1:] for block in range(3)]
    pool = "mean" if pooled else "read"
    assert no_blocks(model) is None
    with counted(model) as rows:
        found = le_grad(model, images, TARGETS, pool=pool).map.flatten(1)
    assert sum(rows) == 2 * len(images)
    torch.testing.assert_close(found, sum(parts), rtol=1e-4, atol=1e-7)
    found = le_grad(model, images, TARGETS, start=1, pool=pool).map.flatten(1)
    torch.testing.assert_close(found, parts[1] + parts[2], rtol=1e-4, atol=1e-7)
    assert (parts[0] > 0).any()
    assert state(model) == before


class Straight(nn.Module):
    """Attention without a way past it."""

    def __init__(self):
        super().__init__()
        self.patches, self.head = nn.Conv2d(3, 12, 8, 8), nn.Linear(12, 3)
        self.attention = nn.MultiheadAttention(12, 2, batch_first=True)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        return self.head(self.attention(x, x, x)[0].mean(1))


def test_a_network_without_residuals_is_refused():
    model = made(Straight, size=32)
    assert "no sum behind" in no_blocks(model)
    with pytest.raises(ValueError, match="no sum"):
        le_grad(model, pictures(), TARGETS)
    assert no_blocks(made(Averaging, size=32)) is None
