"""``harness report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands.options import PluginFiles, StoreAddress
from harness.commands.preparation import discover_registry
from harness.commands.terminal import make_console


def report_command(
    runs: Annotated[list[Path], typer.Argument(help="Run folders; several are merged.")],
    out: Annotated[Path | None, typer.Option(help="The file [default: report.html in the first run folder].")] = None,
    samples: Annotated[int, typer.Option(min=0, help="How many samples of each data set and model are shown with their maps.")] = 12,
    choose: Annotated[
        str, typer.Option(metavar="RULE", help="Which: first, random, disagreement (of the maps), worst:METRIC or best:METRIC.")
    ] = "first",
    store: StoreAddress = None,
    plugin: PluginFiles = [],
) -> None:
    """Write one HTML file that shows a run, board and samples.

    And how all was computed. It opens from a disk, offline. Maps come from the run's store. Runs that are merged share dataset and model.
    """
    from harness.leaderboard.number_format import bytes_text
    from harness.report.gallery import GalleryOptions
    from harness.report.sample_choice import read_choice_rule
    from harness.report.write import write_report
    from harness.text_format import print_line

    path = out or runs[0] / "report.html"
    options = GalleryOptions(samples, read_choice_rule(choose), store)
    written = write_report(runs, path, discover_registry(plugin), options)
    for problem in written.problems:
        print_line(make_console(stderr=True), f"no pictures: {problem}")
    beside = "" if written.folder is None else f", its samples in {written.folder}: keep the two together"
    print_line(make_console(), f"report: {path} ({bytes_text(written.size)}{beside})")
