"""Facts of how a run was computed: settings, components and where it ran."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.leaderboard.number_format import bytes_text, printable
from harness.leaderboard.sections.verdicts import explain_test
from harness.report.component_cards import parameter_text
from harness.results.data_model import Group, Results
from harness.results.document import Leaderboard

Fact = tuple[str, str]
TARGETS = {"predicted": "the class that the model predicts", "label": "the class of the label"}


def settings_facts(document: Leaderboard, group: Group) -> Iterator[Fact]:
    """How the numbers of a group were made of scores."""
    settings, explained = document.settings, group.explained
    if explained.target is not None:
        yield "explained", TARGETS.get(str(explained.target), f"class {explained.target}")
    if settings.nulls:
        yield "nulls", ", ".join(map(printable, settings.nulls))
    if settings.reference is not None:
        yield "reference", printable(settings.reference)
    yield "marks ▲ ▼ ◆ °", explain_test(settings, "all marks of this data set and model")
    yield "intervals", f"{100 * settings.confidence:g} %; those of skill rest on {settings.bootstrap:,} resamples of the samples"
    if settings.weights:
        yield "weights that were set", ", ".join(f"{printable(name)} {weight:g}" for name, weight in settings.weights.items())
    if explained.seed is not None:
        yield "seed", str(explained.seed)
    if explained.precision is not None:
        yield "precision of the model", explained.precision
    if explained.dtype is not None:
        yield "maps are kept and scored as", explained.dtype
    for kind, info in group.recipes.items():
        params = ", ".join(f"{name}: {parameter_text(value)}" for name, value in info.params.items())
        yield kind, printable(f"{info.component} of {info.plugin} {info.version}{f' ({params})' if params else ''}")


def provenance_facts(results: Results) -> Iterator[Fact]:
    """When, where and with what the run was made."""
    found = results.provenance
    names = {"time": "finished", "command": "command", "python": "Python", "platform": "platform", "git": "revision", "seed": "seed"}
    for key, name in names.items():
        if found.get(key) is not None:
            yield name, printable(str(found[key]), 300)
    hardware = found.get("hardware")
    if isinstance(hardware, Mapping):
        yield "hardware", printable("; ".join(f"{name} {_hardware_text(name, value)}" for name, value in hardware.items()), 300)
    if isinstance(packages := found.get("packages"), Mapping):
        yield "packages", ", ".join(printable(f"{name} {version}", 80) for name, version in packages.items())
    if isinstance(merged := found.get("merged"), list):
        yield "merged of", ", ".join(printable(str(one.get("name", "a run")), 80) for one in merged if isinstance(one, Mapping))


def _hardware_text(name: str, value: Any) -> str:
    return bytes_text(value) if name == "memory" and isinstance(value, int) else str(value)
