import pytest
import torch
from captum import attr
from harness_perturbation.occlusion import occlusion, positions
from torch.nn import functional

from tests.support.networks import TARGETS, context, counted, images, linear, made


def test_single_pixels_of_a_linear_model():
    model, weights = linear()
    inputs = images(size=8)
    found = occlusion(model, inputs, TARGETS, window=1, stride=1, baseline="black", ctx=context())
    expected = ((inputs - model.reference("black", inputs)) * weights[TARGETS]).sum(dim=1)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)


def test_squares_side_by_side_add_up_on_a_linear_model():
    model, weights = linear()
    inputs = images(size=8)
    found = occlusion(model, inputs, TARGETS, window=4, stride=4, baseline="zero", ctx=context())
    squares = (inputs * weights[TARGETS]).sum(dim=1).unfold(1, 4, 4).unfold(2, 4, 4).sum((-1, -2))
    torch.testing.assert_close(found, squares.repeat_interleave(4, 1).repeat_interleave(4, 2), rtol=1e-3, atol=1e-5)


def test_a_pixel_has_the_mean_over_the_squares_that_cover_it():
    model, weights = linear()
    inputs = images(size=8)
    found = occlusion(model, inputs, TARGETS, window=4, stride=2, baseline="zero", ctx=context())
    drops = (inputs * weights[TARGETS]).sum(dim=1).unfold(1, 4, 2).unfold(2, 4, 2).sum((-1, -2)).view(4, 1, 9)
    total, covered = (functional.fold(x.expand(4, 16, 9), (8, 8), 4, stride=2)[:, 0] for x in (drops, torch.ones(4, 1, 9)))
    torch.testing.assert_close(found, total / covered, rtol=1e-3, atol=1e-5)


def test_a_square_that_covers_all_gives_the_whole_difference():
    model, inputs = made(), images()
    found = occlusion(model, inputs, TARGETS, window=16, baseline="black", ctx=context())
    with torch.no_grad():
        difference = (model(inputs) - model(model.reference("black", inputs)))[range(4), TARGETS]
    torch.testing.assert_close(found, difference.view(4, 1, 1).expand(4, 16, 16), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("window", "stride"), [(17, 1), (4, 5)])
def test_impossible_windows(window, stride):
    with pytest.raises(ValueError, match="must hold"):
        occlusion(made(), images(), TARGETS, window=window, stride=stride, ctx=context())


@pytest.mark.parametrize(("window", "stride"), [(5, 3), (7, 7), (4, 1), (16, 1)])
def test_equals_captums(window, stride):
    model, inputs = made(), images(size=20)[:, :, :16]
    found = occlusion(model, inputs, TARGETS, window=window, stride=stride, baseline="blur", ctx=context())
    expected = attr.Occlusion(model).attribute(
        inputs,
        sliding_window_shapes=(3, window, window),
        strides=(3, stride, stride),
        baselines=model.reference("blur", inputs),
        target=TARGETS,
    )[:, 0]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("window", "stride"), [(2, 2), (5, 3), (None, None)])
def test_as_many_passes_as_declared(window, stride):
    model = made()
    with counted(model) as rows:
        occlusion(model, images(), TARGETS, window=window, stride=stride, ctx=context())
    assert sum(rows) == 4 * positions({"window": window, "stride": stride}, 16)
