"""The command line: the commands, gathered."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.commands import cache, plugins
from harness.commands.cite import cite_command
from harness.commands.diff import diff_command
from harness.commands.explain import explain_command
from harness.commands.export import export_command
from harness.commands.leaderboard import leaderboard_command
from harness.commands.methods import methods_command
from harness.commands.models import models_command
from harness.commands.plan import plan_command
from harness.commands.report import report_command
from harness.commands.run import run_command
from harness.commands.schema import schema_command
from harness.commands.terminal import ErrorReportingGroup
from harness.commands.train import train_command
from harness.commands.validate import validate_command

app = typer.Typer(
    cls=ErrorReportingGroup,
    help="Evaluate explainers of image classifiers: a spec in, a leaderboard out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("run")(run_command)
app.command("validate")(validate_command)
app.command("plan")(plan_command)
app.command("leaderboard")(leaderboard_command)
app.command("report")(report_command)
app.command("explain")(explain_command)
app.command("diff")(diff_command)
app.command("export")(export_command)
app.command("cite")(cite_command)
app.command("methods")(methods_command)
app.command("schema")(schema_command)
app.command("train")(train_command)
app.command("models")(models_command)
app.add_typer(plugins.app, name="plugins")
app.add_typer(cache.app, name="cache")


@app.callback()
def main_options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=lambda wanted: _print_version(wanted), help="Print it.")
    ] = False,
) -> None:
    """Options of the command line itself."""


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"xai-harness {version('xai-harness')}")
        raise typer.Exit
