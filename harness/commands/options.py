"""Arguments and options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class ComponentKind(StrEnum):
    """Kinds of components on the command line."""

    models = "models"
    datasets = "datasets"
    explainers = "explainers"
    metrics = "metrics"
    executors = "executors"


SpecFile = Annotated[Path, typer.Argument(help="The run spec, a YAML file.")]
SettingOptions = Annotated[
    list[str], typer.Option("--set", metavar="PATH=VALUE", help="Override one value, e.g. datasets.0.params.samples=8.")
]
LimitOption = Annotated[int | None, typer.Option(min=1, help="Only the first N samples of each dataset.")]
PluginFiles = Annotated[list[Path], typer.Option("--plugin", help="A Python file whose declared components are added; may be repeated.")]
StoreAddress = Annotated[
    str | None, typer.Option("--store", help="The store's folder, or a URL that fsspec knows [default: HARNESS_STORE, else .harness].")
]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON.")]
KindOption = Annotated[ComponentKind | None, typer.Option(help="Only this kind.")]
