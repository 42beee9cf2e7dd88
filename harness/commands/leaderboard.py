"""``harness leaderboard``."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harness.commands.terminal import print_leaderboard


class Grouping(StrEnum):
    """Groupings of metrics that the headline is a mean over."""

    category = "category"
    metric = "metric"


def leaderboard_command(
    runs: Annotated[list[Path], typer.Argument(help="Run folders; several are merged.")],
    format: Annotated[
        str | None,
        typer.Option(
            help="terminal, md, tex, html, csv, json, one that a plugin adds; png, pdf with --by [default: that of --out, else terminal]."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A file to write it to, in the place of the terminal.")] = None,
    group: Annotated[Grouping, typer.Option(help="What the headline is a mean over.")] = Grouping.category,
    meta: Annotated[bool, typer.Option("--meta", help="What is known of the metrics, where the spec has `meta`.")] = False,
    models: Annotated[bool, typer.Option("--models", help="How well the models classify.")] = False,
    weight: Annotated[
        list[str] | None,
        typer.Option(help="Another weight than the spec's, of a category or of a metric within its own.", metavar="NAME=W"),
    ] = None,
    compare: Annotated[
        tuple[str, str] | None, typer.Option(help="Two explainers' labels: the first minus the second, metric by metric.", metavar="A B")
    ] = None,
    published: Annotated[bool, typer.Option("--published", help="Only the published tables of the spec, ours beside theirs.")] = False,
    by: Annotated[
        str | None,
        typer.Option(
            help="What was swept (init,tune), model or dataset: how scores are spread at each level, and which differ.", metavar="FACTORS"
        ),
    ] = None,
    equal_accuracy: Annotated[
        str | None,
        typer.Option(
            help="With --by: only the models of each level whose accuracy is nearest to this (0.92, 92%), or to what suits all.",
            metavar="auto|VALUE",
        ),
    ] = None,
    nearest: Annotated[
        int | None, typer.Option(min=1, help="How many models of each level that keeps [default: a third of the smallest level's].")
    ] = None,
) -> None:
    """Render the leaderboard of a run again, or of several.

    Runs that are merged share dataset and model.
    """
    from harness.leaderboard.build import build_leaderboard, with_levels, with_pair
    from harness.leaderboard.chosen_levels import read_levels
    from harness.leaderboard.chosen_weights import read_weights
    from harness.leaderboard.merge import merge_results
    from harness.leaderboard.render import render_leaderboard
    from harness.registry.hook_runner import HookRunner
    from harness.results.run_folder import read_results
    from harness.runs.level_figure import PICTURE_FORMATS, draw_levels
    from harness.store.atomic import write_atomically
    from harness.user_errors import UserError

    levels = read_levels(by, equal_accuracy, nearest)
    given = {"--meta": meta, "--models": models, "--compare": bool(compare), "--published": published, "--by": bool(levels)}
    asked = [name for name, is_given in given.items() if is_given]
    if len(asked) > 1:
        raise UserError(f"{' and '.join(asked)} are {len(asked)} questions: ask one of them")
    form = format or (out.suffix.removeprefix(".") if out else "") or "terminal"
    if form in PICTURE_FORMATS and (levels is None or out is None):
        raise UserError(f"{form}: pictures are of levels, and are written to a file: give --by FACTORS and --out FILE.{form}")
    results = merge_results([read_results(run) for run in runs], list(map(str, runs)))
    if weight:
        results = replace(results, weights={**results.weights, **read_weights(weight, results)})
    document = build_leaderboard(results)
    if compare:
        document = with_pair(document, results, *compare)
    if levels:
        document = with_levels(document, results, **levels)
    if meta and not document.meta:
        raise UserError("nothing is known of these metrics: write `meta: {}` into the spec, and run it again")
    if published and not document.published:
        raise UserError("this run stands beside no published table: write `published` into its spec, and run it again")
    if models and not document.classification:
        raise UserError("this run folder, of an earlier version, does not know what the models predicted: run the spec again")
    only = {"meta": meta, "pairs": bool(compare), "published": published, "models": models, "levels": bool(levels)}
    if form == "terminal" and out is None:
        print_leaderboard(document, group.value, **only)
        return
    if form in PICTURE_FORMATS:
        made = draw_levels(document.levels, form)
    else:
        extra = HookRunner.discover().call("leaderboard_formats")
        name = "terminal" if form == "txt" else form
        made = render_leaderboard(document, name, group=group.value, extra_formats=extra, **only).encode()
    if out is None:
        typer.echo(made.decode(), nl=False)
    else:
        write_atomically(out, made)
        typer.echo(f"{form}: {out}")
