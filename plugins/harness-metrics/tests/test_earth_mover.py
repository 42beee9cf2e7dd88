"""The earth mover's distance against linear programming, closed forms on lines and of shifted objects, and brute force."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from harness_metrics.localisation.earth_mover import centres, earth_mover, membership
from harness_metrics.transport import earth_movers_distance
from scipy.optimize import linprog
from scipy.sparse import eye_array, kron, vstack
from scipy.spatial.distance import cdist

from harness.api import Case, Context


def case_of(maps, masks):
    """A case for metrics that look at no model."""
    ctx = Context(seed=0, ids=[str(i) for i in range(len(maps))])
    return Case(None, maps[:, None], torch.zeros(len(maps), dtype=torch.long), maps, ctx, masks=masks)


def by_linear_programming(a, b, distances):
    """The cost of the cheapest plan from ``a`` to ``b`` (N,), by scipy's HiGHS."""
    n = len(a)
    sums = vstack([kron(eye_array(n), np.ones((1, n))), kron(np.ones((1, n)), eye_array(n))]).tocsr()[:-1]  # the last follows
    exactly = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    return linprog(distances.ravel(), A_eq=sums, b_eq=np.concatenate([a, b])[:-1], method="highs", options=exactly).fun


def masks_of(count, side):
    masks = torch.zeros(count, side, side, dtype=torch.bool)
    for i in range(count):
        masks[i, i % (side - 2) : i % (side - 2) + 2 + i % 3, 1 + i % 4 : 5 + i % 3] = True
    return masks


def maps_of(side):
    """Noise, sparse noise, a point, a constant, a blob, and the mask itself with a little beside it."""
    generator = torch.Generator().manual_seed(0)
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    noise = torch.randn(3, side, side, generator=generator)
    point = torch.zeros(side, side)
    point[-1, 0] = 2.0
    blob = torch.exp(-((y - 2.0) ** 2 + (x - side + 2.0) ** 2) / 6)
    nearly = masks_of(7, side)[6].float()
    nearly[0, -1] += 1e-6
    return torch.stack([noise[0], noise[1] ** 9, (noise[2] - 1.5).clamp_min(0), point, torch.ones(side, side), blob, nearly])


@pytest.mark.parametrize("absolute", [True, False])
def test_it_is_that_of_xai_tris_on_their_eight_by_eight_pixels(absolute):
    """1 − EMD / √(7² + 7²), of the pixels as they are, under the Euclidean distance."""
    maps, masks = maps_of(8), masks_of(7, 8)
    places = np.indices((8, 8)).reshape(2, -1).T
    distances, expected = cdist(places, places), []
    for a, m in zip(maps.double().numpy(), masks.double().numpy(), strict=True):
        values = np.abs(a) if absolute else a.clip(0)
        cost = by_linear_programming(values.ravel() / values.sum(), m.ravel() / m.sum(), distances)
        expected.append(1 - cost / np.hypot(7, 7))
    ours = earth_mover(case_of(maps, masks), absolute=absolute)
    assert ours.tolist() == pytest.approx(expected, abs=2e-7)
    assert len({round(score, 3) for score in expected}) > 4


def test_transport_equals_linear_programming_to_nine_digits():
    generator = torch.Generator().manual_seed(1)
    masses = torch.rand(2, 12, 30, generator=generator, dtype=torch.float64) ** torch.arange(1, 13)[:, None]
    masses[:, 6:] *= torch.rand(2, 6, 30, generator=generator) < 0.4
    a, b = masses / masses.sum(dim=2, keepdim=True)
    places = torch.rand(30, 2, generator=generator, dtype=torch.float64)
    distances = torch.cdist(places, places)
    expected = [by_linear_programming(one.numpy(), other.numpy(), distances.numpy()) for one, other in zip(a, b, strict=True)]
    assert earth_movers_distance(a, b, distances).tolist() == pytest.approx(expected, abs=1e-9)


def test_on_a_line_it_is_the_distance_of_the_cumulative_distributions():
    maps = torch.rand(6, 1, 12, generator=torch.Generator().manual_seed(0)) ** 3
    masks = torch.zeros(6, 1, 12, dtype=torch.bool)
    for i in range(6):
        masks[i, 0, i : 2 * i + 1] = True
    shares = [(values / values.sum(dim=2, keepdim=True)).cumsum(dim=2) for values in (maps.double(), masks.double())]
    expected = 1 - (shares[0] - shares[1]).abs().sum(dim=(1, 2)) / 11
    assert earth_mover(case_of(maps, masks)).tolist() == pytest.approx(expected.tolist(), abs=2e-7)


def test_an_object_that_is_shifted_is_as_far_as_it_was_shifted():
    masks = torch.zeros(5, 12, 10, dtype=torch.bool)
    masks[:, 1:4, 2:6] = True
    shifts = [(0, 0), (1, 0), (3, 4), (8, 4), (2, -2)]
    maps = torch.stack([mask.float().roll(shift, (0, 1)) for mask, shift in zip(masks, shifts, strict=True)])
    expected = [1 - np.hypot(*shift) / np.hypot(11, 9) for shift in shifts]
    assert earth_mover(case_of(maps, masks)).tolist() == pytest.approx(expected, abs=2e-7)


def test_it_does_not_depend_on_the_scale_of_the_map_and_reaches_both_bounds():
    masks = torch.zeros(1, 9, 9, dtype=torch.bool)
    masks[0, 0, 0] = True
    corner = torch.zeros(1, 9, 9)
    corner[0, 8, 8] = 1e-30
    assert earth_mover(case_of(corner, masks)).item() == pytest.approx(0, abs=1e-7)
    assert earth_mover(case_of(1e-30 * masks.float(), masks)).item() == 1.0
    maps = maps_of(8)
    torch.testing.assert_close(earth_mover(case_of(1e25 * maps, masks_of(7, 8))), earth_mover(case_of(maps, masks_of(7, 8))))


def test_cells_share_the_pixels_and_are_where_these_are():
    one = membership(29, 12, torch.device("cpu"))
    assert one.shape == (12, 29) and one.sum(dim=0).tolist() == [1.0] * 29 and set(one.sum(dim=1).tolist()) == {2.0, 3.0}
    assert centres(one).tolist() == pytest.approx([np.mean(np.flatnonzero(row)) for row in one.numpy()])
    assert torch.equal(membership(5, 12, torch.device("cpu")), torch.eye(5, dtype=torch.float64))


def test_cells_are_off_by_less_than_their_diagonal():
    maps, masks = maps_of(12), masks_of(7, 12)
    exact = earth_mover(case_of(maps, masks), cells=12)
    for cells in (4, 6):
        error = (earth_mover(case_of(maps, masks), cells=cells) - exact).abs()
        assert error.max() < 1 / cells and error.mean() < 0.15 / cells


def test_what_is_undefined():
    maps = torch.stack([torch.zeros(8, 8), torch.ones(8, 8), -torch.ones(8, 8)])
    masks = torch.zeros(3, 8, 8, dtype=torch.bool)
    masks[[0, 2], 2:4, 2:4] = True
    assert earth_mover(case_of(maps, masks)).isnan().tolist() == [True, True, False]
    assert earth_mover(case_of(maps, masks), absolute=False).isnan().all()
    with pytest.raises(LookupError, match="needs masks"):
        earth_mover(case_of(maps, None))
