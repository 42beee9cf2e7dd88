"""A badge: how many checks passed, as a picture for a README."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from xml.sax.saxutils import escape

from harness.conformance.results import CheckResult

SUBJECT = "xai-harness"
CHARACTER = 6.6  # px: of 11 px Verdana about the mean of small letters and digits
PADDING = 12
SOUND, BROKEN = "#2d6a31", "#a4262c"  # on either white text has a contrast of more than 4.5


def conformance_badge(results: Iterable[CheckResult]) -> str:
    """SVG that says "conformant, 34 checks" or "2 of 34 checks fail"; checks that do not apply are not counted."""
    counts = Counter(result.status for result in results)
    run = sum(counts.values()) - counts["skipped"]
    said = f"{counts['failed']} of {run} checks fail" if counts["failed"] else f"conformant, {run} checks" if run else "not checked"
    left, right = (round(CHARACTER * len(text)) + PADDING for text in (SUBJECT, said))
    colour = BROKEN if counts["failed"] or not run else SOUND
    label = escape(f"{SUBJECT}: {said}", {'"': "&quot;"})
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{label}">
  <title>{label}</title>
  <clipPath id="round"><rect width="{left + right}" height="20" rx="3"/></clipPath>
  <g clip-path="url(#round)">
    <rect width="{left}" height="20" fill="#444"/>
    <rect x="{left}" width="{right}" height="20" fill="{colour}"/>
  </g>
  <g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
    <text x="{left / 2}" y="14">{escape(SUBJECT)}</text>
    <text x="{left + right / 2}" y="14">{escape(said)}</text>
  </g>
</svg>
"""
