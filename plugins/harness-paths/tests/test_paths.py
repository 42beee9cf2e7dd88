import numpy as np
import pytest
import torch
from captum import attr
from harness_paths.blur_ig import blur_ig
from harness_paths.guided_ig import guided_ig
from harness_paths.idgi import idgi
from scipy import ndimage

from harness.api.blurring import zero_bordered_blur
from harness.api.target_logits import target_gradients, target_logits
from tests.support.networks import TARGETS, images, linear, made

saliency = pytest.importorskip("saliency.core")


def pairs_model(model, target):
    """What the PAIR library calls a model: gradients of one class for a batch of images with channels last."""

    def call(values, call_model_args=None, expected_keys=None):
        inputs = torch.from_numpy(np.asarray(values)).permute(0, 3, 1, 2).float().contiguous()  # another layout breaks pooling's ties anew
        gradients, _ = target_gradients(model, inputs, torch.full((len(inputs),), int(target)))
        return {saliency.INPUT_OUTPUT_GRADIENTS: gradients.permute(0, 2, 3, 1).numpy()}

    return call


def channels_last(image):
    return image.permute(1, 2, 0).numpy().astype(np.float64)


@pytest.mark.parametrize("sigma", [0.3, 1.5, 12.0])
def test_the_blur_is_scipys(sigma):
    inputs = images(2, size=16)
    expected = ndimage.gaussian_filter(inputs.numpy().astype(np.float64), sigma=[0, 0, sigma, sigma], mode="constant")
    np.testing.assert_allclose(zero_bordered_blur(inputs, sigma).numpy(), expected, rtol=1e-4, atol=1e-6)


def test_blur_ig_of_a_linear_model_is_what_blurring_takes_away():
    model, weights = linear()
    inputs = images(size=8)
    found = blur_ig(model, inputs, TARGETS, steps=5, max_sigma=3.0)
    torch.testing.assert_close(found.map, (inputs - zero_bordered_blur(inputs, 3.0)) * weights[TARGETS], rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(found.map.sum((1, 2, 3)), found.expected, rtol=1e-3, atol=1e-4)


def test_blur_ig_comes_to_the_librarys_map_with_more_steps():
    model, inputs = made(), images(2)
    found = blur_ig(model, inputs, TARGETS[:2], steps=400, max_sigma=5.0).map
    for i in range(2):
        library = saliency.BlurIG().GetMask(
            channels_last(inputs[i]), pairs_model(model, TARGETS[i]), max_sigma=5.0, steps=400, grad_step=1e-3, batch_size=1
        )
        expected = torch.from_numpy(library).permute(2, 0, 1).float()
        assert (found[i] - expected).norm() < 0.1 * expected.norm()


@pytest.mark.parametrize("fraction, max_distance", [(0.25, 0.02), (0.1, 0.3), (0.5, 1.0)])
def test_guided_ig_is_the_librarys(fraction, max_distance, monkeypatch):
    quantile = np.quantile
    monkeypatch.setattr(np, "quantile", lambda a, q, interpolation="linear": quantile(a, q, method=interpolation))  # as NumPy calls it now
    model, inputs = made(size=8), images(size=8)
    references = model.reference("white", inputs)
    found = guided_ig(model, inputs, TARGETS, steps=20, fraction=fraction, max_distance=max_distance, baseline="white").map
    for i in range(4):
        library = saliency.GuidedIG().GetMask(
            channels_last(inputs[i]),
            pairs_model(model, TARGETS[i]),
            x_baseline=channels_last(references[i]),
            x_steps=20,
            fraction=fraction,
            max_dist=max_distance,
        )
        torch.testing.assert_close(found[i], torch.from_numpy(library).permute(2, 0, 1).float(), rtol=1e-3, atol=1e-5)


def test_guided_ig_that_may_not_leave_the_straight_path_is_integrated_gradients():
    model, inputs = made(), images()
    found = guided_ig(model, inputs, TARGETS, steps=12, max_distance=0.0)
    expected = attr.IntegratedGradients(model).attribute(
        inputs, baselines=model.reference("black", inputs), target=TARGETS, n_steps=12, method="riemann_left"
    )
    torch.testing.assert_close(found.map, expected, rtol=1e-3, atol=1e-5)


def test_gradients_at_both_ends_make_guided_ig_add_up_and_more_steps_do_not():
    model, inputs = made(), images()

    def miss(**params):
        found = guided_ig(model, inputs, TARGETS, **params)
        return float((found.map.sum((1, 2, 3)) - found.expected).abs().mean() / found.expected.abs().mean())

    assert miss(steps=128) > miss(steps=32) > 0.05
    assert miss(steps=128, rule="trapezoid") < miss(steps=128) / 3


def test_an_image_that_is_its_reference_has_an_empty_map():
    model = made()
    black = model.reference("black", images(2))
    found = guided_ig(model, black, TARGETS[:2], steps=3)
    assert found.map.abs().max() == 0
    assert found.expected.abs().max() < 1e-5


@pytest.mark.parametrize("path", ["straight", "guided", "blur"])
def test_idgi_adds_up_to_the_last_digit_whatever_the_steps(path):
    model, inputs = made(), images()
    found = idgi(model, inputs, TARGETS, path=path, steps=2)
    torch.testing.assert_close(found.map.sum((1, 2, 3)), found.expected, rtol=1e-4, atol=1e-5)
    start = zero_bordered_blur(inputs, 16 * 50 / 224) if path == "blur" else model.reference("black", inputs)
    expected = target_logits(model, inputs, TARGETS) - target_logits(model, start, TARGETS)
    torch.testing.assert_close(found.expected, expected, rtol=1e-4, atol=1e-5)


def test_idgi_divides_each_change_by_squared_gradients():
    model, weights = linear()
    inputs = images(size=8)
    found = idgi(model, inputs, TARGETS, steps=3)
    shares = weights.square() / weights.square().sum((1, 2, 3), keepdim=True)
    torch.testing.assert_close(found.map, shares[TARGETS] * found.expected.view(-1, 1, 1, 1), rtol=1e-3, atol=1e-6)
    model = made()
    points = [model.reference("black", inputs := images(1)), inputs]
    gradients, before = target_gradients(model, points[0], TARGETS[:1])
    expected = gradients**2 / (gradients**2).sum() * (target_logits(model, inputs, TARGETS[:1]) - before)
    torch.testing.assert_close(idgi(model, inputs, TARGETS[:1], steps=1).map, expected, rtol=1e-3, atol=1e-6)
