"""Results of checks as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.conformance.results import CheckResult, CheckStatus
from harness.registry.card import Card, singular
from harness.text_format import format_count, to_printable_line

STYLES: dict[CheckStatus, str] = {"passed": "green", "failed": "bold red", "skipped": "dim", "reported": "cyan"}


def results_table(results: Sequence[CheckResult], card: Card | None = None) -> RenderableType:
    """One row per check, one for all that follows from an earlier failure, and a line that counts them.

    Under the name of the component, if there are several.
    """
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column("check", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("message", overflow="fold")
    following: dict[str, list[str]] = {}
    for result in results:
        if result.is_consequence:
            following.setdefault(result.message, []).append(result.title)
        else:
            table.add_row(result.title, Text(result.status, STYLES[result.status]), Text(result.message))
    for message, titles in following.items():
        table.add_row(format_count(len(titles), "other"), Text("skipped", STYLES["skipped"]), Text(f"{message} ({', '.join(titles)})"))
    counts = Counter(result.status for result in results)
    line = Text(", ".join(f"{counts[status]} {status}" for status in STYLES if counts[status]), _style(counts["failed"]))
    heading = [] if card is None else [Text(f"{singular(card.kind)} {to_printable_line(card.qualified)}", "bold")]
    return Group(*heading, table, line, *([] if card is None else [Text()]))


def components_summary(statuses: Mapping[str, int]) -> RenderableType:
    """Summary of which of several components break a rule; ``statuses`` are 1 for those, by name."""
    broken = [to_printable_line(name) for name, status in statuses.items() if status]
    kept = f"{len(statuses) - len(broken)} of {len(statuses)} components keep every rule"
    return Text(kept + (f"; these do not: {', '.join(broken)}" if broken else ""), _style(len(broken)))


def _style(failures: int) -> str:
    return "bold red" if failures else "bold green"
