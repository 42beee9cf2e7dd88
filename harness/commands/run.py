"""``harness run``."""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harness.commands.options import LimitOption, PluginFiles, SettingOptions, SpecFile, StoreAddress
from harness.commands.preparation import prepare_run, start_imports
from harness.commands.terminal import EXIT_FAILED, EXIT_SIGNAL_BASE, make_console, print_leaderboard, show_status


class ProgressStyle(StrEnum):
    """Style in which progress is shown."""

    rich = "rich"
    plain = "plain"
    none = "none"


def run_command(
    spec: SpecFile,
    out: Annotated[Path | None, typer.Option(help="The run folder [default: runs/<name>].")] = None,
    store: StoreAddress = None,
    settings: SettingOptions = [],
    limit: LimitOption = None,
    plugin: PluginFiles = [],
    executor: Annotated[str | None, typer.Option(help="local, inline, or one that a plugin ships.")] = None,
    devices: Annotated[str | None, typer.Option(help="Comma-separated: cpu, cuda:0, mps.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Number of worker processes.")] = None,
    progress: Annotated[ProgressStyle | None, typer.Option(help="[default: rich on a terminal, else plain]")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Compute everything, in a store of this run's own.")] = False,
    profile: Annotated[bool, typer.Option("--profile", help="Write trace.json into the run folder, for Perfetto or Chrome.")] = False,
) -> None:
    """Compute what is missing, and print the leaderboard.

    The run folder gets it too, in every format, with all scores.
    """
    start_imports(spec, settings, store=store, fresh=fresh, executor=executor)
    execution = {"executor": executor, "devices": devices and f"[{devices}]", "workers": workers}
    extra = [f"execution.{name}={value}" for name, value in execution.items() if value is not None]
    log = progress is not ProgressStyle.none
    with show_status(f"reading {spec}", log):
        run = prepare_run(spec, [*settings, *extra], plugin, log, out=out, store=store, limit=limit, fresh=fresh, profile=profile)
        from harness.runs.progress import make_reporter  # imported while a fork server begins

    from harness.runs.run_summary import run_summary_lines
    from harness.text_format import print_line

    finished = run.execute(make_reporter(progress and progress.value, make_console(stderr=True)))
    with suppress(BrokenPipeError):
        for meta in (False, True) if finished.leaderboard.meta else (False,):
            print_leaderboard(finished.leaderboard, run.loaded.spec.statistics.group, meta=meta)
    for line in run_summary_lines(finished, reasons=progress is ProgressStyle.none):
        print_line(make_console(stderr=True), line)
    signal = finished.outcome.signal
    raise typer.Exit(EXIT_SIGNAL_BASE + signal if signal is not None else 0 if finished.ok else EXIT_FAILED)
