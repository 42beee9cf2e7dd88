"""``harness schema``."""

from __future__ import annotations

import json

import typer

from harness.commands.options import PluginFiles
from harness.commands.preparation import discover_registry


def schema_command(plugin: PluginFiles = []) -> None:
    """Print the JSON Schema of a spec, for editors.

    It has the parameters of all installed components.
    """
    from harness.spec.schema import spec_schema

    typer.echo(json.dumps(spec_schema(discover_registry(plugin)), indent=1))
