"""``harness methods``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class ProseFormatName(StrEnum):
    """Formats of prose."""

    text = "text"
    markdown = "markdown"
    latex = "latex"


def methods_command(
    run: Path,
    format: Annotated[ProseFormatName, typer.Option(help="LaTeX cites by the keys of `harness cite`.")] = ProseFormatName.text,
    with_checklist: Annotated[bool, typer.Option("--checklist/--no-checklist", help="With what a reviewer asks for.")] = True,
) -> None:
    """Print how a run evaluated, in the paragraphs of a paper.

    Data, models, explainers, metrics, statistics and versions; and the checklist of a reviewer.
    """
    from harness.leaderboard.methods.render import render_methods
    from harness.results.run_folder import read_results

    typer.echo(render_methods(read_results(run), format.value, with_checklist=with_checklist), nl=False)
