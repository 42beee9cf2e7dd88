"""Live progress of a run: what is being done, cells done, time left; for a terminal, for a log, or not at all."""

from __future__ import annotations

import time
from datetime import timedelta
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from harness.dispatch.events import Event
from harness.runs.work_counter import WorkCounter
from harness.text_format import format_count, print_line, to_printable_line

LINE_INTERVAL = 5.0  # seconds between two lines of the plain style
STARTING = "starting workers"
WIDE_TERMINAL = 100  # columns of a terminal that has room for passes per second, and a bar of its full width


class ProgressReporter:
    """Says nothing of how far a run is; others say it. A context manager around the run's work."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return None

    def say(self, text: str) -> None:
        """Show one line to the person who waits."""

    def stage(self, text: str) -> None:
        """Show what is done before there is anything to count."""

    def begin(self, work: WorkCounter) -> None:
        """Show how much there is to do; ``work`` counts it."""

    def hear(self, event: Event) -> None:
        """Show how far the work is, after the counter heard of the event."""


class LineReporter(ProgressReporter):
    """A line every few seconds."""

    def __init__(self, console: Console, every: float = LINE_INTERVAL) -> None:
        self._console = console
        self._every = every
        self._last = 0.0

    def say(self, text: str) -> None:
        """Print it."""
        print_line(self._console, text)

    def stage(self, text: str) -> None:
        """Print what is done, if nothing was printed for a while."""
        self._now_and_then(text)

    def begin(self, work: WorkCounter) -> None:
        """Print how much there is to do."""
        self._work = work
        if work.total:
            self.say(f"{format_count(work.total, 'cell')} to compute")

    def hear(self, event: Event) -> None:
        """Print now and then how far the run is."""
        self._now_and_then(f"{self._work.count}, {self._work.rate:.0f} passes/s, {self._work.now}".removesuffix(", "))

    def _now_and_then(self, text: str) -> None:
        if time.monotonic() - self._last > self._every:
            self._last = time.monotonic()
            self.say(text)


class BarReporter(ProgressReporter):
    """A live bar: counts and times keep their room, and what is being done has the rest of the line."""

    def __init__(self, console: Console) -> None:
        roomy = console.width >= WIDE_TERMINAL
        whole = [BarColumn(bar_width=30 if roomy else 12), _uncut_column("count"), *([_uncut_column("rate")] if roomy else [])]
        self._progress = Progress(
            *whole,
            TimeElapsedColumn(table_column=Column(no_wrap=True)),
            TimeLeftColumn(table_column=Column(no_wrap=True)),
            TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
            console=console,
            expand=True,
            transient=True,
        )
        self._task = self._progress.add_task("planning", total=None, rate="", count="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def __rich__(self) -> RenderableType:
        """The line as it stands."""
        return self._progress.get_renderable()

    def say(self, text: str) -> None:
        """Print it above the bar."""
        print_line(self._progress.console, text)

    def stage(self, text: str) -> None:
        """Show what is done beside a bar that does not know its length."""
        self._progress.update(self._task, description=to_printable_line(text))

    def begin(self, work: WorkCounter) -> None:
        """Start moving."""
        self._work = work
        self._progress.update(self._task, total=work.scores, count=work.count, description=STARTING)

    def hear(self, event: Event) -> None:
        """Move the bar."""
        work = self._work
        rate, now = f"{work.rate:.0f} passes/s", to_printable_line(work.now) or None
        self._progress.update(self._task, completed=work.scored, count=work.count, rate=rate, description=now)


class TimeLeftColumn(ProgressColumn):
    """The time that is left, by the pace so far; nothing while that is not known."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        """``0:01:07 left``."""
        seconds = task.time_remaining
        return Text("" if seconds is None or task.finished else f"{timedelta(seconds=int(seconds))} left", style="progress.remaining")


def _uncut_column(field: str) -> TextColumn:
    """A column that is never cut."""
    return TextColumn(f"{{task.fields[{field}]}}", markup=False, table_column=Column(no_wrap=True))


def make_reporter(style: str | None, console: Console) -> ProgressReporter:
    """The reporter of a style (``rich``, ``plain`` or ``none``); by default a bar on a terminal and lines elsewhere."""
    chosen = style or ("rich" if console.is_terminal else "plain")
    return ProgressReporter() if chosen == "none" else BarReporter(console) if chosen == "rich" else LineReporter(console)
