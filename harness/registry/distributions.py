"""Installed distributions that ship components: a fast look at entry points, versions and source files, which imports nothing."""

from __future__ import annotations

import hashlib
import importlib.metadata as metadata
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from harness.api.declarations import Kind
from harness.api.version import API_VERSION
from harness.registry.canonical_json import json_digest
from harness.registry.card import KIND_BY_GROUP
from harness.registry.file_ownership import CORE_DISTRIBUTION, editable_project, installed_version
from harness.registry.file_states import ABSENT, FileState, content_digest_of, file_state_of

API_GROUP = "harness.api"
HOOK_GROUP = "harness"
API_MAJOR = API_VERSION.split(".")[0]


@dataclass(frozen=True)
class ComponentEntryPoint:
    """One component's entry point."""

    kind: Kind
    name: str
    target: str


@dataclass
class PluginDistribution:
    """A distribution and the components that it declares.

    Attributes:
        name, version: of the distribution.
        entries: its components.
        hooks: its entry points of the group ``harness``: (name, target).
        api: the major version of the plugin API that it says it was built for; None if it says nothing.
        editable: whether it is installed in place.
        requirements: public versions of its installed direct requirements, without extras and without the harness itself.
    """

    name: str
    version: str
    entries: list[ComponentEntryPoint]
    hooks: list[tuple[str, str]] = field(default_factory=list)
    api: str | None = None
    editable: bool = False
    requirements: Mapping[str, str] = field(default_factory=dict)

    @property
    def compatible(self) -> bool:
        """Whether this harness speaks the plugin API that the distribution was built for."""
        return self.api in (None, API_MAJOR)

    @cached_property
    def sources(self) -> list[tuple[str, Path]]:
        """Files of the top-level packages that the components live in: names relative to the package's parent, and paths."""
        packages = sorted({entry.target.split(":")[0].split(".")[0] for entry in self.entries})
        return sorted(file for package in packages for file in _files_of_package(package))

    @cached_property
    def states(self) -> list[tuple[str, FileState]]:
        """Name and state of each source file."""
        return [(name, file_state_of(str(path))) for name, path in self.sources]

    def data_digest(self) -> str:
        """SHA-256 (hex) of the names and contents of what lies among the source files and is no code: any of it may be read by any."""
        return digest_of_files([(name, path) for name, path in self.sources if path.suffix != ".py"])


def digest_of_files(files: Iterable[tuple[str, Path]]) -> str:
    """SHA-256 (hex) over names and contents."""
    whole = hashlib.sha256()
    for name, path in files:
        if (content := content_digest_of(str(path))) != ABSENT:
            whole.update(f"{name}\0{content}\n".encode())
    return whole.hexdigest()


def _files_of_package(package: str) -> Iterator[tuple[str, Path]]:
    try:
        spec = find_spec(package)
    except (ImportError, ValueError, AttributeError):
        return
    if spec is None:
        return
    if spec.submodule_search_locations is None:
        if spec.origin and spec.has_location:
            yield Path(spec.origin).name, Path(spec.origin)
        return
    for location in spec.submodule_search_locations:
        root = Path(location)
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if name != "__pycache__" and not name.startswith("."))
            for name in sorted(names):
                if not name.startswith(".") and not name.endswith((".pyc", ".pyo")):
                    path = Path(folder, name)
                    yield f"{package}/{path.relative_to(root).as_posix()}", path


def find_plugin_distributions() -> tuple[list[PluginDistribution], list[str]]:
    """Distributions that ship components or hooks, and what is wrong with the metadata of those that cannot be read."""
    found: dict[str, PluginDistribution] = {}
    problems = []
    seen = set()
    for distribution in metadata.distributions():
        try:
            text = distribution.read_text("entry_points.txt") or ""
            if "[harness" not in text:
                continue
            name = distribution.metadata["Name"]
            if canonicalize_name(name) not in seen:
                seen.add(canonicalize_name(name))
                found[name] = _read_distribution(distribution)
        except Exception as error:
            place = getattr(distribution, "_path", distribution)
            problems.append(f"{place}: its metadata cannot be read: {type(error).__name__}: {error}")
    return sorted(found.values(), key=lambda item: canonicalize_name(item.name)), problems


def _read_distribution(distribution: metadata.Distribution) -> PluginDistribution:
    entries, hooks, majors = [], [], []
    for point in distribution.entry_points:
        if point.group in KIND_BY_GROUP:
            entries.append(ComponentEntryPoint(KIND_BY_GROUP[point.group], point.name, point.value.strip()))
        elif point.group == HOOK_GROUP:
            hooks.append((point.name, point.value.strip()))
        elif point.group == API_GROUP:
            majors.append(point.name)
    return PluginDistribution(
        name=distribution.metadata["Name"],
        version=distribution.version,
        entries=sorted(entries, key=lambda entry: (entry.kind, entry.name, entry.target)),
        hooks=hooks,
        api=None if not majors else API_MAJOR if API_MAJOR in majors else max(majors),
        editable=editable_project(distribution.read_text("direct_url.json")) is not None,
        requirements=_installed_requirements(distribution),
    )


def core_identity() -> tuple[str, str]:
    """The harness's own version, and a digest (hex) of it, of the versions that it requires and of its source files."""
    found = _read_distribution(metadata.distribution(CORE_DISTRIBUTION))
    files = digest_of_files(sorted(_files_of_package("harness")))
    return found.version, json_digest([found.version, found.requirements, files])


def _installed_requirements(distribution: metadata.Distribution) -> dict[str, str]:
    found = {}
    for name in direct_requirements(distribution):
        version = installed_version(name)
        if version is not None and canonicalize_name(name) != CORE_DISTRIBUTION:
            found[canonicalize_name(name)] = version
    return dict(sorted(found.items()))


def missing_requirements(name: str) -> list[str]:
    """What the distribution of that name requires and is not installed; nothing if it is no distribution itself (a plugin file)."""
    try:
        required = list(direct_requirements(metadata.distribution(name)))
    except (metadata.PackageNotFoundError, ValueError):
        return []
    return [canonicalize_name(each) for each in required if installed_version(each) is None]


def direct_requirements(distribution: metadata.Distribution) -> Iterator[str]:
    """The names of what a distribution requires here, without its extras."""
    for text in distribution.requires or ():
        with suppress(InvalidRequirement):
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                yield requirement.name
