"""``harness cache``: what the store holds, and removal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.shared import StoreAddress, print_renderable, report_user_errors

if TYPE_CHECKING:
    from harness.store.store import Store

app = typer.Typer(help="The store: what it holds, and removal.", no_args_is_help=True, rich_markup_mode=None)


@app.command("info")
def cache_info_command(store: StoreAddress = None) -> None:
    """Show what the store holds."""
    from harness.runs.console_reports import store_table
    from harness.store.prune import list_store

    with report_user_errors():
        print_renderable(store_table(list_store(_open_store(store))))


@app.command("prune")
def cache_prune_command(
    store: StoreAddress = None,
    older: Annotated[str | None, typer.Option(help="Remove what was not written to for this long: 30d, 12h.")] = None,
    size: Annotated[str | None, typer.Option(help="Remove the oldest until the store is no larger: 500M, 20G.")] = None,
    component: Annotated[str | None, typer.Option(help="Remove what this explainer or metric made (a name or a glob).")] = None,
    dry: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Remove results from the store by age, size or component."""
    from harness.runs.console_reports import prune_line
    from harness.store.prune import prune

    with report_user_errors():
        if older is None and size is None and component is None:
            raise typer.BadParameter("say what to remove: --older, --size or --component")
        place = _open_store(store)
        if component is not None:
            _check_component(place, component)
        typer.echo(prune_line(prune(place, older=older, size=size, component=component, dry=dry), dry))


def _check_component(store: Store, component: str) -> None:
    """Complain of a name or glob that nothing in the store has."""
    from fnmatch import fnmatchcase

    from harness.registry.naming import did_you_mean
    from harness.store.prune import list_components
    from harness.text_format import format_some
    from harness.user_errors import UserError

    known = list_components(store)
    if not any(fnmatchcase(name, component) for name in known):
        near = did_you_mean(component, known)
        raise UserError(f'--component: nothing in {store.shown} is of "{component}"{near} (in it: {format_some(known) or "nothing"})')


def _open_store(address: str | None) -> Store:
    from harness.store.address import DEFAULT_ADDRESS
    from harness.store.store import Store

    return Store(address or os.environ.get("HARNESS_STORE") or DEFAULT_ADDRESS, new=False)
