"""ViT-CX: masks made of a transformer's patch embeddings, weighted by what they cause."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from torch import Tensor, nn
from torch.nn import functional as F

from harness.api import Classifier, Context, explainer
from harness.api.autograd_graph import trace_autograd
from harness.api.gradients import once_per_network
from harness_transformers import citations
from harness_transformers.attention_weights import AttentionRecorder, no_token_attention, token_attention

AT_ONCE = 64
"""Masked images that the model is given at once, if the batch is not larger."""


def no_features(model: Classifier, layer: str | None = None) -> str | None:
    """Reason why ``model`` has no tokens to make masks of at ``layer``, or at its last attention; None where it has."""
    if (reason := no_token_attention(model)) is not None:
        return reason
    if layer is None and _last_normalisation(model) is None:
        return "no normalised tokens go into the last attention; name a layer that returns the tokens to make masks of"
    return None


@explainer(family="attention", signed=True, cite=citations.VIT_CX)
def vit_cx(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    distance: Annotated[float, Field(ge=0, le=1)] = 0.1,
    noise: Annotated[float, Field(ge=0)] = 0.1,
    layer: str | None = None,
    ctx: Context,
) -> Tensor:
    """ViT-CX: causal effects of masks that are clusters of patch embeddings' channels (Xie et al. 2023, section 4).

    Returns ``(B, H, W)``: Σ (p(x m + n (1 − m)) − p(x + n (1 − m)) + p(x)) m / Σ m over the N masks, over N; p is the target's
    probability and n noise. A channel's embeddings, enlarged bilinearly and brought to 0 … 1, are a mask; masks whose cosine distance is
    small (complete linkage) are added, and brought to 0 … 1 again. It costs two passes per mask and one more; how many masks there are
    depends on the image.

    Args:
        distance: masks are clustered where no two differ by more.
        noise: standard deviation of the Gaussian noise that shows where a mask is 0, in units of the model's input.
        layer: the layer whose tokens make the masks, by its name; by default the normalisation before the last attention.
    """
    if (reason := no_features(model, layer)) is not None:
        raise ValueError(reason)
    with torch.no_grad():
        features, whole = _features(model, images, layer or str(_last_normalisation(model)))
        chances = model.probabilities(whole).gather(1, targets[:, None])[:, 0]
        masks = [clustered(feature_masks(each, images.shape[-2:]), distance) for each in features]
        total, most = torch.zeros_like(images[:, 0]), max(map(len, masks))
        step = max(1, AT_ONCE // (2 * len(images)))
        for begin in range(0, most, step):
            now = range(begin, min(begin + step, most))
            pairs = [(mask, sample) for mask in now for sample in range(len(images)) if mask < len(masks[sample])]
            drawn = {mask: noise * ctx.noise(images.shape[1:]).to(images) for mask in now}
            shown = torch.stack([masks[sample][mask] for mask, sample in pairs])
            others = torch.stack([drawn[mask][sample] for mask, sample in pairs]) * (1 - shown[:, None])
            chosen = torch.tensor([sample for _, sample in pairs], device=images.device)
            given = torch.cat([images[chosen] * shown[:, None] + others, images[chosen] + others])
            found = model.probabilities(model(given)).gather(1, targets[chosen].repeat(2)[:, None])[:, 0]
            kept, disturbed = found.chunk(2)
            effects = (kept - disturbed + chances[chosen]).to(shown)
            total += torch.einsum("pb,phw->bhw", F.one_hot(chosen, len(images)) * effects[:, None], shown)
        counts = torch.tensor([len(each) for each in masks], device=images.device, dtype=images.dtype)
        cover = torch.stack([each.sum(dim=0) for each in masks])
    return torch.where(cover > 0, total / cover, torch.zeros_like(total)) / counts[:, None, None]


vit_cx.applicable = no_features  # type: ignore[attr-defined]


def feature_masks(features: Tensor, size: tuple[int, int]) -> Tensor:
    """``(K, h, w)`` features of one image, each enlarged to ``size`` and brought to 0 … 1."""
    return in_unit_range(F.interpolate(features[None], size=tuple(size), mode="bilinear", align_corners=False)[0])


def clustered(masks: Tensor, distance: float) -> Tensor:
    """Sums of ``masks`` (K, H, W) in clusters in which no cosine distance is larger, ``(N, H, W)``, each brought to 0 … 1."""
    if len(masks) == 1:
        return in_unit_range(masks)
    rows = F.normalize(masks.flatten(1), dim=1)
    apart = (1 - rows @ rows.T).clamp(min=0).double().cpu().numpy()
    labels = fcluster(linkage(squareform(apart, checks=False), "complete"), distance, "distance")
    clusters = F.one_hot(torch.as_tensor(labels - 1, device=masks.device, dtype=torch.long)).to(masks)
    return in_unit_range(torch.einsum("kn,khw->nhw", clusters, masks))


def in_unit_range(masks: Tensor) -> Tensor:
    """Each of ``(K, H, W)`` from 0 to 1; 0 where all are equal."""
    low, high = masks.amin((1, 2), keepdim=True), masks.amax((1, 2), keepdim=True)
    return (masks - low) / torch.where(high > low, high - low, torch.ones_like(high))


def _features(model: Classifier, images: Tensor, layer: str) -> tuple[Tensor, Tensor]:
    """What the layer returns, on the grid of tokens ``(B, K, h, w)``, and the logits."""
    made: list[Tensor] = []
    handle = model.layer(layer).register_forward_hook(lambda module, args, output: made.append(output))
    try:
        logits = model(images)
    finally:
        handle.remove()
    found = token_attention(model)
    if len(made) != 1 or not isinstance(made[0], Tensor) or made[0].ndim != 3 or made[0].shape[1] != found.tokens:
        raise ValueError(f"layer {layer!r} does not return the {found.tokens} tokens once; choose another with `layer`")
    before, (rows, columns) = found.layout.before, found.layout.grid
    return made[0][:, before : before + rows * columns].transpose(1, 2).unflatten(2, (rows, columns)), logits


@once_per_network
def _last_normalisation(model: Classifier) -> str | None:
    """The normalisation of tokens that is nearest before the last attention, by name."""
    image = torch.rand(1, *model.input_shape, generator=torch.Generator().manual_seed(0)).to(model.device, model.dtype)
    recorder = AttentionRecorder()

    def forward(images: Tensor) -> Tensor:
        with recorder:
            return model(images)

    flow = trace_autograd(forward, model.module, image)
    last = flow.order[recorder.weights[-1].grad_fn]  # type: ignore[index]
    found = {
        flow.order[call.output.node]: call.name
        for call in flow.calls
        if isinstance(call.module, nn.LayerNorm) and call.output is not None and call.output.node in flow.order
    }
    return min(((place, name) for place, name in found.items() if place > last), default=(0, None))[1]
