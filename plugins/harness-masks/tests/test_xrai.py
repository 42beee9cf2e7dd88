import numpy as np
import pytest
import torch
from harness_masks.segments import grown, overlapping_segments
from harness_masks.xrai import integrated_from_black_and_white, joined_regions, xrai

from harness.api.target_logits import target_gradients
from tests.support.networks import TARGETS, context, counted, linear, made

saliency = pytest.importorskip("saliency.core")
library = pytest.importorskip("saliency.core.xrai")


def smooth_images(count, size):
    coarse = torch.rand(count, 3, 5, 5, generator=torch.Generator().manual_seed(2))
    return torch.nn.functional.interpolate(coarse, (size, size), mode="bicubic").clamp(0, 1) * 4 - 2


def picture(model, image):
    return model.denormalise(image).permute(1, 2, 0).double().numpy()


def test_segments_are_the_librarys():
    model, image = made(size=48), smooth_images(1, 48)[0]
    found = overlapping_segments(picture(model, image), 5)
    expected = library._get_segments_felzenszwalb(picture(model, image))
    assert len(found) == len(expected) > 12
    np.testing.assert_array_equal(found.numpy(), np.stack(expected))


def test_growing_is_by_a_disc():
    segment = torch.zeros(1, 9, 9, dtype=torch.bool)
    segment[0, 4, 4] = True
    assert grown(segment, 2).sum() == 13 and grown(segment, 0) is segment


@pytest.mark.parametrize("smallest", [1, 50])
def test_regions_are_joined_as_by_the_library(smallest):
    generator = np.random.default_rng(0)
    attribution = generator.normal(size=(20, 24))
    segments = np.stack([np.abs(generator.integers(-3, 20) - np.arange(20))[:, None] + np.abs(x - np.arange(24)) < 7 for x in range(24)])
    expected, _ = saliency.XRAI._xrai(attribution, list(segments), min_pixel_diff=smallest)
    np.testing.assert_allclose(joined_regions(segments, attribution, smallest), expected, atol=1e-12)


def test_equals_the_library_given_the_same_gradients():
    model, inputs = made(size=48), smooth_images(2, 48)
    found = xrai(model, inputs, TARGETS[:2], steps=20, ctx=context("a", "b", size=48))
    base = integrated_from_black_and_white(model, inputs, TARGETS[:2], 20).permute(0, 2, 3, 1).double().numpy()
    for i in range(2):
        expected = saliency.XRAI().GetMask(picture(model, inputs[i]), None, base_attribution=base[i])
        np.testing.assert_allclose(found[i].numpy(), expected, rtol=1e-4, atol=1e-7)


def test_the_gradients_are_the_librarys():
    model, image = made(), smooth_images(1, 16)[0]

    def call(values, call_model_args=None, expected_keys=None):
        batch = model.normalise(torch.from_numpy(np.asarray(values)).permute(0, 3, 1, 2).float().contiguous())
        gradients, _ = target_gradients(model, batch, torch.full((len(batch),), 2))
        return {saliency.INPUT_OUTPUT_GRADIENTS: (gradients / 0.25).permute(0, 2, 3, 1).numpy()}

    shown = picture(model, image)
    paths = [saliency.IntegratedGradients().GetMask(shown, call, x_baseline=np.full_like(shown, x), x_steps=200) for x in (0, 1)]
    found = integrated_from_black_and_white(model, image[None], torch.tensor([2]), 100)[0].permute(1, 2, 0)
    expected = torch.from_numpy(np.mean(paths, axis=0)).float()
    assert (found - expected).norm() < 0.02 * expected.norm()


def test_of_a_linear_model_attributions_are_terms_from_the_middle():
    model, weights = linear(size=8)
    inputs = smooth_images(4, 8)
    found = integrated_from_black_and_white(model, inputs, TARGETS, 3)
    torch.testing.assert_close(found, inputs * weights[TARGETS], rtol=1e-3, atol=1e-5)


def test_one_colour_is_one_region():
    model = made(size=48)
    found = xrai(model, torch.zeros(1, 3, 48, 48), TARGETS[:1], steps=2, ctx=context("a", size=48))
    assert found.isfinite().all() and found.unique().numel() == 1


def test_as_many_passes_as_declared():
    model = made(size=48)
    with counted(model) as rows:
        xrai(model, smooth_images(1, 48), TARGETS[:1], steps=5, ctx=context("a", size=48))
    assert sum(rows) == 4 * 5
