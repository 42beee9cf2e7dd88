"""Published sanity checks of explainers (Adebayo et al. 2018): whose maps change when the top of a trained network is made random."""

from __future__ import annotations

import torch
from harness_lesions.data import lesions
from harness_lesions.network import NarrowVGG16
from harness_lesions.vgg import lesions_vgg
from scipy.stats import spearmanr
from torch import Tensor

import harness
from harness.api import Classifier, classifier

IMAGES = 8


def with_random_head(trained: Classifier) -> Classifier:
    """The network with its three linear layers as they are drawn, and all convolutions as they were learnt."""
    random = lesions_vgg(pretrained=False, seed=3).module.state_dict()
    network = NarrowVGG16()
    network.load_state_dict(
        {name: random[name] if name.startswith("classifier.") else old for name, old in trained.module.state_dict().items()}
    )
    return classifier(network, input_shape=(3, 96, 96), mean=[0.22] * 3, std=[0.22] * 3, cam_layer=trained.cam_layer, family="vgg")


def rank_correlation(first: Tensor, second: Tensor) -> float:
    """Mean over images of Spearman's correlation of two maps each, ``(B, H, W)``."""
    return sum(float(spearmanr(a.flatten(), b.flatten())[0]) for a, b in zip(first, second, strict=True)) / len(first)


def test_guided_backprop_hardly_sees_that_the_head_is_random_and_gradient_and_grad_cam_do() -> None:
    trained, data = lesions_vgg(), lesions(samples=IMAGES)
    samples = [data[i] for i in range(IMAGES)]
    images, targets = torch.stack([trained.preprocess(each.image) for each in samples]), torch.tensor([each.label for each in samples])
    changed = with_random_head(trained)
    alike = {}
    for name in ("guided-backprop", "gradient", "saliency", "grad-cam"):
        explain = harness.explainer(name)
        alike[name] = rank_correlation(explain(trained, images, targets).map, explain(changed, images, targets).map)
    assert alike["guided-backprop"] > 0.98
    assert alike["gradient"] < 0.6
    assert alike["grad-cam"] < 0.8
    assert alike["saliency"] < 0.95
