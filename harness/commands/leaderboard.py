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
    format: Annotated[str, typer.Option(help="terminal, md, tex, html, csv, json, or one that a plugin adds.")] = "terminal",
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
) -> None:
    """Render the leaderboard of a run again, or of several.

    Runs that are merged share dataset and model.
    """
    from harness.leaderboard.build import build_leaderboard, with_pair
    from harness.leaderboard.chosen_weights import read_weights
    from harness.leaderboard.merge import merge_results
    from harness.leaderboard.render import render_leaderboard
    from harness.registry.hook_runner import HookRunner
    from harness.results.run_folder import read_results
    from harness.user_errors import UserError

    given = {"--meta": meta, "--models": models, "--compare": bool(compare), "--published": published}
    asked = [name for name, is_given in given.items() if is_given]
    if len(asked) > 1:
        raise UserError(f"{' and '.join(asked)} are {len(asked)} questions: ask one of them")
    results = merge_results([read_results(run) for run in runs], list(map(str, runs)))
    if weight:
        results = replace(results, weights={**results.weights, **read_weights(weight, results)})
    document = build_leaderboard(results)
    if compare:
        document = with_pair(document, results, *compare)
    if meta and not document.meta:
        raise UserError("nothing is known of these metrics: write `meta: {}` into the spec, and run it again")
    if published and not document.published:
        raise UserError("this run stands beside no published table: write `published` into its spec, and run it again")
    if models and not document.classification:
        raise UserError("this run folder, of an earlier version, does not know what the models predicted: run the spec again")
    only = {"meta": meta, "pairs": bool(compare), "published": published, "models": models}
    if format == "terminal":
        print_leaderboard(document, group.value, **only)
        return
    extra = HookRunner.discover().call("leaderboard_formats")
    text = render_leaderboard(document, format, group=group.value, extra_formats=extra, **only)
    typer.echo(text, nl=False)
