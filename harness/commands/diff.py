"""``harness diff``."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from harness.commands.options import JsonOption
from harness.commands.terminal import has_color, make_console


def diff_command(run_a: Path, run_b: Path, as_json: JsonOption = False) -> None:
    """Show what changed between two runs.

    Recipes, versions, and scores beyond the noise of floating-point numbers.
    """
    from harness.leaderboard.diff import diff_results
    from harness.leaderboard.formats.terminal import render_difference
    from harness.results.run_folder import read_results

    difference, console = diff_results(read_results(run_a), read_results(run_b)), make_console()
    if as_json:
        typer.echo(json.dumps(difference.to_json(), indent=1))
    else:
        typer.echo(render_difference(difference, str(run_a), str(run_b), width=console.width, color=has_color(console)))
