"""The command line: one function per command, each a few lines over the part of the harness that does the work."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from harness.commands import cache, plugins
from harness.commands.shared import (
    EXIT_FAILED,
    EXIT_SIGNAL_BASE,
    PluginFiles,
    StoreAddress,
    discover_registry,
    make_console,
    print_renderable,
    report_user_errors,
)

if TYPE_CHECKING:
    from harness.planning.plan import Plan
    from harness.registry.registry import Registry
    from harness.runs.run import Run

app = typer.Typer(
    help="Evaluate explainers of image classifiers: a spec in, a leaderboard out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(plugins.app, name="plugins")
app.add_typer(cache.app, name="cache")

SpecFile = Annotated[Path, typer.Argument(help="The run spec, a YAML file.")]
SettingOptions = Annotated[
    list[str], typer.Option("--set", metavar="PATH=VALUE", help="Override one value, e.g. datasets.0.params.samples=8.")
]
LimitOption = Annotated[int | None, typer.Option(min=1, help="Only the first N samples of each dataset.")]


class ProgressStyle(StrEnum):
    """How progress is shown."""

    rich = "rich"
    plain = "plain"
    none = "none"


class Grouping(StrEnum):
    """What mean ranks are taken over."""

    category = "category"
    metric = "metric"


@app.callback()
def main_options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=lambda wanted: _print_version(wanted), help="Print it.")
    ] = False,
) -> None:
    """Options of the command line itself."""


@app.command("run")
def run_command(
    spec: SpecFile,
    out: Annotated[Path | None, typer.Option(help="The run folder [default: runs/<name>].")] = None,
    store: StoreAddress = None,
    settings: SettingOptions = [],
    limit: LimitOption = None,
    plugin: PluginFiles = [],
    executor: Annotated[str | None, typer.Option(help="local, inline, or one that a plugin ships.")] = None,
    devices: Annotated[str | None, typer.Option(help="Comma-separated: cpu, cuda:0, mps.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Number of worker processes.")] = None,
    progress: Annotated[ProgressStyle | None, typer.Option(help="[default: rich on a terminal, else plain]")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Compute everything, in a store of this run's own.")] = False,
    profile: Annotated[bool, typer.Option("--profile", help="Write trace.json into the run folder, for Perfetto or Chrome.")] = False,
) -> None:
    """Run what is not cached, print the leaderboard, write the run folder."""
    from harness.runs.console_lines import print_line
    from harness.runs.console_reports import run_summary_lines
    from harness.runs.progress import ReporterStyle, make_reporter

    execution = {"executor": executor, "devices": devices and f"[{devices}]", "workers": workers}
    extra = [f"execution.{name}={value}" for name, value in execution.items() if value is not None]
    with report_user_errors():
        run = _prepare_run(spec, [*settings, *extra], plugin, out=out, store=store, limit=limit, fresh=fresh, profile=profile)
        finished = run.execute(make_reporter(cast(ReporterStyle | None, progress and progress.value), make_console(stderr=True)))
        code = EXIT_SIGNAL_BASE + finished.outcome.signal if finished.outcome.interrupted else 0 if finished.ok else EXIT_FAILED
        with suppress(BrokenPipeError):
            _print_leaderboard(finished.leaderboard, run.loaded.spec.statistics.group)
            if finished.leaderboard.meta:
                _print_leaderboard(finished.leaderboard, run.loaded.spec.statistics.group, meta=True)
        for line in run_summary_lines(finished, reasons=progress is ProgressStyle.none):
            print_line(make_console(stderr=True), line)
        raise typer.Exit(code)


@app.command("validate")
def validate_command(
    spec: SpecFile,
    settings: SettingOptions = [],
    plugin: PluginFiles = [],
    quick: Annotated[bool, typer.Option("--quick", help="The spec alone: nothing is loaded.")] = False,
    store: StoreAddress = None,
) -> None:
    """Name all errors of a spec at once, each with file:line:column; then load what it names, and say what will not be computed.

    Files and folders that parameters name are looked for. What was found out about datasets and models is remembered in the store. Exit
    code 2: the spec is wrong; 1: a dataset or a model cannot be had.
    """
    from harness.runs.console_lines import print_line
    from harness.runs.preflight import preflight_lines
    from harness.text_format import format_count

    with report_user_errors():
        loaded = _load_spec(spec, settings, discover_registry(plugin), files=True)
        kinds = ("datasets", "models", "explainers", "metrics")
        counts = ", ".join(format_count(len(getattr(loaded.recipes, kind)), kind.removesuffix("s")) for kind in kinds)
        if quick:
            typer.echo(f"{spec}: fine as a spec ({counts}); its datasets and models were not looked at")
            return
        run = _prepare_run(spec, settings, plugin, store=store)
        plan = _plan_run(run)
        blocked = any(group.blocked is not None for group in plan.groups)
        typer.echo(f"{spec}: {'not all of it can be had' if blocked else 'fine'} ({counts})")
        for line in preflight_lines(plan, run.registry):
            print_line(make_console(), line)
        raise typer.Exit(EXIT_FAILED if blocked else 0)


@app.command("plan")
def plan_command(
    spec: SpecFile,
    store: StoreAddress = None,
    settings: SettingOptions = [],
    limit: LimitOption = None,
    plugin: PluginFiles = [],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show what will run, what is cached, what is not applicable and why, and what it will take."""
    from dataclasses import asdict

    from harness.planning.estimate import estimate_plan
    from harness.planning.gaps import find_gaps
    from harness.planning.notes import all_notes
    from harness.runs.console_lines import print_line
    from harness.runs.console_reports import plan_table
    from harness.runs.preflight import preflight_lines

    with report_user_errors():
        run = _prepare_run(spec, settings, plugin, store=store, limit=limit)
        plan = _plan_run(run)
        kept = run.loaded.spec.store
        found = estimate_plan(plan, run.registry, attributions=kept.attributions, dtype=kept.dtype)
        if as_json:
            said = {"notes": all_notes(plan.groups), "gaps": [asdict(gap) for gap in find_gaps(plan, run.registry)]}
            typer.echo(json.dumps({**found.to_json(), **said}, indent=1))
            return
        print_renderable(plan_table(found))
        for line in preflight_lines(plan, run.registry):
            print_line(make_console(), line)


@app.command("leaderboard")
def leaderboard_command(
    runs: Annotated[list[Path], typer.Argument(help="Run folders; several are merged.")],
    format: Annotated[str, typer.Option(help="terminal, md, tex, html, csv, json, or one that a plugin adds.")] = "terminal",
    group: Annotated[Grouping, typer.Option(help="What mean ranks are taken over.")] = Grouping.category,
    meta: Annotated[bool, typer.Option("--meta", help="What is known of the metrics, where the spec has `meta`.")] = False,
) -> None:
    """Render the leaderboard of a run again, or of several runs that share dataset and model."""
    from harness.leaderboard.build import build_leaderboard
    from harness.leaderboard.merge import merge_results
    from harness.results.run_folder import read_results
    from harness.user_errors import UserError

    with report_user_errors():
        results = [read_results(run) for run in runs]
        document = build_leaderboard(merge_results(results) if len(results) > 1 else results[0])
        if meta and not document.meta:
            raise UserError("nothing is known of these metrics: write `meta: {}` into the spec, and run it again")
        if format == "terminal":
            _print_leaderboard(document, group.value, meta)
        else:
            from harness.leaderboard.render import render_leaderboard
            from harness.registry.hook_runner import HookRunner

            extra = {name: make for formats in HookRunner.discover().call("leaderboard_formats") for name, make in formats.items()}
            typer.echo(render_leaderboard(document, format, group=group.value, extra_formats=extra, meta=meta), nl=False)


@app.command("explain")
def explain_command(
    image: Annotated[str, typer.Argument(help="An image file, or DATASET#INDEX for a sample of an installed dataset.")],
    model: Annotated[str, typer.Option(help="A model: NAME or NAME,param=value,…")],
    explainer: Annotated[list[str], typer.Option(help="An explainer: NAME or NAME,param=value,…; may be repeated.")],
    target: Annotated[str | None, typer.Option(help="A class, by name or index [default: the predicted one].")] = None,
    training: Annotated[str | None, typer.Option(help="The dataset that explainers draw a background from: NAME,param=value,…")] = None,
    out: Annotated[Path, typer.Option(help="The PNG.")] = Path("explanation.png"),
    seed: Annotated[int, typer.Option(help="Of the random streams.")] = 0,
    plugin: PluginFiles = [],
) -> None:
    """Explain one image with one or several explainers, as panels side by side."""
    from harness.runs.console_lines import print_line
    from harness.runs.explain import explain_image
    from harness.runs.progress import make_reporter

    with report_user_errors():
        known = discover_registry(plugin)
        with make_reporter(None, make_console(stderr=True)) as progress:
            tell = progress.stage
            made = explain_image(image, model, explainer, registry=known, target=target, training=training, out=out, seed=seed, stage=tell)
        print_line(make_console(), made.sentence)
        for note in made.notes:
            print_line(make_console(), f"note: {note}")
        for line in made.failures:
            print_line(make_console(stderr=True), line)
        raise typer.Exit(EXIT_FAILED if made.failures else 0)


@app.command("diff")
def diff_command(run_a: Path, run_b: Path, as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Show what changed between two runs: recipes, versions, scores beyond noise."""
    from harness.leaderboard.diff import diff_results
    from harness.leaderboard.formats.terminal import render_difference
    from harness.results.run_folder import read_results

    with report_user_errors():
        found = diff_results(read_results(run_a), read_results(run_b))
        terminal = make_console()
        color = terminal.is_terminal and not terminal.no_color and not terminal.is_dumb_terminal
        text = render_difference(found, str(run_a), str(run_b), width=terminal.width, color=color)
        typer.echo(json.dumps(found.to_json(), indent=1) if as_json else text)


def _filter_option(what: str, more: str = "") -> Any:
    return typer.Option(help=f"Only {what}{more}; may be repeated, and have wildcards.")


@app.command("export")
def export_command(
    run: Path,
    maps: Annotated[Path | None, typer.Option(help="A folder for the maps: npy, PNG overlays, and an index of them.")] = None,
    scores: Annotated[Path | None, typer.Option(help="A .parquet or .csv file for the per-sample scores.")] = None,
    dataset: Annotated[list[str], _filter_option("this data set")] = [],
    model: Annotated[list[str], _filter_option("this model")] = [],
    explainer: Annotated[list[str], _filter_option("this explainer")] = [],
    metric: Annotated[list[str], _filter_option("this metric", " (of scores)")] = [],
    sample: Annotated[list[str], _filter_option("the sample of this id")] = [],
    store: StoreAddress = None,
    plugin: PluginFiles = [],
) -> None:
    """Export maps and per-sample scores with their recipe, all of a run or some of it."""
    from harness.leaderboard.score_export import export_scores
    from harness.leaderboard.selection import Selection
    from harness.results.run_folder import read_results
    from harness.runs.map_export import export_maps

    with report_user_errors():
        if maps is None and scores is None:
            raise typer.BadParameter("say what to export: --maps DIR, --scores FILE, or both")
        if metric and scores is None:
            raise typer.BadParameter("--metric chooses among scores: give --scores FILE too")
        chosen = Selection(datasets=dataset, models=model, explainers=explainer, metrics=metric, samples=sample)
        if scores is not None:
            export_scores(read_results(run), scores, chosen)
            typer.echo(f"scores: {scores}")
        if maps is not None:
            count = len(export_maps(run, maps, store, plugin, chosen))
            typer.echo(f"maps: {count} {'map' if count == 1 else 'maps'} in {maps}, listed in {maps / 'index.csv'}")


@app.command("cite")
def cite_command(run: Path) -> None:
    """Print BibTeX of every method and metric that a run used."""
    from harness.leaderboard.bibliography import render_bibliography
    from harness.results.run_folder import read_results

    with report_user_errors():
        typer.echo(render_bibliography(read_results(run)), nl=False)


@app.command("schema")
def schema_command(plugin: PluginFiles = []) -> None:
    """Print the JSON Schema of a spec, parameters of all installed components included, for editors."""
    from harness.spec.schema import spec_schema

    with report_user_errors():
        typer.echo(json.dumps(spec_schema(discover_registry(plugin)), indent=1))


# shared by the commands


def _print_leaderboard(document: Any, group: Any, meta: bool = False) -> None:
    from harness.leaderboard.render import render_leaderboard

    terminal = make_console()
    plain = not (sys.stdout.encoding or "").lower().startswith("utf")
    color = terminal.is_terminal and not terminal.no_color and not terminal.is_dumb_terminal
    typer.echo(
        render_leaderboard(document, "terminal", group=group, width=terminal.width, color=color, ascii_only=plain, meta=meta), nl=False
    )


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"xai-harness {version('xai-harness')}")
        raise typer.Exit


def _plan_run(run: Run) -> Plan:
    """The plan of a run that is not begun; what takes loading is said meanwhile."""
    from harness.runs.progress import make_reporter

    try:
        with make_reporter(None, make_console(stderr=True)) as progress:
            return run.plan(progress.stage)
    finally:
        run.executor.stop()


def _load_spec(spec: Path, settings: list[str], components: Registry, files: bool = False) -> Any:
    from harness.spec.load import load_spec

    return load_spec(spec, components, [_parse_setting(text) for text in settings], files=files)


def _parse_setting(text: str) -> tuple[str, str]:
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise typer.BadParameter(f"--set {text}: write PATH=VALUE, as in --set seed=1")
    return path, value


def _prepare_run(spec: Path, settings: list[str], plugins: list[Path], **options: Any) -> Run:
    from harness.runs.run import Run

    components = discover_registry(plugins)
    loaded = _load_spec(spec, settings, components)
    return Run(loaded, components, options.pop("out", None), options.pop("store", None), options.pop("limit", None), plugins, **options)
