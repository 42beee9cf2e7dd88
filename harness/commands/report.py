"""``harness report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands.options import PluginFiles
from harness.commands.preparation import discover_registry
from harness.commands.terminal import make_console


def report_command(
    runs: Annotated[list[Path], typer.Argument(help="Run folders; several are merged.")],
    out: Annotated[Path | None, typer.Option(help="The file [default: report.html in the first run folder].")] = None,
    plugin: PluginFiles = [],
) -> None:
    """Write one HTML file that shows a run: the board, and how it was computed.

    It opens from a disk, offline. Runs that are merged share dataset and model.
    """
    from harness.leaderboard.number_format import bytes_text
    from harness.report.write import write_report
    from harness.text_format import print_line

    path = out or runs[0] / "report.html"
    size = write_report(runs, path, discover_registry(plugin))
    print_line(make_console(), f"report: {path} ({bytes_text(size)})")
