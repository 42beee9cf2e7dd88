"""``harness explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands.options import PluginFiles
from harness.commands.preparation import discover_registry
from harness.commands.terminal import EXIT_FAILED, make_console


def explain_command(
    image: Annotated[
        str,
        typer.Argument(help="An image (of a volume FILE#SLICE), or a sample of a dataset: NAME#INDEX or NAME,param=value,…#INDEX."),
    ],
    model: Annotated[str, typer.Option(help="A model: NAME or NAME,param=value,…")],
    explainer: Annotated[list[str], typer.Option(help="An explainer: NAME or NAME,param=value,…; may be repeated.")],
    target: Annotated[str | None, typer.Option(help="A class, by name or index [default: the predicted one].")] = None,
    training: Annotated[str | None, typer.Option(help="The dataset that explainers draw a background from: NAME,param=value,…")] = None,
    out: Annotated[Path, typer.Option(help="The PNG.")] = Path("explanation.png"),
    seed: Annotated[int, typer.Option(help="Of the random streams.")] = 0,
    spec: Annotated[Path | None, typer.Option(help="A run spec, whose labels name components too, such as a model that it trains.")] = None,
    plugin: PluginFiles = [],
) -> None:
    """Explain one image with several explainers, side by side."""
    from harness.runs.explain import explain_image
    from harness.runs.progress import make_reporter
    from harness.spec.load import load_spec
    from harness.text_format import print_line

    known = discover_registry(plugin)
    with make_reporter(None, make_console(stderr=True)) as progress:
        tell = progress.stage
        loaded = None if spec is None else load_spec(spec, known)
        made = explain_image(
            image, model, explainer, registry=known, target=target, training=training, out=out, seed=seed, spec=loaded, stage=tell
        )
    for line in (made.sentence, *(f"note: {note}" for note in made.notes)):
        print_line(make_console(), line)
    for line in made.failures:
        print_line(make_console(stderr=True), line)
    raise typer.Exit(EXIT_FAILED if made.failures else 0)
