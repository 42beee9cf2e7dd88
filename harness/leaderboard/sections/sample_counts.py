"""The number of samples that what a section shows is of."""

from __future__ import annotations

from harness.results.data_model import SamplesRule
from harness.text_format import format_count

RULE_TEXTS: dict[SamplesRule, str] = {
    "all": "",
    "correct": " (classified correctly)",
    "all-correct": " (classified correctly by every model)",
}


def sample_count_text(samples: int, rule: SamplesRule, total: int | None = None) -> str:
    """How many count, of how many if that is more, and by which rule."""
    some = "" if total in (None, samples) else f"{samples} of "
    return f"{some}{format_count(total if total is not None else samples, 'sample')}{RULE_TEXTS[rule]}"
