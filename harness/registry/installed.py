"""Whose a file is: a distribution's that is installed under a version, the interpreter's, the harness's own, or somebody's who edits it."""

from __future__ import annotations

import importlib.metadata as metadata
import json
import os
import re
import sys
import sysconfig
from functools import cache, lru_cache
from pathlib import Path
from urllib.parse import unquote, urlparse

from packaging.version import InvalidVersion, Version

import harness

CORE = "xai-harness"
SHARED = tuple(f"/usr/share/{name}" for name in ("fonts", "locale", "mime", "zoneinfo"))
SYSTEM = ("/dev", "/etc", "/lib", "/lib64", "/proc", "/sys", "/usr/lib", "/usr/lib64", *SHARED)


@cache
def _interpreter() -> tuple[str, ...]:
    """Folders of the standard library."""
    return tuple({str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platstdlib")})


@cache
def _core() -> str:
    return str(Path(next(iter(harness.__path__))).resolve())


def of_core(path: str) -> bool:
    """Whether a file is the harness's own, whose changes `IDENTITY_VERSION` stands for."""
    return below(path, _core())


def below(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies in it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


@lru_cache(maxsize=65536)
def versioned(path: str) -> bool:
    """Whether a file's content is known by a version: of the interpreter, the system, the harness or an installed distribution."""
    if path.startswith("<") or of_core(path) or any(below(path, folder) for folder in SYSTEM):
        return True
    root = root_of(path)
    if root is not None and _claimed(root, path[len(root) + 1 :].split("/")[0]) is not None:
        return True
    return any(below(path, folder) and "/site-packages/" not in path and "/dist-packages/" not in path for folder in _interpreter())


def distribution_of(path: str) -> tuple[str, str] | None:
    """Name and public version of the installed, not editable distribution that a file belongs to; None for the harness's and others."""
    root = root_of(path)
    found = None if root is None else _claimed(root, path[len(root) + 1 :].split("/")[0])
    return None if found is None or found[0] == CORE else found


def normal(name: str) -> str:
    """A distribution's name as comparisons take it: ``Harness_CAM`` → ``harness-cam``."""
    return re.sub(r"[-_.]+", "-", name).lower()


def public(version: str) -> str:
    """A version without its local part, which names a build."""
    try:
        return Version(version).public
    except InvalidVersion:
        return version


def root_of(path: str) -> str | None:
    """The folder on ``sys.path`` that a file is imported from: the innermost that it lies in."""
    return max((folder for folder in _roots(tuple(sys.path)) if path.startswith(folder + "/")), key=len, default=None)


@lru_cache(maxsize=8)
def _roots(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(Path(part).resolve()) for part in path if part and Path(part).is_dir())


@lru_cache(maxsize=4096)
def _claimed(root: str, top: str) -> tuple[str, str] | None:
    """The distribution in an installation folder that a top-level name belongs to, and its public version."""
    top, there = top.partition(".")[0], _distributions(root)
    named = ((name, version) for name, version, tops, _ in there if top in tops)
    listed = ((name, version) for name, version, _, path in there if top in _recorded(path))  # slow to read, and seldom needed
    return next(named, None) or next(listed, None)


@lru_cache(maxsize=64)
def _distributions(root: str) -> tuple[tuple[str, str, frozenset[str], str], ...]:
    """Name, public version, the top-level names that are cheap to know, and place of what is installed in a folder and not editable."""
    found = []
    for path in _metadata(root):
        name, _, version = path.name.removesuffix(".dist-info").partition("-")
        if _project(path) is None:
            tops = {name.lower().replace(".", "_"), name, *_read(path / "top_level.txt").split()}
            points = re.findall(r"=\s*([A-Za-z_]\w*)", _read(path / "entry_points.txt"))
            found.append((normal(name), public(version), frozenset({*tops, *points}), str(path)))
    return tuple(found)


def version_of(name: str) -> str | None:
    """The public version of an installed distribution."""
    known = _versions().get(normal(name))
    if known is not None:
        return known
    try:
        return public(metadata.version(name))  # installed in an older way
    except metadata.PackageNotFoundError:
        return None


@cache
def _versions() -> dict[str, str]:
    """By name, as the names of folders tell: reading what is in them takes seconds."""
    found: dict[str, str] = {}
    for root in _roots(tuple(sys.path)):
        for path in _metadata(root):
            name, _, version = path.name.removesuffix(".dist-info").partition("-")
            found.setdefault(normal(name), public(version))
    return found


def _metadata(root: str) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(root) if entry.name.endswith(".dist-info")]
    except OSError:
        return []


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _project(info: Path) -> str | None:
    """The folder that a distribution is installed from in place, or None."""
    try:
        found = json.loads(_read(info / "direct_url.json") or "{}")
        return str(Path(unquote(urlparse(found["url"]).path)).resolve()) if found.get("dir_info", {}).get("editable") else None
    except (ValueError, KeyError, AttributeError):
        return None


@cache
def editable_projects() -> tuple[str, ...]:
    """The folders of distributions that are installed in place."""
    return tuple(filter(None, (_project(info) for root in _roots(tuple(sys.path)) for info in _metadata(root))))


@lru_cache(maxsize=4096)
def _recorded(info: str) -> frozenset[str]:
    """The top-level names in a distribution's list of files."""
    return frozenset(re.split(r"[/,.]", line, maxsplit=1)[0] for line in _read(Path(info) / "RECORD").splitlines())


def forget() -> None:
    """Look again at what is installed: after something was."""
    for remembered in (versioned, _claimed, _distributions, _recorded, _roots, _versions, editable_projects):
        remembered.cache_clear()
