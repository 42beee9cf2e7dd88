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
from harness.runs.run import Finished
from harness.runs.starting import seconds_since_start
from harness.store.prune import Contents


def summary_lines(finished: Finished) -> Iterator[str]:
    """What the run did, what failed and why, where it is, and how to go on."""
    cells = [(group, key, cell) for group in finished.results.everything for key, cell in group.cells.items()]
    states = Counter(cell.status for _, _, cell in cells)
    yield f"{len(cells)} cells: " + ", ".join(f"{count} {state}" for state, count in states.most_common())
    totals = finished.summary
    if totals["jobs"]:
        yield from _work(totals)
    elif set(states) <= {"ok", "not-applicable"}:
        total, ours = seconds_since_start(), totals["seconds"]
        yield f"all of it was in the store ({total:.1f} s: {ours:.1f} planning and reading, the rest starting up, statistics and writing)"
    for (state, reason), cells_of in _failures(finished).items():
        rows, metrics = (list(dict.fromkeys(names)) for names in zip(*cells_of, strict=True))
        yield f"{state}: {_some(rows)} ({_some(metrics)}): {reason}"
    yield from finished.problems
    if finished.outcome.stopped is not None and not finished.outcome.interrupted:
        yield f"the run ended before its work did: {finished.outcome.stopped}"
    yield f"run folder: {finished.folder}"
    if finished.outcome.interrupted:
        yield "interrupted; the same command goes on where this one stopped"


DOING = {"load": "loading", "inputs": "reading inputs", "explain": "explaining outside it", "score": "scoring outside it"}
MORE = {"checks": "checking what was left", "store": "waiting for the store", "wait": "waiting for jobs", "other": "the rest"}


def _work(totals: Mapping[str, Any]) -> Iterator[str]:
    """How much was done, how fast on which device, and where the time went."""
    rates = ", ".join(
        f"{each['passes_per_second']:,.0f} per second on {device}" + (f" ({each['workers']} workers)" if each["workers"] > 1 else "")
        for device, each in totals["devices"].items()
    )
    yield (
        f"{totals['jobs']} jobs, {totals['passes']:,} passes in {totals['working_seconds']:.1f} s: {rates}; "
        f"{totals['startup_seconds']:.1f} s before the first job"
    )
    rest = [(share, words) for kind, words in (DOING | MORE).items() if (share := totals["shares"].get(kind, 0.0)) >= 0.005]
    yield f"{totals['shares']['model']:.0%} of the workers' time inside the model" + "".join(
        f", {share:.0%} {words}" for share, words in sorted(rest, reverse=True)
    )


def _failures(finished: Finished) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """(row, metric) of the cells that failed, by (state, reason)."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for group in finished.results.everything:
        for place, cell in group.cells.items():
            if cell.status not in ("ok", "not-applicable"):
                found.setdefault((cell.status, cell.reason or ""), []).append(place)
    return found


def _some(names: list[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def plan_report(found: Estimate) -> RenderableType:
    """A plan as a table of explainers by state, with totals and reasons."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("dataset", "model", "explainer"):
        table.add_column(title, overflow="fold")
    for title in ("to do", "cached", "n/a", "passes"):
        table.add_column(title, justify="right", no_wrap=True)
    rows: dict[tuple[str, str, str], list[int | float]] = {}
    for cell in found.cells:
        row = rows.setdefault((cell.dataset, cell.model, cell.explainer), [0, 0, 0, 0.0])
        row[0] += cell.state == "to do"
        row[1] += cell.state == "cached"
        row[2] += cell.state in ("not applicable", "blocked")
        row[3] += (cell.passes or 0.0) * cell.missing
    for names, (to_do, cached, other, passes) in rows.items():
        table.add_row(*names, str(to_do), str(cached), str(other), f"{passes:,.0f}")
    reasons = {(cell.explainer if not cell.metric else cell.metric, cell.reason) for cell in found.cells if cell.reason}
    lines = [Text(f"{name}: {reason}", style="dim") for name, reason in sorted(reasons, key=str)]
    return Group(table, Text(), Text(_totals(found)), *lines)


def _totals(found: Estimate) -> str:
    time = "" if found.seconds is None else f", about {found.seconds:,.0f} s on one worker by the rate measured so far"
    more = f" (and what {found.unknown} cells take that do not say)" if found.unknown else ""
    return (
        f"{found.count('to do')} cells to do, {found.count('cached')} cached; "
        f"{found.passes:,.0f} passes{more}{time}; at most {found.bytes / 1e6:,.1f} MB of maps"
    )


def store_report(found: Contents) -> RenderableType:
    """A store's groups by component."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("component")
    for title in ("columns", "files", "MB", "last written"):
        table.add_column(title, justify="right", no_wrap=True)
    names = dict.fromkeys(group.component for group in found.groups)
    for name in names:
        groups = [group for group in found.groups if group.component == name]
        last = datetime.fromtimestamp(max(group.written for group in groups)).strftime("%Y-%m-%d %H:%M")
        size = sum(group.bytes for group in groups) / 1e6
        table.add_row(name, str(len(groups)), str(sum(g.files for g in groups)), f"{size:.1f}", last)
    total = f"{found.shown}: {found.bytes / 1e6:.1f} MB in {len(found.groups)} columns, {found.facts} facts"
    damaged = f", {found.damaged} damaged files set aside in {found.shown}/damaged" if found.damaged else ""
    return Group(table, Text(), Text(total + damaged))
