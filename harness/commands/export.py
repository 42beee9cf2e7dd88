"""``harness export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from harness.commands.options import PluginFiles, StoreAddress


def _filter_option(what: str, more: str = "") -> Any:
    return typer.Option(help=f"Only {what}{more}; may be repeated, and have wildcards.")


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
    """Export maps and per-sample scores of a run.

    All of it or some, with the recipe of each map.
    """
    from harness.leaderboard.score_export import export_scores
    from harness.leaderboard.selection import Selection
    from harness.results.run_folder import read_results
    from harness.runs.map_export import export_maps
    from harness.text_format import format_count

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
        typer.echo(f"maps: {format_count(count, 'map')} in {maps}, listed in {maps / 'index.csv'}")
