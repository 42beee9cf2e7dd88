"""Cards of installed distributions and of plugin files: from the cache, else from a child process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.api.declarations import Kind
from harness.api.version import API_VERSION
from harness.registry import card_cache as cache
from harness.registry.canonical_json import json_digest
from harness.registry.card import Card
from harness.registry.distributions import ComponentEntryPoint, PluginDistribution
from harness.registry.errors import RegistryError
from harness.registry.extraction import ExtractionRequest, extract_facts
from harness.registry.file_ownership import installed_version
from harness.registry.file_states import file_state_of, files_unchanged

Facts = Mapping[str, Any]
DEPENDENCY_FIELDS = ("sources", "states", "uses")


def installed_cards(found: Sequence[PluginDistribution], limit: float, importing: Callable[[str], object]) -> list[Card]:
    """Cards of every component of the distributions; what is not cached is imported by a child, each within ``limit`` seconds."""
    usable = [item for item in found if item.compatible and item.entries]
    there = environment_digest()
    keys = {item.name: _distribution_key(item) for item in usable}
    cached = {item.name: cache.read_facts(item.name, keys[item.name], there) for item in usable}
    facts = {name: known for name, known in cached.items() if known is not None and all(map(_is_current, known["answers"].values()))}
    missing = [item for item in usable if item.name not in facts]
    questions = [_extraction_request(item, entry) for item in missing for entry in item.entries]
    answers = extract_facts(questions, limit, importing) if questions else {}
    for item in missing:
        own = {request.id: answers[request.id] for request in (_extraction_request(item, entry) for entry in item.entries)}
        facts[item.name] = {"data": item.data_digest() if item.editable else None, "answers": own}
        cache.write_facts(item.name, keys[item.name], there, facts[item.name], broken=any("error" in answer for answer in own.values()))
    return [card for item in found for card in _cards_of_distribution(item, facts.get(item.name))]


def _is_current(answer: Facts) -> bool:
    """Whether the files that an answer depends on, and the versions of distributions, are what they were."""
    versions = answer.get("uses", {})
    return files_unchanged(answer.get("states", {})) and all(installed_version(name) == version for name, version in versions.items())


def _extraction_request(item: PluginDistribution, entry: ComponentEntryPoint) -> ExtractionRequest:
    identifier = f"{item.name}:{entry.kind}/{entry.name}={entry.target}"
    return ExtractionRequest(identifier, {"id": identifier, "kind": entry.kind, "target": entry.target})


def _distribution_key(item: PluginDistribution) -> str:
    entries = [[entry.kind, entry.name, entry.target] for entry in item.entries]
    return cache.cache_key(item.name, item.version, item.editable, entries, item.states, item.requirements)


def environment_digest() -> str:
    """Digest of what is installed: the names of all metadata folders on the path."""
    names: set[str] = set()
    for folder in map(Path, sys.path):
        if folder.is_dir():
            names.update(file.name for file in folder.iterdir() if file.name.endswith((".dist-info", ".egg-info")))
    return json_digest(sorted(names))


def _cards_of_distribution(item: PluginDistribution, facts: Facts | None) -> list[Card]:
    cards: dict[tuple[Kind, str], Card] = {}
    for entry in item.entries:
        answer: dict[str, Any] = {"error": f"built for plugin API {item.api}, but this harness speaks {API_VERSION}"}
        if facts is not None:
            answer = {key: value for key, value in facts["answers"][_extraction_request(item, entry).id].items() if key != "killed"}
        traced = {name: answer.pop(name, {}) for name in DEPENDENCY_FIELDS}
        twin = cards.get((entry.kind, entry.name))
        if twin is not None:
            answer = {"error": f"declared twice by {item.name}: {twin.target} and {entry.target}"}
        declared = answer.get("declaration", {}).get("version")
        identity = json_digest([declared or item.version, item.requirements, facts["data"] if facts else None, _dependency_content(traced)])
        known = {"identity": identity, "files": traced["states"]}
        cards[entry.kind, entry.name] = Card(
            entry.kind, entry.name, item.name, item.version, entry.target, item.editable, item.api, **known, **answer
        )
    return list(cards.values())


def file_cards(files: Sequence[Path], limit: float, importing: Callable[[str], object]) -> list[Card]:
    """Cards of everything that plugin files declare.

    Raises:
        RegistryError: a file is missing, does not import, declares nothing, or has the name of another.
    """
    names = [file.name for file in files]
    for file in files:
        if not file.is_file():
            raise RegistryError(f"plugin file {file}: no such file")
        if names.count(file.name) > 1:
            raise RegistryError(f"plugin file {file}: two plugin files are called {file.name}; rename one")
    return [card for file in files for card in _cards_of_file(file, limit, importing)]


def _cards_of_file(file: Path, limit: float, importing: Callable[[str], object]) -> list[Card]:
    facts = _facts_of_file(file, limit, importing)
    if "error" in facts:
        raise RegistryError(f"plugin file {file}: {facts['error']}")
    if not facts["components"]:
        raise RegistryError(
            f"plugin file {file}: declares no component; mark them with @explainer, @metric, @dataset or @model of harness.api"
        )
    cards = []
    for component in facts["components"]:
        answer = {key: value for key, value in component.items() if key not in ("kind", "name", "attribute")}
        identity = json_digest([answer.get("declaration", {}).get("version"), _dependency_content(facts)])
        target = f"{file.name}:{component['attribute']}"
        known = {"identity": identity, "files": facts["states"]}
        cards.append(Card(component["kind"], component["name"], file.name, "", target, True, **known, **answer))
    return cards


def _dependency_content(traced: Facts) -> list[Any]:
    """What a component's own code and what that reads hold, and the versions that it uses, as identities have them."""
    sources = sorted(traced["sources"].values())
    return [sources, traced["uses"] if sources else {}]


def _facts_of_file(file: Path, limit: float, importing: Callable[[str], object]) -> Facts:
    """What a plugin file declares and depends on. What is wrong with it is never remembered: what lacked may be there the next time."""
    path = str(file.resolve())
    key = cache.cache_key(path, file_state_of(path), _sibling_modules(file))
    facts: Facts | None = cache.read_facts(path, key, environment_digest())
    if facts is None or not _is_current(facts):
        facts = extract_facts([ExtractionRequest(path)], limit, importing)[path]
        if not any("error" in answer for answer in (facts, *facts.get("components", []))):
            cache.write_facts(path, key, environment_digest(), facts, broken=False)
    return facts


def _sibling_modules(file: Path) -> list[str]:
    """Names of the modules and packages beside a plugin file: one that is new may be imported in the place of another."""
    return sorted(path.name for path in file.resolve().parent.iterdir() if path.suffix == ".py" or _holds_code(path))


def _holds_code(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(entry.name.endswith(".py") for entry in entries)
    except OSError:
        return False
