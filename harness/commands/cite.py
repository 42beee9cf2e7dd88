"""``harness cite``."""

from __future__ import annotations

from pathlib import Path

import typer


def cite_command(run: Path) -> None:
    """Print BibTeX of every method and metric that a run used."""
    from harness.leaderboard.bibliography import render_bibliography
    from harness.results.run_folder import read_results

    typer.echo(render_bibliography(read_results(run)), nl=False)
