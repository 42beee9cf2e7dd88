import numpy as np
import torch
from harness_perturbation.patch_model import PatchModel, conditional, fit_patches
from harness_perturbation.prediction_difference import passes, prediction_difference
from torch import nn

from harness.api import Context, classifier
from tests.support.networks import TARGETS, context, counted, images, made


def with_training(training, *ids):
    return Context(0, list(ids or "abcd"), training=lambda n: training[:n])


def test_of_training_images_of_one_colour_it_is_the_evidence_lost_under_that_colour():
    model, inputs = made(), images()
    colour = torch.tensor([0.3, -0.4, 0.9])
    training = colour.view(3, 1, 1).expand(5, 3, 16, 16)
    found = prediction_difference(
        model, inputs, TARGETS, window=5, stride=4, samples=2, patches=10, background=5, training_size=1000, ctx=with_training(training)
    )

    def bits(logits):
        p = (logits.softmax(1)[range(4), TARGETS].double() * 1000 + 1) / 1003
        return (p / (1 - p)).log2()

    total, count = torch.zeros(4, 16, 16, dtype=torch.float64), torch.zeros(16, 16)
    with torch.no_grad():
        for top in (0, 4, 8, 11):
            for left in (0, 4, 8, 11):
                covered = inputs.clone()
                covered[..., top : top + 5, left : left + 5] = colour.view(3, 1, 1)
                total[:, top : top + 5, left : left + 5] += (bits(model(inputs)) - bits(model(covered)))[:, None, None]
                count[top : top + 5, left : left + 5] += 1
    torch.testing.assert_close(found, (total / count).float(), rtol=1e-3, atol=1e-4)


def test_unknown_pixels_have_the_mean_probability_of_what_they_could_be():
    """Pixels of noise depend on nothing around them: the expectation is over their own distribution, and of probabilities, not of odds."""

    class Pixel(nn.Module):
        def forward(self, x):
            return torch.stack([4 * x[:, 0, 5, 6] + 2, torch.zeros_like(x[:, 0, 0, 0])], dim=1)

    model = classifier(Pixel(), input_shape=(1, 12, 12), mean=[0.0], std=[1.0])
    training = torch.rand(200, 1, 12, 12, generator=torch.Generator().manual_seed(0)) * 2 - 1
    inputs, target = torch.zeros(1, 1, 12, 12), torch.zeros(1, dtype=torch.int64)
    inputs[..., 5, 6] = 0.8
    options = {"window": 1, "stride": 1, "padding": 1, "samples": 4000, "patches": 20000, "background": 200}
    found = prediction_difference(model, inputs, target, **options, ctx=with_training(training, "a"))[0]
    others = found.clone()
    others[5, 6] = 0
    assert others.abs().max() < 1e-4
    drawn = np.random.default_rng(0).normal(scale=1 / np.sqrt(3), size=10**6).clip(-1, 1)
    p = (1 / (1 + np.exp(-4 * drawn - 2))).mean()
    assert abs(float(found[5, 6]) - (5.2 / np.log(2) - np.log2(p / (1 - p)))) < 0.1


def test_what_follows_from_around_the_window_is_no_evidence():
    """Rows of one colour, which a window's left and right neighbours give away, at every border too; columns of one colour are unknown."""
    model, generator = made(), torch.Generator().manual_seed(0)
    training = torch.randn(64, 3, 16, 1, generator=generator).expand(64, 3, 16, 16)
    stripes = torch.randn(4, 3, 16, 1, generator=generator).clamp(-2, 2).expand(4, 3, 16, 16).contiguous()
    options = {"window": 4, "stride": 2, "padding": 2, "patches": 2000}
    seen = [stripes, stripes.mT.contiguous()]
    known, unknown = (prediction_difference(model, inputs, TARGETS, **options, ctx=with_training(training)) for inputs in seen)
    assert 20 * known.abs().max() < unknown.abs().max()


def test_given_the_others_pixels_are_as_the_precision_matrix_says():
    generator = torch.Generator().manual_seed(0)
    factor = torch.randn(2, 9, 9, generator=generator, dtype=torch.float64)
    covariance, mean = factor @ factor.mT + torch.eye(9), torch.randn(2, 9, generator=generator, dtype=torch.float64)
    bound = torch.zeros(2, 1)
    found = conditional(PatchModel(mean, covariance, bound, bound), torch.tensor([4, 1, 7]))
    precision = covariance.inverse()
    own = precision[:, [4, 1, 7]][:, :, [4, 1, 7]].inverse()
    torch.testing.assert_close(found.root @ found.root.mT, own, rtol=1e-4, atol=1e-4)
    patches, others = torch.randn(5, 2, 9, generator=generator, dtype=torch.float64), [0, 2, 3, 5, 6, 8]
    moved = own @ precision[:, [4, 1, 7]][:, :, others] @ (patches - mean)[..., others, None]
    torch.testing.assert_close(found.mean(patches), mean[:, [4, 1, 7]] - moved[..., 0], rtol=1e-4, atol=1e-4)


def test_patches_have_numpys_mean_and_covariance():
    pictures, corners = images(6, 8), torch.tensor([[0.0, 0.0], [0.99, 0.5], [0.2, 0.99]])
    found = fit_patches(pictures, 3, corners)
    for channel in range(3):
        cut = [pictures[:, channel, top : top + 3, left : left + 3].flatten(1) for top, left in ((0, 0), (5, 3), (1, 5))]
        rows = torch.cat(cut).double().numpy()
        np.testing.assert_allclose(found.mean[channel], rows.mean(0), atol=1e-8)
        np.testing.assert_allclose(found.covariance[channel], np.cov(rows.T, bias=True), atol=1e-8)
    assert found.low.flatten().tolist() == pictures.amin((0, 2, 3)).tolist()


def test_as_many_passes_as_declared():
    model, options = made(), {"window": 4, "stride": None, "samples": 3}
    with counted(model) as rows:
        prediction_difference(model, images(), TARGETS, **options, patches=100, ctx=context())
    assert sum(rows) == 4 * passes(options, 16) == 4 * (49 * 3 + 1)
