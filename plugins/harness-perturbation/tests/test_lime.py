import pytest
import torch
from captum import attr
from captum._utils.models.linear_model import SkLearnLinearModel
from harness_perturbation.lime import lime, ridge
from harness_perturbation.regions import find_regions
from sklearn.linear_model import Ridge
from sklearn.metrics import pairwise_distances

from tests.support.networks import TARGETS, context, counted, images, linear, made


def samples_of(regions, count):
    streams = context().fresh("call: shared by all samples").about([f"stream {number}" for number in range(regions)])
    kept = streams.uniform((count,)).T < 0.5
    kept[0] = True
    return kept


@pytest.mark.parametrize("kind", ["slic", "grid"])
def test_equals_ridge_regression_of_what_the_model_says(kind):
    """As the authors' package does it: samples, cosine distances, kernel, and scikit-learn's regression."""
    model, inputs = made(), images()
    found = lime(model, inputs, TARGETS, samples=60, regions=kind, segments=16, ctx=context())
    regions = find_regions(model, inputs, kind, 16)
    for i in range(4):
        labels = regions.labels.expand(4, -1, -1)[i]
        count = int(labels.max()) + 1
        kept = samples_of(count, 60)
        means = torch.stack([inputs[i][:, labels == region].mean(1) for region in range(count)], dim=1)
        shown = torch.stack([torch.where(row[labels], inputs[i], means[:, labels]) for row in kept])
        with torch.no_grad():
            values = model(shown).softmax(1)[:, TARGETS[i]].double().numpy()
        inside = kept.double().numpy()
        distances = pairwise_distances(inside, inside[:1], metric="cosine").ravel()
        weights = -(distances**2) / 0.25**2 / 2
        fitted = Ridge(alpha=1.0).fit(inside, values, sample_weight=torch.from_numpy(weights).exp().numpy())
        torch.testing.assert_close(found[i], torch.from_numpy(fitted.coef_)[labels].float(), rtol=1e-3, atol=1e-6)


def test_equals_captums_lime_with_the_same_samples():
    model, inputs = made(), images(1)
    found = lime(model, inputs, TARGETS[:1], samples=80, regions="grid", segments=16, baseline="black", output="logit", ctx=context("a"))
    labels = find_regions(model, inputs, "grid", 16).labels

    def samples(*_, **__):
        yield from samples_of(16, 80)[:, None].long()

    def weights(_, __, kept, **___):
        distance = 1 - torch.nn.functional.cosine_similarity(kept.float(), torch.ones_like(kept).float(), eps=1e-12)
        return torch.exp(-(distance**2) / (2 * 0.25**2))

    method = attr.Lime(model, SkLearnLinearModel("linear_model.Ridge", alpha=1.0), similarity_func=weights, perturb_func=samples)
    expected = method.attribute(
        inputs, baselines=model.reference("black", inputs), target=TARGETS[:1], feature_mask=labels[:, None], n_samples=80
    )
    torch.testing.assert_close(found, expected[:, 0], rtol=1e-3, atol=1e-5)


def test_of_a_linear_model_it_is_what_each_region_adds():
    model, weights = linear()
    inputs = images(size=8)
    found = lime(
        model, inputs, TARGETS, samples=200, regions="grid", segments=16, baseline="zero", penalty=1e-6, output="logit", ctx=context()
    )
    terms = (inputs * weights[TARGETS]).sum(dim=1).unfold(1, 2, 2).unfold(2, 2, 2).sum((-1, -2))
    torch.testing.assert_close(found[:, ::2, ::2], terms, rtol=1e-2, atol=1e-4)


def test_regions_that_an_image_lacks_change_nothing():
    generator = torch.Generator().manual_seed(0)
    kept, values = torch.rand(1, 30, 5, generator=generator) < 0.5, torch.rand(1, 30, generator=generator)
    more = torch.cat([kept, torch.zeros_like(kept[..., :2])], dim=2)
    weights = torch.rand(1, 30, generator=generator)
    expected, found = ridge(kept, values, weights, 1.0), ridge(more, values, weights, 1.0)
    torch.testing.assert_close(found, torch.nn.functional.pad(expected, (0, 2)))


def test_as_many_passes_as_declared():
    model = made()
    with counted(model) as rows:
        lime(model, images(), TARGETS, samples=23, ctx=context())
    assert sum(rows) == 4 * 23
