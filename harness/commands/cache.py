"""``harness cache``: what the store holds, and removal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.options import StoreAddress
from harness.commands.terminal import print_renderable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from harness.store.prune import PruneResult, StoreListing
    from harness.store.store import Store

app = typer.Typer(help="The store: what it holds, and removal.", no_args_is_help=True, rich_markup_mode=None)


@app.command("info")
def cache_info_command(store: StoreAddress = None) -> None:
    """Show what the store holds."""
    from harness.store.prune import list_store

    print_renderable(_store_table(list_store(_open_store(store))))


@app.command("prune")
def cache_prune_command(
    store: StoreAddress = None,
    older: Annotated[str | None, typer.Option(help="Remove what was not written to for this long: 30d, 12h.")] = None,
    size: Annotated[str | None, typer.Option(help="Remove the oldest until the store is no larger: 500M, 20G.")] = None,
    component: Annotated[str | None, typer.Option(help="Remove what this explainer or metric made (a name or a glob).")] = None,
    inputs: Annotated[bool, typer.Option("--inputs", help="Remove the images that are kept because they are costly to make.")] = False,
    dry: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Remove results by age, size or component, and kept images."""
    from harness.store.prune import prune

    if older is None and size is None and component is None and not inputs:
        raise typer.BadParameter("say what to remove: --older, --size, --component or --inputs")
    place = _open_store(store)
    if component is not None:
        _check_component(place, component)
    typer.echo(_prune_line(prune(place, older=older, size=size, component=component, inputs=inputs, dry=dry), dry))


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
    from harness.store.address import default_address
    from harness.store.store import Store

    return Store(address or default_address(), new=False)


def _store_table(listing: StoreListing) -> RenderableType:
    """A store's entries by component: an explanation with its scores, predictions, a trained model, or what all explainers share."""
    from datetime import datetime

    from rich.console import Group
    from rich.text import Text

    from harness.runs.plan_report import make_table
    from harness.text_format import format_count

    table = make_table(["component"], ["entries", "files", "MB", "last written"])
    for name in dict.fromkeys(group.component for group in listing.groups):
        groups = [group for group in listing.groups if group.component == name]
        last = datetime.fromtimestamp(max(group.written for group in groups)).strftime("%Y-%m-%d %H:%M")
        size = sum(group.bytes for group in groups) / 1e6
        table.add_row(name, str(len(groups)), str(sum(group.files for group in groups)), f"{size:.1f}", last)
    entries, facts = format_count(len(listing.groups), "entry", "entries"), format_count(listing.facts, "fact")
    what = "explanations with their scores, predictions, trained weights, what explainers share"
    total = f"{listing.shown}: {listing.bytes / 1e6:.1f} MB in {entries} ({what}), {facts}"
    if listing.inputs:
        count = format_count(len(listing.inputs), "image")
        total += f", {count} ({listing.input_bytes / 1e6:.1f} MB) kept as costly to make"
    if listing.damaged:
        total += f", {format_count(listing.damaged, 'damaged file')} set aside in {listing.shown}/damaged"
    return Group(table, Text(), Text(total))


def _prune_line(removed: PruneResult, dry: bool) -> str:
    """What was removed, or would be: entries as they are listed, and scores out of others."""
    from harness.text_format import format_count

    scores = f", and {format_count(removed.scores, 'column')} of scores out of others" if removed.scores else ""
    entries = format_count(len(removed.groups), "entry", "entries")
    inputs = f" and {format_count(len(removed.inputs), 'kept image')}" if removed.inputs else ""
    return f"{'would remove' if dry else 'removed'} {entries}{inputs} ({removed.bytes / 1e6:.1f} MB){scores}"
