"""The components that this repository ships, and what parameters those need that cannot do without, or take long."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from harness.api.declarations import Kind
from harness.registry.distributions import find_plugin_distributions
from tests.support.published_trees import BUILDERS, made

ROOT = Path(__file__).parents[2]
DISTRIBUTIONS = {canonicalize_name(folder.name) for folder in (ROOT / "plugins").iterdir() if (folder / "pyproject.toml").is_file()}
MORE: dict[str, dict[str, Any]] = {
    "cheng-tumours": {"split": "train"},
    "nih-chest-xray": {"split": "train", "images": "single"},
    "pascal-voc": {"images": "each"},
}
"""What gives data sets of small trees enough samples for every check."""
PARAMS: dict[str, dict[str, Any]] = {
    "harness-torchvision/torchvision": {"arch": "resnet18", "input_size": 64, "num_classes": 10},
    "harness-torchvision/trained": {
        "arch": "digits-cnn",
        "data": {"use": "digits", "params": {"split": "train", "samples": 60}},
        "epochs": 1,
    },
    "harness-mosaics/grid-mosaic": {"of": {"use": "digits", "params": {"samples": 120}}, "side": 2},
    "harness-torchvision/image-folder": {"root": str(ROOT / "tests" / "fixtures" / "pictures")},
    **{f"harness-published-data/{name}": {"root": made(name), **MORE.get(name, {})} for name in BUILDERS},
    "harness-perturbation/occlusion": {"window": 8, "stride": 4},
    "harness-cam/ss-cam": {"draws": 2},
    "harness-cam/is-cam": {"steps": 2},
    "harness-cam/smooth-grad-cam++": {"draws": 2},
    "harness-cam/opti-cam": {"steps": 4},
    "harness-cam/cameras": {"sizes": 2},
    "harness-gradients/smooth-grad": {"draws": 3},
    "harness-gradients/square-grad": {"draws": 3},
    "harness-gradients/var-grad": {"draws": 3},
    "harness-gradients/noise-grad": {"draws": 2},
    "harness-gradients/fusion-grad": {"draws": 2, "image_draws": 2},
    "harness-gradients/integrated-hessians": {"steps": 3},
    "harness-paths/blur-ig": {"steps": 64},
    "harness-paths/guided-ig": {"steps": 4},
    "harness-paths/idgi": {"steps": 4},
    "harness-paths/adversarial-gradient-integration": {"classes": 2, "steps": 2},
    "harness-paths/boundary-ig": {"steps": 4, "search": 4},
    "harness-perturbation/rise": {"masks": 40},
    "harness-perturbation/lime": {"samples": 40, "segments": 8},
    "harness-perturbation/feature-ablation": {"segments": 8},
    "harness-perturbation/kernel-shap": {"samples": 40, "segments": 8},
    "harness-perturbation/partition-shap": {"evaluations": 32},
    "harness-perturbation/prediction-difference": {"window": 8, "stride": 8, "padding": 1, "samples": 3, "patches": 500},
    "harness-perturbation/shapley-sampling": {"permutations": 3, "segments": 6},
    "harness-perturbation/exact-shapley": {"segments": 4},
    "harness-masks/sobol": {"cells": 4, "designs": 4},
    "harness-masks/extremal-perturbation": {"steps": 4},
    "harness-masks/meaningful-perturbation": {"steps": 4},
    "harness-masks/smallest-sufficient-region": {"steps": 4},
    "harness-masks/smallest-destroying-region": {"steps": 4},
    "harness-masks/xrai": {"steps": 4, "side": 64},
    "harness-masks/information-bottleneck": {"steps": 3, "draws": 2, "samples": 16},
    "harness-masks/fgvis": {"steps": 4},
    "harness-masks/hsic": {"cells": 4, "masks": 40},
    "harness-transformers/transition-attention": {"steps": 3},
    "harness-transformers/beyond-intuition": {"steps": 3, "start": 0},
    "harness-transformers/bidirectional-attention": {"steps": 3, "start": 0},
    "harness-backprop/pattern-net": {"samples": 48},
    "harness-backprop/pattern-attribution": {"samples": 48},
    "harness-metrics/data-randomisation": {"epochs": 10},
    "harness-metrics/smooth-mprt": {"samples": 8},
    "harness-metrics/gef": {"levels": 3, "draws": 2, "greatest": 0.5},
    "harness-metrics/di-part": {"side": 2, "confidence": 0},
    "harness-metrics/grid-pointing-game": {"side": 2, "confidence": 0},
    "harness-quantus/quantus": {"metric": "Pixel-Flipping", "arguments": {"features_in_step": 64}},
}


def kinds() -> set[Kind]:
    """The kinds of what is shipped."""
    return {
        entry.kind for item in find_plugin_distributions()[0] if canonicalize_name(item.name) in DISTRIBUTIONS for entry in item.entries
    }


def names(kind: Kind | None = None) -> list[str]:
    """``distribution/name`` of each, or of each of a kind."""
    found = [
        (item.name, entry)
        for item in find_plugin_distributions()[0]
        if canonicalize_name(item.name) in DISTRIBUTIONS
        for entry in item.entries
    ]
    return sorted({f"{distribution}/{entry.name}" for distribution, entry in found if kind in (None, entry.kind)})
