"""``harness train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands.options import PluginFiles, SettingOptions, SpecFile, StoreAddress
from harness.commands.preparation import prepare_run, start_imports
from harness.commands.terminal import EXIT_FAILED, make_console, print_renderable, show_status


def train_command(
    spec: SpecFile,
    out: Annotated[Path | None, typer.Option(help="The run folder, for what workers print [default: runs/<name>].")] = None,
    store: StoreAddress = None,
    settings: SettingOptions = [],
    plugin: PluginFiles = [],
) -> None:
    """Train the untrained models of a spec, and nothing else.

    Curves are shown while it goes on. `harness run` does the same before its jobs. Exit code 1: a training failed.
    """
    start_imports(spec, settings, store=store, fresh=False, executor=None)
    with show_status(f"reading {spec}"):
        run = prepare_run(spec, settings, plugin, out=out, store=store)
    from harness.runs.signals import ignore_signals
    from harness.runs.training_display import make_training_reporter, trainings_table
    from harness.text_format import print_line

    absent: list[str] = []
    try:
        with make_training_reporter(make_console(stderr=True)) as reporter:
            planned = run.trainings(reporter.stage, lambda what, error: absent.append(f"{what}: {error}"))
            failed = run.train(planned, reporter)
    finally:
        with ignore_signals():
            run.executor.stop()
    keys = {training.key for training in planned}
    if keys:
        print_renderable(trainings_table([each for each in run.store.trainings() if each.key in keys]))
    elif not absent:
        typer.echo("nothing to train: no model of the spec lacks its weights")
    for training in planned:
        if training.key in failed:
            print_line(make_console(stderr=True), f"failed: {training.label}: {failed[training.key]}")
    for line in absent:
        print_line(make_console(stderr=True), f"cannot be had: {line}")
    raise typer.Exit(EXIT_FAILED if failed or absent else 0)
