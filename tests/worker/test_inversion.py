"""The inverse of a map, and scores held against its."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import harness
from harness.api import Case, Context, metric
from harness.worker.inversion import QualityGap, inverted_maps

MODEL = harness.classifier(nn.Sequential(nn.Flatten(), nn.Linear(48, 2)), input_shape=(3, 4, 4))


def case_of(maps: Tensor, ids: str = "abcdefgh") -> Case:
    images = torch.rand(len(maps), 3, 4, 4, generator=torch.Generator().manual_seed(0))
    return Case(MODEL, images, torch.zeros(len(maps), dtype=torch.long), maps, Context(0, list(ids[: len(maps)]), purpose="score"))


def random_maps(count: int) -> Tensor:
    return torch.randn(count, 4, 4, generator=torch.Generator().manual_seed(1))


def authors(maps: np.ndarray) -> np.ndarray:
    """Swaps of values, one pair at a time: the greatest with the least, the next with the next (``value-swap`` of the authors' branch)."""
    found = maps.reshape(len(maps), -1).copy()
    for row in found:
        order = list(np.argsort(row))
        while len(order) > 1:
            low, high = order.pop(0), order.pop()
            row[low], row[high] = row[high], row[low]
    return found.reshape(maps.shape)


def ties(count: int, pixels: int = 16) -> Tensor:
    return torch.stack([torch.randperm(pixels, generator=torch.Generator().manual_seed(seed)) for seed in range(count)])


def test_values_are_swapped_from_both_ends() -> None:
    maps = random_maps(5)
    np.testing.assert_array_equal(inverted_maps(maps, ties(5)).numpy(), authors(maps.numpy()))


def test_the_inverse_of_the_inverse_is_the_map() -> None:
    maps = random_maps(5)
    torch.testing.assert_close(inverted_maps(inverted_maps(maps, ties(5)), ties(5)), maps, rtol=0, atol=0)


def test_ties_keep_the_values_and_fall_by_the_seeded_order() -> None:
    maps = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]]).repeat(2, 1, 1)
    found = inverted_maps(maps, torch.tensor([[0, 1, 2, 3], [3, 2, 1, 0]]))
    assert found.flatten(1).tolist() == [[0, 0, 0, 1], [0, 1, 0, 0]]  # the last of the order has the one
    assert torch.equal(inverted_maps(torch.full((2, 2, 2), 3.0), ties(2, 4)), torch.full((2, 2, 2), 3.0))


def corner(case: Case, *, absolute: bool = False) -> Tensor:
    """The value of the first pixel."""
    maps = case.attributions.abs() if absolute else case.attributions
    return maps[:, 0, 0]


def test_a_gap_is_the_score_less_that_of_the_inverse() -> None:
    maps = random_maps(4)
    found = harness.score(harness.metric(corner, inverted=True), MODEL, case_of(maps).images, [0] * 4, maps)
    np.testing.assert_allclose(found.numpy(), (maps.numpy() - authors(maps.numpy()))[:, 0, 0])


def test_where_sizes_count_it_is_their_order_that_is_reversed() -> None:
    maps = random_maps(4)
    sizes = maps.abs().numpy()
    found = harness.score(harness.metric(corner, inverted=True, absolute=True), MODEL, case_of(maps).images, [0] * 4, maps)
    np.testing.assert_allclose(found.numpy(), (sizes - authors(sizes))[:, 0, 0])

    @metric(category="complexity", direction="higher", absolute=True)
    def always(case: Case) -> Tensor:
        return case.attributions.abs()[:, 0, 0]

    found = harness.score(harness.metric(always, inverted=True), MODEL, case_of(maps).images, [0] * 4, maps)
    np.testing.assert_allclose(found.numpy(), (sizes - authors(sizes))[:, 0, 0])


def test_a_gap_depends_on_no_other_sample() -> None:
    maps = random_maps(4).round()  # full of ties
    gap = QualityGap(corner)
    together = gap(case_of(maps))
    assert together.tolist() == [gap(case_of(maps[i : i + 1], "abcd"[i])).item() for i in range(4)]


def test_a_score_that_is_undefined_has_no_gap() -> None:
    def picky(case: Case) -> Tensor:
        return torch.where(case.attributions[:, 0, 0] > 0, case.attributions[:, 0, 0], torch.nan)

    maps = torch.arange(1.0, 17.0).view(1, 4, 4) - 8.5
    assert torch.isnan(QualityGap(picky)(case_of(torch.cat([maps, -maps])))).all()  # the first pixel is negative in one of the two


def test_what_metrics_have_in_common_of_the_inverse_is_computed_once_and_not_taken_for_the_maps() -> None:
    calls: list[float] = []

    def summed(case: Case) -> Tensor:
        def compute() -> Tensor:
            calls.append(case.attributions[0, 0, 0].item())
            return case.attributions[:, 0, 0]

        return case.shared("first", compute)

    case = case_of(random_maps(2))
    first, second = QualityGap(summed)(case), QualityGap(summed)(case)
    assert torch.equal(first, second) and (first != 0).all() and len(calls) == 2


def test_nothing_explains_an_inverse() -> None:
    def asks(case: Case) -> Tensor:
        assert not case.parts
        return case.explain().flatten(1).sum(dim=1)

    again = harness.explainer(lambda model, images, targets: images[:, 0])
    case = case_of(random_maps(2))
    case.explainer, case.parts = again, {"a": case.attributions}
    with pytest.raises(LookupError):
        QualityGap(lambda of: asks(of) if of is not case else case.attributions[:, 0, 0])(case)


def agreeing(case: Case) -> Tensor:
    """Of parts."""
    return case.attributions[:, 0, 0]


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        (metric(category="robustness", direction="lower", needs={"explainer"}), "it explains again"),
        (metric(category="agreement", direction="higher"), "parts of an explanation"),
        (metric(category="complexity", direction="lower", no_inverse="it is blind"), "cannot be inverted: it is blind"),
    ],
)
def test_what_has_no_inverse_is_refused(declared, reason) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=reason):
        harness.metric(declared(lambda case: case.attributions[:, 0, 0]), inverted=True)
    harness.metric(declared(lambda case: case.attributions[:, 0, 0]))
