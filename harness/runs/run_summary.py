"""Summary of a finished run for the person who started it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.results.data_model import NOT_COMPUTED_PREFIX, Cell
from harness.runs.process_uptime import seconds_since_start
from harness.text_format import format_count, format_some

if TYPE_CHECKING:
    from harness.runs.conclusion import FinishedRun

NOT_APPLICABLE = "not applicable"
MIN_SECONDS = 0.05  # seconds that are worth saying
PHASES = {
    "load": "loading",
    "inputs": "reading inputs",
    "explain": "explaining outside it",
    "score": "scoring outside it",
    "checks": "checking what was left",
    "store": "waiting for the store",
    "wait": "waiting for jobs",
    "other": "the rest",
}


def run_summary_lines(finished: FinishedRun, reasons: bool = False) -> Iterator[str]:
    """Lines on what the run did, what failed (with ``reasons``: and why), where it is, and how to go on."""
    cells = [cell for group in finished.results.everything for cell in group.cells.values()]
    states = Counter(map(_cell_state, cells))
    yield f"{format_count(len(cells), 'cell')}: " + ", ".join(f"{count:,} {state}" for state, count in states.most_common())
    if finished.summary["jobs"]:
        yield from _work_lines(finished.summary)
        yield from filter(None, [finished.startup and finished.startup.line()])
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


def _work_lines(totals: Mapping[str, Any]) -> Iterator[str]:
    """How much was done, how fast on which device, and what the time went into."""
    rates = ", ".join(
        f"{each['passes_per_second']:,.0f} per second on {device}" + (f" ({each['workers']} workers)" if each["workers"] > 1 else "")
        for device, each in totals["devices"].items()
    )
    passes = format_count(totals["passes"], "pass", "passes")
    yield f"{passes} through models in {totals['working_seconds']:.1f} s" + (f": {rates}" if rates else "")
    for device, each in totals["workers_per_device"].items():
        yield f"{device}: {format_count(each['workers'], 'worker')} in the end: {each['reason']}"
    rest = [(share, words) for kind, words in PHASES.items() if (share := totals["shares"].get(kind, 0.0)) >= 0.01]
    yield f"{totals['shares']['model']:.0%} of the workers' time inside the model" + "".join(
        f", {share:.0%} {words}" for share, words in sorted(rest, reverse=True)
    )


def _cell_state(cell: Cell) -> str:
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
        reasons = {cell.reason for cell in group.cells.values() if _cell_state(cell) == "blocked"}
        if len(reasons) == 1 and all(_cell_state(cell) == "blocked" for cell in group.cells.values()):
            causes.setdefault(reasons.pop() or "", []).append(f"{group.dataset} · {group.model}")
    told = {failure.reason for failure in finished.failures.found.values()}
    for reason, groups in causes.items():
        if reason not in told:
            yield f"blocked: {format_some(groups)}: {reason}"
