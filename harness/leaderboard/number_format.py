"""Numbers and names as text: how many decimals, which unit, and nothing that a terminal would obey."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable
from statistics import median

MISSING = "–"
MOST_DECIMALS = 6


def printable(text: str, limit: int | None = None) -> str:
    """``text`` on one line without control characters, shortened to ``limit`` characters."""
    clean = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    clean = " ".join(clean.split())
    return clean if limit is None or len(clean) <= limit else clean[: limit - 1].rstrip() + "…"


def number_formatter(values: Iterable[float | None], halves: Iterable[float | None] = ()) -> Callable[[float | None], str]:
    """Formatter of the numbers of one column: alike in decimals, or each with its exponent where they differ by orders of magnitude.

    Of ``halves`` of intervals, which are written as the values are, most keep a digit: that takes decimals, up to `MOST_DECIMALS`.
    """
    sizes = [abs(value) for value in values if value is not None and value != 0]
    largest, smallest = max(sizes, default=0.0), min(sizes, default=0.0)
    decimals = 3 if largest < 10 else max(0, 3 - math.floor(math.log10(largest)))
    lost = smallest < (0.005 if largest < 0.05 else 10.0 ** (1 - decimals) if largest >= 10 else 0)
    if largest >= 1e5 or lost:
        return lambda value: MISSING if value is None else _scientific(value)
    widths = [half for half in halves if half]
    if widths:
        decimals = max(decimals, min(MOST_DECIMALS, -math.floor(math.log10(median(widths)))))
    return lambda value: MISSING if value is None else f"{value:.{decimals}f}"


def _scientific(value: float) -> str:
    """1.2e-4 rather than 1.20e-04."""
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def rank_text(value: float | None) -> str:
    """A mean rank with two decimals."""
    return MISSING if value is None else f"{value:.2f}"


def skill_text(value: float | None) -> str:
    """A skill with two decimals."""
    return MISSING if value is None else f"{value:.2f}"


def interval_text(low: float | None, high: float | None) -> str:
    """An interval of skill, a dash where there is none."""
    return MISSING if low is None or high is None else f"{low:.2f}–{high:.2f}"


def share_text(share: float | None) -> str:
    """A share of 1 as a whole percentage; one that is neither none nor all is not written as such."""
    if share is None:
        return MISSING
    return f"{100 * share:.0f} %" if share in (0, 1) or 0.005 <= share < 0.995 else "<1 %" if share < 0.5 else ">99 %"


def half_width(low: float | None, high: float | None) -> float | None:
    """Half of an interval, the ± of its mean."""
    return None if low is None or high is None else (high - low) / 2


def format_significant(value: float, digits: int) -> str:
    """A number to so many digits, written out: 0.18, 31, 130, 12,000 and never 1.3e+02."""
    return f"{float(f'{value:.{digits}g}'):,.12g}"


def probability_text(p: float | None) -> str:
    """A p-value: 0.047, and from a thousandth down 3e-5."""
    if p is None:
        return MISSING
    if p == 0 or p >= 0.001:
        return f"{p:.3f}"
    mantissa, exponent = f"{p:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def seconds_text(seconds: float | None) -> str:
    """A duration: 85 ms, 1.2 s, 3.4 min."""
    if seconds is None:
        return MISSING
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms" if seconds < 0.0995 else f"{seconds * 1e3:.0f} ms"
    return f"{seconds:.3g} s" if seconds < 100 else f"{format_significant(seconds / 60, 3)} min"


def count_text(count: float | None) -> str:
    """A number of passes."""
    return MISSING if count is None else f"{count:,.0f}" if count >= 100 or count == int(count) else f"{count:.1f}"


def bytes_text(size: float | None) -> str:
    """A size in bytes: 12 MB, 1.4 GB."""
    if size is None:
        return MISSING
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{format_significant(size, 3)} TB"


def percent_text(share: float | None) -> str:
    """A share of 1 as a percentage."""
    return MISSING if share is None else f"{100 * share:.1f} %"
