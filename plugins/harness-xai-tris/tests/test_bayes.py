"""The Bayes-optimal classifier of the linear scenario: that it is right as often as can be, and what it uses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from harness_xai_tris.backgrounds import drawn_by, smoothing
from harness_xai_tris.bayes import Noise, log_odds, xai_tris_bayes
from harness_xai_tris.data import xai_tris
from harness_xai_tris.mixing import LEVELS, bound, mixed
from harness_xai_tris.tetrominoes import pattern
from scipy import stats
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from harness.api import Classifier


def logits(model: Classifier, background: Noise, **options: object) -> tuple[torch.Tensor, torch.Tensor]:
    data = xai_tris(background=background, **options)
    samples = [data[i] for i in range(len(data))]
    with torch.no_grad():
        return model(torch.stack([model.preprocess(sample.image) for sample in samples])), torch.tensor(
            [sample.label for sample in samples]
        )


@pytest.mark.parametrize("alpha", [0.1, 0.18])
def test_accuracy_is_that_of_two_gaussians(alpha: float) -> None:
    """Φ(d / 2), d the distance of the means in deviations: on white noise that of two tetrominoes of four pixels each."""
    found, labels = logits(xai_tris_bayes(alpha=alpha), "white", samples=2000, alpha=alpha)
    right = (found.argmax(1) == labels).double().mean().item()
    distance = alpha / (1 - alpha) * 8 * np.sqrt(2)
    expected = stats.norm.cdf(distance / 2)
    assert right == pytest.approx(expected, abs=3.5 * np.sqrt(expected * (1 - expected) / 2000))


@pytest.mark.parametrize("background", ["white", "correlated"])
def test_log_odds_are_calibrated(background: Noise) -> None:
    """Of images with log odds z a share of 1 / (1 + e⁻ᶻ) is of the second class; a hundredth of the paper's α keeps it in doubt."""
    alpha = 0.1 if background == "white" else 0.0015
    found, labels = logits(xai_tris_bayes(background=background, alpha=alpha), background, samples=2500, alpha=alpha)
    probability = torch.softmax(found.double(), 1)[:, 1]
    for low, high in ((0.02, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 0.98)):
        chosen = (probability >= low) & (probability < high)
        assert chosen.sum() > 60
        expected, share = probability[chosen].mean().item(), labels[chosen].double().mean().item()
        assert share == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / chosen.sum().item()) + 0.02)


def test_on_white_noise_weights_lie_on_the_tetrominoes_alone() -> None:
    mask = xai_tris()[0].mask.numpy()
    weights, _ = log_odds("white", 0.18, 8)
    assert (weights[mask] != 0).all() and not weights[~mask].any()
    assert len(np.unique(np.abs(weights[mask]))) == 1


def test_on_correlated_noise_weights_lie_outside_too_and_the_pattern_does_not() -> None:
    """Suppressors: half of the weights are on pixels without the class. Σ w, the pattern (Haufe et al. 2014), has none there."""
    mask = xai_tris()[0].mask.numpy()
    weights, _ = log_odds("correlated", 0.0125, 8)
    assert np.abs(weights[~mask]).sum() > 0.4 * np.abs(weights).sum()
    both = np.kron(smoothing(8), smoothing(8))
    step = 2 * bound("linear", "correlated", 0.0125, 8) / LEVELS
    covariance = (1 - 0.0125) ** 2 * both @ both.T / np.trace(both @ both.T) + step**2 / 12 * np.eye(64)
    pattern_of_weights = (covariance @ weights.ravel()).reshape(8, 8)
    assert np.abs(pattern_of_weights[~mask]).max() < 1e-9
    assert np.abs(pattern_of_weights[mask]) == pytest.approx(0.0125 / 2)


def test_weights_are_those_of_a_discriminant_analysis() -> None:
    """scikit-learn's LDA, fitted on very many images, has the same direction."""
    draw = drawn_by("white", 8, None)
    generators = [np.random.default_rng(i) for i in range(8000)]
    values = np.stack([mixed("linear", pattern("linear", 8, i, g), draw(g), 0.18, 8).ravel() for i, g in enumerate(generators)])
    fitted = LinearDiscriminantAnalysis().fit(values, np.arange(8000) % 2).coef_.ravel()
    ours = log_odds("white", 0.18, 8)[0].ravel()
    assert fitted @ ours / np.linalg.norm(fitted) / np.linalg.norm(ours) > 0.98
    assert np.linalg.norm(fitted) == pytest.approx(np.linalg.norm(ours), rel=0.1)


def test_large_images() -> None:
    found, labels = logits(xai_tris_bayes(size=64), "white", samples=300, size=64)
    assert (found.argmax(1) == labels).float().mean() > 0.85
