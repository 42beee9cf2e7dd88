"""``harness validate``."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.commands.options import PluginFiles, SettingOptions, SpecFile, StoreAddress
from harness.commands.preparation import discover_registry, load_spec_file, make_run, plan_run, print_preflight, start_imports
from harness.commands.terminal import EXIT_FAILED, show_status


def validate_command(
    spec: SpecFile,
    settings: SettingOptions = [],
    plugin: PluginFiles = [],
    quick: Annotated[bool, typer.Option("--quick", help="The spec alone: nothing is loaded.")] = False,
    store: StoreAddress = None,
) -> None:
    """Check a spec, and say what will not be computed.

    All errors are named at once, each with file:line:column; then what the spec names is loaded. Files and folders that parameters name
    are looked for. What was found out about datasets and models is remembered in the store. Exit code 2: the spec is wrong; 1: a dataset
    or a model cannot be had.
    """
    from harness.text_format import format_count

    with show_status(f"reading {spec}"):
        components = discover_registry(plugin)
        loaded = load_spec_file(spec, settings, components, files=True)
    kinds = ("datasets", "models", "explainers", "metrics")
    counts = ", ".join(format_count(len(getattr(loaded.recipes, kind)), kind.removesuffix("s")) for kind in kinds)
    if quick:
        typer.echo(f"{spec}: valid as a spec ({counts}); its datasets and models were not looked at")
        return
    start_imports(spec, settings, store=store, fresh=False, executor=None)
    run = make_run(loaded, components, plugin, store=store)
    plan = plan_run(run)
    blocked = any(group.blocked is not None and not group.untrained for group in plan.groups)
    typer.echo(f"{spec}: {'not all of it can be had' if blocked else 'valid'} ({counts})")
    print_preflight(run, plan)
    raise typer.Exit(EXIT_FAILED if blocked else 0)
