"""``harness models``."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from harness.commands.options import JsonOption, StoreAddress
from harness.commands.terminal import print_renderable


def models_command(store: StoreAddress = None, as_json: JsonOption = False) -> None:
    """Trained models in the store, and those in training."""
    from harness.runs.training_display import trainings_table
    from harness.store.address import default_address
    from harness.store.store import Store

    place = Store(store or default_address(), new=False)
    found = place.trainings()
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in found], indent=1))
    elif found:
        print_renderable(trainings_table(found))
    else:
        typer.echo(f"{place.shown}: no trained models")
