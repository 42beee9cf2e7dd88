"""Files of a run with all that a leaderboard can show, held byte for byte."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from harness.leaderboard.build import build_leaderboard
from harness.results.run_folder import read_results
from tests.support.golden import GOLDEN, RENDERED, golden_document


@pytest.mark.parametrize("file", RENDERED)
def test_a_document_is_shown_as_it_was(file: str) -> None:
    assert RENDERED[file](golden_document()) == (GOLDEN / file).read_text()


def test_the_numbers_of_a_run_folder_are_what_they_were() -> None:
    """All but the last bits, which depend on the processor: the sums of a matrix product have no fixed order."""
    assert_alike(json.loads(build_leaderboard(read_results(GOLDEN)).to_json()), json.loads((GOLDEN / "leaderboard.json").read_text()))


def assert_alike(found: Any, wanted: Any, place: str = "") -> None:
    """Equal JSON, fields in the same order, numbers to nine digits."""
    if isinstance(wanted, dict):
        assert list(found) == list(wanted), place
        for name in wanted:
            assert_alike(found[name], wanted[name], f"{place}.{name}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), place
        for number, (one, other) in enumerate(zip(found, wanted, strict=True)):
            assert_alike(one, other, f"{place}[{number}]")
    elif isinstance(wanted, float):
        assert isinstance(found, float) and math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-12), place
    else:
        assert found == wanted, place
