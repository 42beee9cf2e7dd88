import numpy as np
import pytest
import torch
from harness_transformers.vit_cx import clustered, feature_masks, in_unit_range, no_features, vit_cx
from sklearn.cluster import AgglomerativeClustering
from torch.nn import functional as F
from transformer_networks import TARGETS, Averaging, pictures, vit

from tests.support.networks import context, made, state


def tokens_of(network, images):
    """What goes into the last attention, on its grid, by hand."""
    kept = []
    handle = network.encoder.layers[-1].ln_1.register_forward_hook(lambda *args: kept.append(args[2]))
    network(images)
    handle.remove()
    return kept[0][:, 1:].transpose(1, 2).reshape(len(images), -1, 4, 4)


@pytest.mark.parametrize("distance", [0.15, 0.3, 0.5])
def test_clusters_are_scikit_learns(distance):
    masks = feature_masks(torch.rand(40, 4, 4, generator=torch.Generator().manual_seed(1)) ** 2, (16, 16))
    rows = masks.flatten(1).numpy()
    cosine = rows @ rows.T / np.outer(*[np.linalg.norm(rows, axis=1)] * 2)
    labels = AgglomerativeClustering(None, metric="precomputed", linkage="complete", distance_threshold=distance).fit(1 - cosine).labels_
    expected = in_unit_range(torch.stack([masks[labels == label].sum(0) for label in range(labels.max() + 1)]))
    found = clustered(masks, distance)
    assert 1 < len(found) < 40
    order = [each.flatten(1).sum(1).argsort() for each in (found, expected)]
    torch.testing.assert_close(found[order[0]], expected[order[1]])


def test_the_map_is_made_of_effects_by_hand():
    model, images = vit(), pictures()
    before = state(model)
    found = vit_cx(model, images, TARGETS, distance=0.3, noise=0.2, ctx=context(*"abc"))
    assert state(model) == before
    ctx, masks = context(*"abc"), []
    for features in tokens_of(model.module, images):
        masks.append(clustered(in_unit_range(F.interpolate(features[None], size=(32, 32), mode="bilinear")[0]), 0.3))
    noise = [0.2 * ctx.noise(images.shape[1:]) for _ in range(max(map(len, masks)))]
    for sample, own in enumerate(masks):
        assert len(own) > 1
        chance = lambda image, target=TARGETS[sample]: model(image[None]).softmax(1)[0, target]  # noqa: E731
        expected = torch.zeros(32, 32)
        for mask, drawn in zip(own, noise, strict=False):
            other = drawn[sample] * (1 - mask)
            effect = chance(images[sample] * mask + other) - chance(images[sample] + other) + chance(images[sample])
            expected += effect * mask / own.sum(0).clamp(min=1e-12)
        torch.testing.assert_close(found[sample], expected / len(own), rtol=1e-4, atol=1e-6)


def test_networks_without_normalised_tokens_need_a_layer():
    model, images = made(Averaging, size=32), pictures()
    assert "name a layer" in no_features(model)
    with pytest.raises(ValueError, match="16 tokens once"):
        vit_cx(model, images, TARGETS, layer="patches", ctx=context(*"abc"))
    assert vit_cx(model, images, TARGETS, layer="qkv", ctx=context(*"abc")).shape == (3, 32, 32)
