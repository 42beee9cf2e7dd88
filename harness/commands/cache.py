"""``harness cache``: what the store holds, and removal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.shared import StoreAddress, errors, show

if TYPE_CHECKING:
    from harness.store.store import Store

app = typer.Typer(help="The store: what it holds, and removal.", no_args_is_help=True, rich_markup_mode=None)


@app.command("info")
def cache_info_command(store: StoreAddress = None) -> None:
    """Show what the store holds."""
    from harness.runs.report import store_report
    from harness.store.prune import contents

    with errors():
        show(store_report(contents(_store(store))))


@app.command("prune")
def cache_prune_command(
    store: StoreAddress = None,
    older: Annotated[str | None, typer.Option(help="Remove what was not written to for this long: 30d, 12h.")] = None,
    size: Annotated[str | None, typer.Option(help="Remove the oldest until the store is no larger: 500M, 20G.")] = None,
    component: Annotated[str | None, typer.Option(help="Remove what this explainer or metric made (a name or a glob).")] = None,
    dry: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Remove results from the store by age, size or component."""
    from harness.store.prune import prune

    with errors():
        if older is None and size is None and component is None:
            raise typer.BadParameter("say what to remove: --older, --size or --component")
        gone = prune(_store(store), older=older, size=size, component=component, dry=dry)
        typer.echo(f"{'would remove' if dry else 'removed'} {len(gone.groups) + gone.scores} columns, {gone.bytes / 1e6:.1f} MB")


def _store(address: str | None) -> Store:
    from harness.store.address import DEFAULT
    from harness.store.store import Store

    return Store(address or os.environ.get("HARNESS_STORE") or DEFAULT, new=False)
