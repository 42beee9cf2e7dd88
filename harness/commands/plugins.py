"""``harness plugins``: what is installed, one component's page, its conformance, and new ones."""

from __future__ import annotations

import getpass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.commands.options import ComponentKind, JsonOption, KindOption, PluginFiles
from harness.commands.preparation import discover_registry
from harness.commands.terminal import EXIT_FAILED, print_renderable

if TYPE_CHECKING:
    from harness.registry.registry import Registry


class NewKind(StrEnum):
    """Kinds of components that a new plugin may have."""

    explainer = "explainer"
    metric = "metric"
    model = "model"
    dataset = "dataset"
    executor = "executor"


class NewLicence(StrEnum):
    """Licences that a new plugin may have."""

    apache = "Apache-2.0"
    bsd = "BSD-3-Clause"
    mit = "MIT"


app = typer.Typer(help="Installed components, their pages and checks; new plugins.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def plugins_list_command(
    words: Annotated[list[str] | None, typer.Argument(help="Only what has all of these words: a kind, a name, a category.")] = None,
    kind: KindOption = None,
    long: Annotated[bool, typer.Option("--long", help="All of what each is, and from which distribution.")] = False,
    as_json: JsonOption = False,
    plugin: PluginFiles = [],
) -> None:
    """List what is installed, and what is broken and why.

    `harness plugins list` lists all, `… list metrics` a kind, `… list cam` what has the word.
    """
    from harness.registry.plugin_listing import filter_cards, plugins_list
    from harness.registry.plugin_pages import plugins_json

    components = discover_registry(plugin)
    cards = filter_cards(components.cards(kind.value if kind else None), words or ())
    if words and not cards:
        raise _unknown_component(components, " ".join(words))
    typer.echo(plugins_json(cards)) if as_json else print_renderable(plugins_list(cards, () if words else components.problems, long))


@app.command("show")
def plugins_show_command(name: str, kind: KindOption = None, plugin: PluginFiles = []) -> None:
    """Show one component: its parameters, what it declares, its paper."""
    from harness.registry.plugin_pages import plugin_page

    for card in _find_cards(discover_registry(plugin), name, kind):
        print_renderable(plugin_page(card))


@app.command("check")
def plugins_check_command(
    names: Annotated[list[str], typer.Argument(help="Components, by their names or as distribution/name.")],
    kind: KindOption = None,
    plugin: PluginFiles = [],
    report: Annotated[Path | None, typer.Option(help="Write all results into this file, as JSON.")] = None,
    badge: Annotated[Path | None, typer.Option(help="Write a picture of how many checks passed into this file, as SVG.")] = None,
) -> None:
    """Run the conformance checks on components, all in one process."""
    from harness.conformance.badge import conformance_badge
    from harness.conformance.isolated_run import run_checks_isolated
    from harness.conformance.report import conformance_report
    from harness.conformance.result_tables import components_summary, results_table
    from harness.conformance.results import exit_status

    components = discover_registry(plugin)
    cards = list({(card.kind, card.qualified): card for name in names for card in _find_cards(components, name, kind)}.values())
    statuses, found = {}, []
    for card, results in run_checks_isolated(components, cards):
        print_renderable(results_table(results, card if len(cards) > 1 else None))
        statuses[card.qualified] = exit_status(results)
        found.append((card, results))
    if report is not None:
        report.write_text(conformance_report(found), encoding="utf-8")
    if badge is not None:
        badge.write_text(conformance_badge([result for _, results in found for result in results]), encoding="utf-8")
    if len(cards) > 1:
        print_renderable(components_summary(statuses))
    raise typer.Exit(EXIT_FAILED if any(statuses.values()) else 0)


@app.command("new")
def plugins_new_command(
    name: Annotated[str, typer.Argument(help="The distribution's name, such as xai-my-saliency.")],
    kind: Annotated[NewKind, typer.Option(help="What its component is.")],
    component: Annotated[str | None, typer.Option(help="The component's name [default: NAME without xai- or harness-].")] = None,
    licence: Annotated[NewLicence, typer.Option(help="What others may do with it.")] = NewLicence.apache,
    author: Annotated[str | None, typer.Option(help="Who holds the copyright [default: the user's name].")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder [default: ./NAME].")] = None,
) -> None:
    """Write a new plugin of one component, whose tests pass."""
    from harness.scaffold.distribution import NewDistribution

    made = NewDistribution.called(name, kind.value, component, licence.value, author or getpass.getuser())
    folder = out or Path(name)
    written = made.write(folder)
    typer.echo(f"{folder}: the {kind.value} {made.component}, in {len(written)} files")
    for path in written:
        typer.echo(f"  {path.relative_to(folder)}")
    typer.echo(f'next: cd {folder} && pip install -e ".[test]" && pytest')


def _find_cards(components: Registry, name: str, kind: ComponentKind | None) -> list[Any]:
    """The cards that a name means, of one kind or of all; an error that lists what is near if there is none."""
    kinds = [kind.value] if kind else [each.value for each in ComponentKind]
    found = [card for each in kinds for card in components.named(each, name)]  # type: ignore[arg-type]
    if not found:
        raise _unknown_component(components, name)
    return found


def _unknown_component(components: Registry, name: str) -> Exception:
    """That nothing of the name is installed, and what is near."""
    from harness.registry.errors import UnknownComponent
    from harness.registry.naming import did_you_mean
    from harness.spec.run_spec import RANDOM_MODEL

    if name == RANDOM_MODEL:
        return UnknownComponent(f"{name} is no component: under nulls it gives every row a twin on a model with random weights")
    near = did_you_mean(name, [card.name for card in components.cards()])
    return UnknownComponent(f'no component "{name}"{near}; see harness plugins list')
