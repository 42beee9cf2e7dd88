"""Small vision transformers, and the passes of torchvision's by hand."""

import torch
from torch import Tensor, nn
from torchvision.models import MaxVit, SwinTransformer, VisionTransformer

from harness.api import Classifier
from tests.support.networks import made

TARGETS = torch.tensor([0, 2, 1])


class Averaging(nn.Module):
    """Attention of one head by operators, and the mean of all patches; no class token."""

    def __init__(self, mix="softmax", heads_first=False):
        super().__init__()
        self.patches, self.qkv, self.head = nn.Conv2d(3, 12, 8, 8), nn.Linear(12, 36), nn.Linear(12, 3)
        self.mix, self.heads_first = mix, heads_first

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        q, k, v = self.qkv(x).chunk(3, -1)
        if self.heads_first:  # as in "Attention is all you need", and split again below
            q, k, v = (torch.cat(part.chunk(2, -1)) for part in (q, k, v))
        scores = q @ k.transpose(1, 2)
        weights = scores.softmax(-1) if self.mix == "softmax" else scores.sigmoid()
        mixed = weights @ v
        return self.head((x + (torch.cat(mixed.chunk(2), -1) if self.heads_first else mixed)).mean(1))


class Windows(SwinTransformer):
    def __init__(self):
        super().__init__([4, 4], 8, [1, 1], [1, 2], [4, 4], num_classes=3)


class Blocks(MaxVit):
    def __init__(self):
        super().__init__((32, 32), 8, 4, [8, 8], [1, 1], 4, 0.0, num_classes=3)


def vit(blocks=2, heads=2, size=32) -> Classifier:
    """torchvision's, but with attention far from even and a head that is not 0: fresh weights have neither."""
    sizes = {"hidden_dim": 16, "mlp_dim": 32, "num_layers": blocks, "num_heads": heads}
    model = made(VisionTransformer, size=size, image_size=size, patch_size=8, num_classes=3, **sizes)
    with torch.no_grad():
        for name, parameter in model.module.named_parameters():
            generator = torch.Generator().manual_seed(len(name))
            if "in_proj" in name or "heads" in name or name.endswith("bias") or "class_token" in name:
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.4)
    return model


def by_hand(network: nn.Module, images: Tensor, until: int | None = None) -> tuple[Tensor, list[Tensor], Tensor]:
    """Logits of a `VisionTransformer`, its attention ``(B, heads, N, N)`` per block, and the tokens after block ``until``."""
    tokens = network.conv_proj(images).flatten(2).transpose(1, 2)
    x = torch.cat([network.class_token.expand(len(images), -1, -1), tokens], 1) + network.encoder.pos_embedding
    attention, stream = [], x
    for place, block in enumerate(network.encoder.layers):
        layer = block.self_attention
        q, k, v = (block.ln_1(x) @ layer.in_proj_weight.T + layer.in_proj_bias).chunk(3, -1)
        q, k, v = (part.unflatten(2, (layer.num_heads, -1)).transpose(1, 2) for part in (q, k, v))
        scores = torch.einsum("bhid,bhjd->bhij", q, k) / q.shape[-1] ** 0.5
        attention.append(scores.exp() / scores.exp().sum(-1, keepdim=True))
        mixed = torch.einsum("bhij,bhjd->bihd", attention[-1], v).flatten(2)
        x = x + mixed @ layer.out_proj.weight.T + layer.out_proj.bias
        x = x + block.mlp(block.ln_2(x))
        if place == until:
            stream = x
    return network.heads(network.encoder.ln(x)[:, 0]), attention, stream


def pictures(count=3, size=32) -> Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(3)).clamp(-2, 2)
