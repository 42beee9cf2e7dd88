"""A leaderboard of made-up results, for the tests of what formats show and say."""

from __future__ import annotations

import re
from functools import cache

from harness.leaderboard.build import build_leaderboard
from harness.results.document import Leaderboard
from tests.support.synthetic_results import leaderboard_group, leaderboard_results

TEXTS = ["terminal", "markdown", "latex"]


@cache
def board(groups: int = 1) -> Leaderboard:
    made = [leaderboard_group(seed=k, model=f"lesions-vgg{k or ''}", gaps=not k) for k in range(groups)]
    return build_leaderboard(leaderboard_results(groups=made))


def unwrapped(text: str) -> str:
    """Words without the layout: header lines of one column lie below each other."""
    return re.sub(r"[\s\\{}]+", " ", text)
