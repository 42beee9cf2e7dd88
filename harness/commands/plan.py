"""``harness plan``."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from harness.commands.options import JsonOption, LimitOption, PluginFiles, SettingOptions, SpecFile, StoreAddress
from harness.commands.preparation import plan_run, prepare_run, print_preflight, start_imports
from harness.commands.terminal import print_renderable, show_status


def plan_command(
    spec: SpecFile,
    store: StoreAddress = None,
    settings: SettingOptions = [],
    limit: LimitOption = None,
    plugin: PluginFiles = [],
    as_json: JsonOption = False,
) -> None:
    """Show what will run, and what it will take.

    Also what is cached, and what is not applicable and why.
    """
    start_imports(spec, settings, store=store, fresh=False, executor=None)
    from harness.planning.estimate import estimate_plan
    from harness.planning.gaps import find_gaps
    from harness.planning.keeping import choice_lines
    from harness.planning.notes import all_notes
    from harness.runs.plan_report import plan_table

    with show_status(f"reading {spec}"):
        run = prepare_run(spec, settings, plugin, store=store, limit=limit)
    plan = plan_run(run)
    estimate = estimate_plan(plan, run.registry, run.loaded.spec.store)
    if as_json:
        said = {
            "notes": all_notes(plan.groups),
            "gaps": [asdict(gap) for gap in find_gaps(plan, run.registry)],
            "kept": choice_lines(plan.choices),
        }
        typer.echo(json.dumps({**estimate.to_json(), **said}, indent=1))
    else:
        print_renderable(plan_table(estimate))
        print_preflight(run, plan)
