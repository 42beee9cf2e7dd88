"""What explaining cost, on one hardware and on several."""

import numpy as np
import pytest

from harness.planning.stored_costs import cost_fields, costs_from_fields, mean_without_nan
from harness.store.sample_alignment import MaskedColumn


def known(rows: dict[int, tuple[str, float, float, float]]) -> dict[str, MaskedColumn]:
    """The fields of 6 samples, of which some were explained: (hardware, seconds, passes, memory) by place."""
    fields: dict[str, MaskedColumn] = {}
    for place, row in rows.items():
        for name, value in cost_fields(*row):
            values, there = fields.setdefault(name, MaskedColumn.all_missing(6))
            values[place], there[place] = value, True
    return fields


def test_times_of_two_machines_are_not_mixed_and_passes_are() -> None:
    fields = known({0: ("slow", 9.0, 2, 1e6), 1: ("quick", 1.0, 4, 2e6), 2: ("quick", 3.0, 6, 3e6)})
    found = costs_from_fields(fields, 6)
    assert (found.hardware, mean_without_nan(found.seconds), mean_without_nan(found.passes)) == ("quick", 2.0, 4.0)
    assert np.nanmax(found.memory) == 3e6
    assert mean_without_nan(costs_from_fields(fields, 6, "slow").seconds) == 9.0
    assert costs_from_fields(fields, 6, "another").hardware == "quick"


def test_of_as_many_samples_on_each_the_choice_is_the_same_every_time() -> None:
    rows = {0: ("a", 1.0, 1, 1.0), 1: ("b", 2.0, 1, 1.0)}
    turned = dict(reversed(rows.items()))
    assert costs_from_fields(known(rows), 6).hardware == costs_from_fields(known(turned), 6).hardware


def test_nothing_is_known_of_what_was_never_explained() -> None:
    found = costs_from_fields({}, 6)
    assert (found.hardware, mean_without_nan(found.seconds), mean_without_nan(found.passes)) == (None, None, None)
    assert found.seconds.shape == (6,)


def test_the_name_of_hardware_may_be_anything() -> None:
    name = "Chip on board (cpu, 2 threads) on 3"
    assert costs_from_fields(known({4: (name, 0.5, 1, 8.0)}), 6).hardware == name
    assert mean_without_nan(costs_from_fields(known({4: (name, 0.5, 1, 8.0)}), 6).seconds) == pytest.approx(0.5)
