import pytest
import torch
from captum import attr
from harness_gradients.plain import gradient
from harness_gradients.smoothing import image_range, smooth_grad, square_grad, var_grad

from harness.api import Attribution
from tests.support.networks import TARGETS, context, images, linear, made

COMPONENTS = {"smoothgrad": smooth_grad, "smoothgrad_sq": square_grad, "vargrad": var_grad}


def test_the_gradient_is_captums():
    model, inputs = made(), images()
    expected = attr.Saliency(model).attribute(inputs.clone().requires_grad_(), target=TARGETS, abs=False)
    torch.testing.assert_close(gradient(model, inputs, TARGETS), expected)


@pytest.mark.parametrize("kind", COMPONENTS)
def test_equals_captums_noise_tunnel_with_the_same_noise(kind, monkeypatch):
    model, inputs, draws = made(), images(), 5
    ctx = context()
    noise = [0.3 * image_range(inputs) * ctx.noise(inputs.shape[1:]) for _ in range(draws)]
    noisy = torch.stack([inputs + drawn for drawn in noise], dim=1).flatten(0, 1)  # captum's order: all copies of an image, then the next
    monkeypatch.setattr(attr.NoiseTunnel, "_add_noise_to_input", staticmethod(lambda *_: noisy.clone()))
    tunnel = attr.NoiseTunnel(attr.Saliency(model))
    expected = tunnel.attribute(inputs, nt_type=kind, nt_samples=draws, target=TARGETS, abs=False)
    found = COMPONENTS[kind](model, inputs, TARGETS, draws=draws, noise=0.3, ctx=context())
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_without_noise_it_is_what_is_smoothed():
    model, inputs = made(), images()
    base = gradient(model, inputs, TARGETS)
    torch.testing.assert_close(smooth_grad(model, inputs, TARGETS, draws=3, noise=0.0, ctx=context()), base)
    torch.testing.assert_close(square_grad(model, inputs, TARGETS, draws=3, noise=0.0, ctx=context()), base.square())
    assert var_grad(model, inputs, TARGETS, draws=3, noise=0.0, ctx=context()).abs().max() == 0


def test_the_variance_of_large_maps_that_hardly_differ_is_kept():
    def large(model, noisy, targets, *, ctx):
        return Attribution(1e4 + noisy.sum(dim=1))

    model, _ = linear()
    inputs = images(size=8)
    found = var_grad(model, inputs, TARGETS, draws=200, noise=0.1, over=large, ctx=context(size=8))
    expected = 3 * (0.1 * image_range(inputs)[:, 0]).square().expand_as(found)
    torch.testing.assert_close(found.mean((1, 2)), expected.mean((1, 2)), rtol=0.1, atol=0)


def test_of_another_explainer_its_maps_are_averaged():
    seen = []

    def brightness(model, noisy, targets, *, ctx):
        seen.append(noisy)
        return Attribution(noisy.sum(dim=1))

    model, inputs = made(), images()
    found = smooth_grad(model, inputs, TARGETS, draws=4, noise=0.2, over=brightness, ctx=context())
    torch.testing.assert_close(found, torch.stack(seen).sum(dim=2).mean(dim=0))
    shares = (torch.stack(seen) - inputs).flatten(2).std(dim=2) / image_range(inputs).view(4)
    torch.testing.assert_close(shares, torch.full_like(shares, 0.2), rtol=0.1, atol=0)
