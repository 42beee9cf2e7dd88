"""The first explainer that is applicable, by itself and as the triad's relevance propagation on networks of several families."""

import json

import pytest
import torch
from torch import nn
from torchvision.models import SwinTransformer, VisionTransformer

import harness
from harness.api import Sample

TARGETS = torch.tensor([0, 2])


def vit():
    sizes = {"image_size": 32, "patch_size": 8, "num_layers": 2, "num_heads": 2, "hidden_dim": 16, "mlp_dim": 32}
    return VisionTransformer(**sizes, num_classes=3), "encoder.layers.encoder_layer_1.ln_1"


def swin():
    return SwinTransformer([4, 4], 8, [1, 1], [1, 2], [4, 4], num_classes=3), "permute"


def convolutions():
    layers = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3)
    return nn.Sequential(*layers), "1"


def made(network, bias=True):
    """Weights far from those of a fresh network, whose head may be 0; biases and embeddings of places are 0 without ``bias``."""
    torch.manual_seed(0)
    module, layer = network()
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.ndim > 1:
                parameter.add_(torch.randn_like(parameter) * 0.3)
            if not bias and any(part in name for part in ("bias", "pos_embedding", "class_token")):
                parameter.zero_()
    return harness.classifier(module, input_shape=(3, 32, 32), mean=[0.5] * 3, std=[0.5] * 3, cam_layer=layer)


def pictures():
    return torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(3)).clamp(-1, 1)


@pytest.mark.parametrize(("network", "rules"), [(vit, "attn-lrp"), (swin, "attn-lrp"), (convolutions, "lrp")])
def test_the_triad_propagates_relevance_by_the_rules_of_the_networks_family(network, rules):
    model = made(network)
    found = harness.explainer("triad")(model, pictures(), TARGETS)
    assert list(found.parts) == ["grad-cam", "lrp", "shap-gradient"]
    torch.testing.assert_close(found.parts["lrp"], harness.attribute(harness.explainer(rules), model, pictures(), TARGETS))
    assert found.map.flatten(1).std(dim=1).min() > 0


@pytest.mark.parametrize("network", [vit, swin])
def test_the_triads_relevance_is_conserved_on_transformers_without_biases(network):
    """Where attention's weights are constants; AttnLRP's own rule of the softmax absorbs some."""
    model = made(network, bias=False)
    rules = {"use": "first-applicable", "params": {"explainers": ["lrp", {"use": "attn-lrp", "params": {"softmax": "constant"}}]}}
    part = harness.explainer("triad", components={"lrp": rules})(model, pictures(), TARGETS).parts["lrp"]
    with torch.no_grad():
        logits = model(pictures()).gather(1, TARGETS[:, None])[:, 0]
    torch.testing.assert_close(part.sum(dim=(1, 2)), logits, rtol=1e-2, atol=1e-4)
    assert logits.abs().min() > 0.01


def test_where_none_is_applicable_each_says_why():
    none = harness.explainer("first-applicable", explainers=["guided-backprop", "attention-rollout"])
    linear = harness.classifier(nn.Sequential(nn.Flatten(), nn.Linear(3072, 3)), input_shape=(3, 32, 32), mean=[0.5] * 3, std=[0.5] * 3)
    reasons = r"guided-backprop: needs relu, and the model has none.*; attention-rollout: .*does not attend"
    with pytest.raises(ValueError, match=reasons):
        harness.attribute(none, linear, pictures(), TARGETS)
    for network, first in ((convolutions, "guided-backprop"), (vit, "attention-rollout")):
        model = made(network)
        expected = harness.attribute(harness.explainer(first), model, pictures(), TARGETS)
        torch.testing.assert_close(harness.attribute(none, model, pictures(), TARGETS), expected)


def samples():
    """Two samples."""
    return [Sample(torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(i)), i, f"s{i}") for i in range(2)]


def test_a_run_says_which_one_explains(tmp_path):
    spec = {"name": "x", "datasets": [samples], "models": [made(vit)], "metrics": ["sparseness"], "nulls": []}
    spec |= {"explainers": ["first-applicable", "attn-lrp", "triad"], "explain": {"samples": "all"}}
    run = harness.run(spec, store="memory://alternatives", out=tmp_path)
    assert not run.failures
    [group] = json.loads((tmp_path / "leaderboard.json").read_text())["groups"]
    rows = {row["label"]: row for row in group["rows"]}
    warnings = {label: row["notes"]["warnings"] for label, row in rows.items()}
    notes = {label: [note for note in said if note.startswith("attn-lrp in place of lrp: ")] for label, said in warnings.items()}
    assert notes["attn-lrp"] == [] and notes["triad"] == notes["first-applicable"] == warnings["first-applicable"]
    assert "attends over tokens" in notes["triad"][0]
    assert rows["first-applicable"]["notes"] == {**rows["attn-lrp"]["notes"], "warnings": notes["triad"]}
