"""What commands print besides leaderboards: a run's summary, a plan, the contents of a store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.planning.estimate import Estimate
from harness.results.data_model import NOT_COMPUTED_PREFIX, Cell
from harness.runs.process_uptime import seconds_since_start
from harness.runs.run import FinishedRun
from harness.store.prune import PruneResult, StoreListing
from harness.text_format import format_count, format_some

NOT_APPLICABLE = "not applicable"
MIN_SECONDS = 0.05  # seconds that are worth saying


def run_summary_lines(finished: FinishedRun, reasons: bool = False) -> Iterator[str]:
    """What the run did, what failed (with ``reasons``: and why), where it is, and how to go on."""
    cells = [cell for group in finished.results.everything for cell in group.cells.values()]
    states = Counter(map(cell_state, cells))
    yield f"{format_count(len(cells), 'cell')}: " + ", ".join(f"{count:,} {state}" for state, count in states.most_common())
    if finished.summary["jobs"]:
        yield from _work_lines(finished.summary)
    elif set(states) <= {"ok", NOT_APPLICABLE}:
        yield "all of it was in the store"
    starting = max(0.0, seconds_since_start() - sum(finished.seconds.values()))
    yield _duration_line({"starting": starting, **finished.seconds})
    failed = [*finished.failures.summary(reasons), *_blocked_lines(finished)]
    yield from failed
    if failed and finished.failures.tracebacks is not None:
        yield f"tracebacks: {finished.failures.tracebacks}"
    yield from finished.problems
    if finished.outcome.stopped is not None and not finished.outcome.interrupted:
        yield f"the run ended before its work did: {finished.outcome.stopped}"
    yield f"run folder: {finished.folder}"
    if finished.outcome.interrupted:
        yield "interrupted; the same command goes on where this one stopped"


MAIN_PHASES = {"load": "loading", "inputs": "reading inputs", "explain": "explaining outside it", "score": "scoring outside it"}
OTHER_PHASES = {"checks": "checking what was left", "store": "waiting for the store", "wait": "waiting for jobs", "other": "the rest"}


def _work_lines(totals: Mapping[str, Any]) -> Iterator[str]:
    """How much was done, how fast on which device, and where the time went."""
    rates = ", ".join(
        f"{each['passes_per_second']:,.0f} per second on {device}" + (f" ({each['workers']} workers)" if each["workers"] > 1 else "")
        for device, each in totals["devices"].items()
    )
    yield (
        f"{format_count(totals['passes'], 'pass', 'passes')} through models in {totals['working_seconds']:.1f} s"
        + (f": {rates}" if rates else "")
    )
    rest = [(share, words) for kind, words in (MAIN_PHASES | OTHER_PHASES).items() if (share := totals["shares"].get(kind, 0.0)) >= 0.01]
    yield f"{totals['shares']['model']:.0%} of the workers' time inside the model" + "".join(
        f", {share:.0%} {words}" for share, words in sorted(rest, reverse=True)
    )


def cell_state(cell: Cell) -> str:
    """The state of a cell in words; one whose turn never came is not blocked by anything."""
    if cell.status == "blocked" and (cell.reason or "").startswith(NOT_COMPUTED_PREFIX):
        return "not computed"
    return NOT_APPLICABLE if cell.status == "not-applicable" else cell.status


def _duration_line(seconds: Mapping[str, float]) -> str:
    """What the user waited for: ``12.3 s: 8.1 planning, 3.0 computing, 1.2 the leaderboard``."""
    parts = [f"{value:.1f} {part}" for part, value in seconds.items() if value >= MIN_SECONDS]
    total = f"{sum(seconds.values()):.1f} s"
    return f"{total}: {', '.join(parts)}" if parts else total


def _blocked_lines(finished: FinishedRun) -> Iterator[str]:
    """Each cause that blocked whole groups, once."""
    causes: dict[str, list[str]] = {}
    for group in finished.results.everything:
        reasons = {cell.reason for cell in group.cells.values() if cell_state(cell) == "blocked"}
        if len(reasons) == 1 and all(cell_state(cell) == "blocked" for cell in group.cells.values()):
            causes.setdefault(reasons.pop() or "", []).append(f"{group.dataset} · {group.model}")
    told = {failure.reason for failure in finished.failures.found.values()}
    for reason, groups in causes.items():
        if reason not in told:
            yield f"blocked: {format_some(groups)}: {reason}"


def plan_table(found: Estimate) -> RenderableType:
    """A plan as a table of explainers by state, with totals and reasons."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("dataset", "model", "explainer"):
        table.add_column(title, overflow="fold")
    for title in ("to do", "cached", "n/a", "passes"):
        table.add_column(title, justify="right", no_wrap=True)
    rows: dict[tuple[str, str, str], list[int | float]] = {}
    for cell in found.cells:
        if cell.state == "blocked":  # one line says so of the whole group
            continue
        row = rows.setdefault((cell.dataset, cell.model, cell.explainer), [0, 0, 0, 0.0])
        if cell.metric:  # an explanation takes passes, and is no cell
            row[0] += cell.state == "to do"
            row[1] += cell.state == "cached"
            row[2] += cell.state in ("not applicable", "blocked")
        row[3] += (cell.passes or 0.0) * cell.missing
    for names, (to_do, cached, other, passes) in rows.items():
        table.add_row(*names, str(to_do), str(cached), str(other), f"{passes:,.0f}")
    return Group(table, Text(), Text(_plan_totals_line(found)))


def _plan_totals_line(found: Estimate) -> str:
    counts = (
        f"{format_count(found.count('to do'), 'cell')} to do, {found.count('cached'):,} cached, "
        f"{found.count('not applicable') + found.count('blocked'):,} without a number"
    )
    if not found.count("to do") and not found.passes:
        return counts
    time = "" if found.seconds is None else f", about {found.seconds:,.0f} s on one worker by the rate measured so far"
    more = " (without those of components that do not say how many they take)" if found.unknown else ""
    return f"{counts}; {found.passes:,.0f} passes{more}{time}; at most {found.bytes / 1e6:,.1f} MB of maps"


def store_table(found: StoreListing) -> RenderableType:
    """A store's entries by component: an entry is an explanation with its scores, or predictions."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("component")
    for title in ("entries", "files", "MB", "last written"):
        table.add_column(title, justify="right", no_wrap=True)
    names = dict.fromkeys(group.component for group in found.groups)
    for name in names:
        groups = [group for group in found.groups if group.component == name]
        last = datetime.fromtimestamp(max(group.written for group in groups)).strftime("%Y-%m-%d %H:%M")
        size = sum(group.bytes for group in groups) / 1e6
        table.add_row(name, str(len(groups)), str(sum(g.files for g in groups)), f"{size:.1f}", last)
    entries = format_count(len(found.groups), "entry", "entries")
    total = f"{found.shown}: {found.bytes / 1e6:.1f} MB in {entries} (explanations with their scores, predictions), "
    total += format_count(found.facts, "fact")
    damaged = f", {format_count(found.damaged, 'damaged file')} set aside in {found.shown}/damaged" if found.damaged else ""
    return Group(table, Text(), Text(total + damaged))


def prune_line(gone: PruneResult, dry: bool) -> str:
    """What was removed, or would be: entries as `store_table` counts them, and scores out of others."""
    scores = f", and {format_count(gone.scores, 'column')} of scores out of others" if gone.scores else ""
    entries = format_count(len(gone.groups), "entry", "entries")
    return f"{'would remove' if dry else 'removed'} {entries} ({gone.bytes / 1e6:.1f} MB){scores}"
