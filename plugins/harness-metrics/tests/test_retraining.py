"""ROAR and KAR of networks whose answers are known, against pixels removed by hand; what trains them is tested where they are trained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from harness_metrics.faithfulness.retraining import kar, roar
from torch import nn

from harness.api import Case, Context, classifier


class Brightest(nn.Module):
    """The class is the quadrant that is brightest; of equals the first. Its input is normalised, which it takes back."""

    def forward(self, x):
        return nn.functional.avg_pool2d(x, 4).flatten(1)


def network(mean):
    return classifier(Brightest(), input_shape=(1, 8, 8), mean=[mean], std=[0.5])


@pytest.fixture
def case():
    generator = torch.Generator().manual_seed(0)
    model = classifier(Brightest(), input_shape=(1, 8, 8), mean=[0.1], std=[0.2])
    images, maps = torch.rand(6, 1, 8, 8, generator=generator), torch.randn(6, 8, 8, generator=generator)
    labels = model(model.normalise(images)).argmax(dim=1)
    ctx = Context(0, [str(place) for place in range(6)])
    return Case(model, model.normalise(images), torch.zeros(6, dtype=torch.long), maps, ctx, labels=labels)


@pytest.mark.parametrize(("metric", "sign"), [(roar, -1), (kar, 1)])
def test_the_share_of_networks_that_are_right_without_the_pixels(metric, sign, case):
    shares, means, expected = [0.25, 0.5, 0.75], [0.0, 0.4, 0.9], np.zeros(6)
    pixels = case.model.denormalise(case.images)[:, 0].double().numpy()
    for share, mean in zip(shares, means, strict=True):
        for place in range(6):
            order = np.argsort(sign * case.attributions[place].numpy().ravel())
            left = pixels[place].ravel().copy()
            left[order[: int(share * 64)]] = mean
            quadrants = left.reshape(2, 4, 2, 4).mean(axis=(1, 3)).ravel()
            expected[place] += (quadrants.argmax() == case.labels[place].item()) / 3
    found = metric(case, network=[network(mean) for mean in means], shares=shares)
    assert found.tolist() == pytest.approx(expected.tolist()) and 0 < expected.mean() < 1


def test_a_map_of_what_the_network_goes_by_is_told_from_its_opposite(case):
    """Without its brightest pixels an image is not told; without its darkest it is."""
    bright = case.model.denormalise(case.images)[:, 0]
    right, wrong = replace(case, attributions=bright), replace(case, attributions=-bright)
    options = {"network": [network(0.0)], "shares": [0.6]}
    assert roar(right, **options).mean() < roar(wrong, **options).mean()
    assert kar(right, **options).mean() > kar(wrong, **options).mean()


def test_equal_pixels_come_in_an_order_that_is_the_samples_own(case):
    """A map that is the same everywhere removes other pixels of each sample, and the same ones again."""
    flat = replace(case, attributions=torch.zeros(6, 8, 8))
    together = roar(flat, network=[network(0.0)] * 3, shares=[0.3, 0.5, 0.7])
    alone = [replace(flat, images=flat.images[[p]], attributions=flat.attributions[[p]], labels=flat.labels[[p]], targets=flat.targets[[p]],
                     ctx=Context(0, [str(p)])) for p in range(6)]  # fmt: skip
    assert torch.equal(together, torch.cat([roar(each, network=[network(0.0)] * 3, shares=[0.3, 0.5, 0.7]) for each in alone]))


def test_without_labels_or_without_a_run_there_is_no_score(case):
    assert roar(replace(case, labels=None), network=[network(0.0)], shares=[0.5]).isnan().all()
    with pytest.raises(ValueError, match="that takes a run"):
        kar(case, network=network(0.0), shares=[0.5])
