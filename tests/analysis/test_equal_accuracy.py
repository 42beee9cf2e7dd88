"""Models of like accuracy, against every choice that there is."""

from itertools import combinations

import numpy as np
import pytest

from harness.analysis.equal_accuracy import common_accuracy, nearest_models, usual_count


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [1, 2, 3])
def test_no_other_value_and_no_other_models_are_nearer(seed: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    sets = [generator.uniform(0.5 + 0.1 * k, 0.9 + 0.02 * k, 5).round(3).tolist() for k in range(3)]
    value = common_accuracy(sets, count)

    def least(value: float) -> float:
        return sum(min(sum(abs(a - value) for a in chosen) for chosen in combinations(own, count)) for own in sets)

    grid = np.linspace(0.4, 1.0, 601)  # a thousandth apart, as accuracies are: all the places at which the sum can be least
    assert least(value) == pytest.approx(min(map(least, grid)), abs=1e-9)
    for own in sets:
        kept = sum(abs(own[k] - value) for k in nearest_models(own, value, count))
        assert kept == pytest.approx(min(sum(abs(a - value) for a in chosen) for chosen in combinations(own, count)))


def test_of_equally_near_ones_the_first_is_taken_and_of_equally_good_values_the_greatest() -> None:
    assert nearest_models([0.8, 0.9, 1.0, 0.9], 0.9, 1) == [1]
    assert nearest_models([0.8, 1.0], 0.9, 1) == [0]
    assert nearest_models([0.8, 1.0], 0.9, 5) == [0, 1]
    assert common_accuracy([[0.7], [0.9]], 1) == 0.9


def test_a_third_is_kept_as_five_of_fifteen_were() -> None:
    assert [usual_count(sizes) for sizes in ([15, 15], [15, 6], [3, 9], [1, 5], [5])] == [5, 2, 1, 1, 2]
