"""The grid pointing game: what is in a grid, the oracle, chance, brute force, and independence of the batch."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from harness_metrics.localisation.grid_pointing_game import grid_passes, grid_pointing_game
from harness_metrics.localisation.grids import TakesNoGrid
from harness_metrics.localisation.mosaics import mosaics, quadrants, tiles
from torch import nn

from harness.api import Attribution, Case, Context, classifier
from tests.support.cases import selected


class Told:
    """An explainer that returns a function of the images, and keeps what it was given."""

    name, params = "told", {}

    def __init__(self, function):
        self.function, self.images, self.targets = function, None, None

    def __call__(self, model, images, targets, *, ctx):
        self.images, self.targets = images, targets
        return Attribution(self.function(images, targets))


class Greyness(nn.Module):
    """Sure of class k where the mean grey level is near k + 1; takes any size."""

    def forward(self, x):
        levels = torch.arange(1.0, 7.0)
        return -20 * (x.mean(dim=(1, 2, 3))[:, None] - levels).abs()


def plain(classes):
    """Images of one grey level each: class k is k + 1."""
    return (torch.as_tensor(classes).float() + 1)[:, None, None, None].expand(-1, 1, 8, 6).clone()


TRAINING = (0, 0, 1, 1, 2, 2, 3, 4, 5, 5)


def case_of(explainer, targets, *, training=TRAINING, labels=None, seed=0, module=None):
    model = classifier(module or Greyness(), input_shape=(1, 8, 6))
    labelled = torch.tensor(training)
    ids = [str(i) for i in range(len(targets))]
    ctx = Context(seed=seed, ids=ids, labelled=lambda n: (plain(labelled[:n]), labelled[:n]))
    targets = torch.tensor(targets)
    images = plain(targets if labels is None else labels)
    labels = None if labels is None else torch.tensor(labels)
    return Case(model, images, targets, torch.ones(len(targets), 8, 6), ctx, explainer=explainer, labels=labels)


def of_target(images, targets):
    return ((images[:, 0] - targets[:, None, None] - 1).abs() < 0.1).float()


@pytest.mark.parametrize(("side", "tile"), [(2, "whole"), (2, "fitted")])
def test_a_grid_has_the_sample_once_and_other_classes_once_each_in_random_places(side, tile):
    explainer = Told(of_target)
    grid_pointing_game(case_of(explainer, [0, 1, 2, 5] * 20), side=side, samples=2, tile=tile)
    assert explainer.images[0].numel() * 2 == 48 * grid_passes({"side": side, "tile": tile, "samples": 2})
    height, width = (16, 12) if tile == "whole" else (8, 6)
    assert explainer.images.shape == (160, 1, height, width)
    cells = explainer.images[:, 0, [0, 0, -1, -1], [0, -1, 0, -1]].round().long() - 1
    assert all(len(set(row)) == 4 for row in cells.tolist())
    own = cells == explainer.targets[:, None]
    assert own.sum(dim=1).tolist() == [1] * 160 and own.any(dim=0).all()
    others = cells[~own].bincount(minlength=6)
    assert (others > 0).all() and others[3] / others.sum() == pytest.approx(1 / 5, abs=0.05)  # as likely, with one image, as one with two


def test_with_too_few_classes_a_second_image_of_a_class_comes_after_all_first_ones():
    explainer = Told(of_target)
    grid_pointing_game(case_of(explainer, [0, 1] * 20, training=(0, 0, 0, 0, 1, 1, 1, 1, 2)), side=2)
    cells = explainer.images[:, 0, [0, 0, -1, -1], [0, -1, 0, -1]].round().long() - 1
    assert {tuple(sorted(row)) for row in cells[0::2].tolist()} == {(0, 1, 1, 2)}
    assert {tuple(sorted(row)) for row in cells[1::2].tolist()} == {(0, 0, 1, 2)}


@pytest.mark.parametrize(("side", "tile"), [(2, "whole"), (3, "whole"), (2, "fitted"), (3, "fitted")])
def test_the_oracle_its_opposite_and_chance(side, tile):
    targets, options = [0, 1, 2], {"side": side, "tile": tile}
    more = (*TRAINING, *TRAINING)
    assert grid_pointing_game(case_of(Told(of_target), targets, training=more), **options).tolist() == [1.0] * 3
    assert grid_pointing_game(case_of(Told(lambda x, t: 1 - of_target(x, t)), targets, training=more), **options).tolist() == [0.0] * 3
    assert grid_pointing_game(case_of(Told(lambda x, t: -of_target(x, t)), targets, training=more), **options).isnan().all()
    generator = torch.Generator().manual_seed(0)
    random = Told(lambda x, t: torch.rand(x[:, 0].shape, generator=generator))
    found = grid_pointing_game(case_of(random, targets * 100, training=more), **options).mean().item()
    assert found == pytest.approx(1 / side**2, abs=0.02)


def test_the_score_is_the_positive_relevance_in_the_cell_over_all():
    explainer = Told(lambda x, t: x[:, 0].sin() * torch.linspace(-1, 2, x.shape[-1]))
    case = case_of(explainer, [0, 3, 4])
    ours = grid_pointing_game(case, side=2)
    for score, image, target in zip(ours, explainer.images, case.targets, strict=True):
        relevance = explainer.function(image[None], None)[0].clamp_min(0)
        cells = {(y, x): relevance[8 * y : 8 * y + 8, 6 * x : 6 * x + 6].sum() for y in (0, 1) for x in (0, 1)}
        ((y, x),) = [place for place in cells if (image[0, 8 * place[0], 6 * place[1]] - target - 1).abs() < 0.1]
        assert score.item() == pytest.approx((cells[y, x] / sum(cells.values())).item(), rel=1e-5)


def test_only_images_of_which_the_model_is_sure_are_in_grids():
    explainer = Told(of_target)
    training = [0, 1, 2, 3, 4, 5]
    case = case_of(explainer, [0, 1] * 10, training=training)
    wrong = plain(training)
    wrong[4:] -= 2  # look like classes 2 and 3
    unsure = replace(case, ctx=replace(case.ctx, labelled=lambda n: (wrong, torch.tensor(training))))
    assert grid_pointing_game(unsure, side=2).tolist() == [1.0] * 20
    cells = explainer.images[:, 0, [0, 0, -1, -1], [0, -1, 0, -1]].round().long() - 1
    assert {tuple(sorted(row)) for row in cells.tolist()} == {(0, 1, 2, 3)}
    assert grid_pointing_game(replace(unsure, memory={}), side=2, confidence=0).shape == (20,)
    cells = explainer.images[:, 0, [0, 0, -1, -1], [0, -1, 0, -1]].round().long() - 1
    assert len({tuple(sorted(row)) for row in cells.tolist()}) > 1


def test_what_is_undefined_and_what_is_refused():
    everywhere = Told(lambda images, targets: torch.ones_like(images[:, 0]))
    assert grid_pointing_game(case_of(everywhere, [0, 1], labels=[0, 0]), side=2).isnan().tolist() == [False, True]
    assert grid_pointing_game(case_of(Told(of_target), [0, 1], training=(0, 0, 1, 2, 3)), side=2).isnan().tolist() == [False, False]
    assert grid_pointing_game(case_of(Told(of_target), [0, 1], training=(0, 0, 0, 1, 2)), side=2).isnan().tolist() == [True, False]
    assert grid_pointing_game(case_of(Told(of_target), [0, 1], training=(0, 2)), side=2).isnan().all()
    torch.manual_seed(0)
    fixed = nn.Sequential(nn.Flatten(), nn.Linear(48, 6))
    refusing, taking = classifier(fixed, input_shape=(1, 8, 6)), classifier(Greyness(), input_shape=(1, 8, 6))
    assert grid_pointing_game.applicable(refusing).endswith(": make them smaller with `tile: fitted`")
    assert grid_pointing_game.applicable(refusing, tile="fitted") is grid_pointing_game.applicable(taking, side=4) is None
    with pytest.raises(TakesNoGrid, match=r"no images of 24 x 18 .*tile: fitted"):
        grid_pointing_game(case_of(Told(of_target), [0, 1], module=fixed))
    assert grid_pointing_game(case_of(Told(of_target), [0, 1], module=fixed), tile="fitted", side=2, confidence=0).isfinite().all()


def test_mosaics_of_any_side_are_tiles_in_reading_order():
    images = torch.rand(9, 3, 10, 11)
    small = tiles(images, 3)
    mosaic = mosaics(small[None], (10, 11))
    assert mosaic.shape == (1, 3, 10, 11) and small.shape[-2:] == (4, 4)
    assert torch.equal(mosaic[0, :, 3:6, 7:11], small[5][:, :3, :4])
    assert torch.equal(mosaic[0, :, 6:10, 0:3], small[6][:, :4, :3])
    for cell in range(9):
        chosen = torch.nn.functional.one_hot(torch.tensor([cell]), 9).bool()
        inside = quadrants(chosen, (10, 11))
        held = mosaics(torch.arange(9.0)[None, :, None, None, None].expand(1, 9, 1, 4, 4), (10, 11))[:, 0] == cell
        assert torch.equal(inside, held)


def test_a_score_does_not_depend_on_the_batch():
    case = case_of(Told(lambda x, t: x[:, 0] * torch.linspace(0, 1, x.shape[-1])), [0, 1, 2, 0, 1])
    together = grid_pointing_game(case, side=2, samples=2)
    alone = torch.cat([grid_pointing_game(selected(case, [i]), side=2, samples=2) for i in range(5)])
    torch.testing.assert_close(alone, together)
    torch.testing.assert_close(grid_pointing_game(selected(case, [4, 2, 0]), side=2, samples=2), together[[4, 2, 0]])
    assert together.unique().numel() > 1
