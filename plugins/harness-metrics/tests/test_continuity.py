from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import quantus
import torch
from harness_metrics.robustness.continuity import continuity, shifts, translated
from torch import nn

from harness.api import Attribution, Case, Context

RAMP = torch.linspace(-0.1, 0.1, 9)


class Cubes:
    """An explanation that is signed, not linear, and constant for no image (on which Quantus raises)."""

    def __call__(self, model, images, targets, *, ctx):
        return Attribution((images[:, 0] - 0.4) ** 3 + RAMP)


def quantus_score(case, i, explain, **params):
    scores = quantus.Continuity(disable_warnings=True, **params)(
        model=nn.Sequential(nn.Flatten(), nn.Linear(63, 2)).eval(),
        x_batch=case.images[i : i + 1].numpy(),
        y_batch=np.array([0]),
        explain_func=lambda model, inputs, targets, **_: explain(inputs),
        channel_first=True,
    )
    return float(scores[0])


@pytest.fixture
def case(linear_classifier):
    images = torch.rand(3, 1, 7, 9, generator=torch.Generator().manual_seed(0))
    images[:, :, 0, 0] = 0  # Quantus's black is the least value of each image
    ctx = Context(seed=0, ids=list("abc"), purpose="score")
    maps = (images[:, 0] - 0.4) ** 3 + RAMP
    return Case(linear_classifier(torch.ones(1, 7, 9)), images, torch.zeros(3, dtype=torch.long), maps, ctx, explainer=Cubes())


@pytest.mark.parametrize("steps", [3, 6, 18])
@pytest.mark.parametrize(("normalise", "absolute"), [(False, False), (True, False), (True, True)])
def test_equals_quantus(steps, normalise, absolute, case):
    scores = continuity(case, steps=steps, normalise=normalise, absolute=absolute)
    for i in range(3):
        theirs = quantus_score(
            case, i, lambda x: (x - np.float32(0.4)) ** 3 + RAMP.numpy(), nr_steps=steps, normalise=normalise, abs=absolute
        )
        assert scores[i].item() == pytest.approx(theirs, rel=1e-5)


def test_translations_of_no_pixels_are_left_out_where_quantus_divides_by_nothing(case):
    """An explainer that is a little different at every call."""
    generator = np.random.default_rng(0)
    theirs = quantus_score(case, 0, lambda x: x + 1e-4 * generator.random(x.shape), nr_steps=18, normalise=False, abs=False)
    assert theirs > 1e5
    assert 0 not in shifts(9, 18)


def test_quantus_raises_on_blank_images_and_on_steps_that_divide_the_way(case):
    """Gradient × input of a black image is 0 everywhere, and the image slides until it is black; 19 steps reach one pixel too far."""
    with pytest.raises(AssertionError, match="all equal to zero"):
        quantus_score(case, 0, lambda x: x, nr_steps=18)
    with pytest.raises(IndexError):
        quantus_score(case, 0, lambda x: x + RAMP.numpy(), nr_steps=19)

    class Input:
        def __call__(self, model, images, targets, *, ctx):
            return Attribution(images[:, 0])

    case = replace(case, explainer=Input(), attributions=case.images[:, 0], memory={})
    assert continuity(case, steps=18).isfinite().all()
    torch.testing.assert_close(continuity(case, steps=19), continuity(case, steps=18))


def test_of_a_single_bright_pixel(case):
    """Φ = c·x: a pixel that moves counts 2c of map per √2 of image, one that leaves c per 1."""
    images = torch.zeros(3, 1, 7, 9)
    images[:, 0, 3, 4] = 0.5

    class Scaled:
        def __call__(self, model, images, targets, *, ctx):
            return Attribution(3 * images[:, 0])

    moved = replace(case, images=images, attributions=3 * images[:, 0], explainer=Scaled(), memory={})
    torch.testing.assert_close(continuity(moved, steps=19, normalise=False), torch.full((3,), 3 * 2**0.5, dtype=torch.float64))


def test_undefined_where_no_translation_changes_the_image(case):
    black = replace(case, images=torch.zeros(3, 1, 7, 9), memory={})
    assert continuity(black).isnan().all()


def test_translations_go_from_out_of_sight_to_out_of_sight():
    assert shifts(4, 9) == [-3, -2, -1, 1, 2, 3, 4]
    assert shifts(224, 28) == [shift for shift in range(-208, 225, 16) if shift]
    image = torch.arange(6.0).view(1, 1, 2, 3)
    filling = torch.full_like(image, 9.0)
    right, left, away = translated(image, filling, [1, -2, 3])
    assert right.flatten().tolist() == [9, 0, 1, 9, 3, 4]
    assert left.flatten().tolist() == [2, 9, 9, 5, 9, 9]
    assert away.unique().tolist() == [9]
