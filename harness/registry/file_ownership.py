"""Owners of files: a distribution's that is installed under a version, the interpreter's, the harness's own, or somebody's who edits it."""

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

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

import harness

CORE_DISTRIBUTION = "xai-harness"
SYSTEM_DATA_FOLDERS = tuple(f"/usr/share/{name}" for name in ("fonts", "locale", "mime", "zoneinfo"))
SYSTEM_FOLDERS = ("/dev", "/etc", "/lib", "/lib64", "/proc", "/sys", "/usr/lib", "/usr/lib64", *SYSTEM_DATA_FOLDERS)


@cache
def _stdlib_folders() -> tuple[str, ...]:
    """Folders of the standard library."""
    return tuple({str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platstdlib")})


@cache
def _core_folder() -> str:
    return str(Path(next(iter(harness.__path__))).resolve())


def is_core_file(path: str) -> bool:
    """Whether a file is the harness's own, whose changes `IDENTITY_VERSION` stands for."""
    return is_within(path, _core_folder())


def is_within(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies in it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


@lru_cache(maxsize=65536)
def is_versioned(path: str) -> bool:
    """Whether a file's content is known by a version: of the interpreter, the system, the harness or an installed distribution."""
    if path.startswith("<") or is_core_file(path) or any(is_within(path, folder) for folder in SYSTEM_FOLDERS):
        return True
    root = import_root_of(path)
    if root is not None and _find_owner(root, path[len(root) + 1 :].split("/")[0]) is not None:
        return True
    return any(is_within(path, folder) and "/site-packages/" not in path and "/dist-packages/" not in path for folder in _stdlib_folders())


def distribution_of(path: str) -> tuple[str, str] | None:
    """Name and public version of the installed, not editable distribution that a file belongs to; None for the harness's and others."""
    root = import_root_of(path)
    found = None if root is None else _find_owner(root, path[len(root) + 1 :].split("/")[0])
    return None if found is None or found[0] == CORE_DISTRIBUTION else found


def public_version(version: str) -> str:
    """A version without its local part, which names a build."""
    try:
        return Version(version).public
    except InvalidVersion:
        return version


def import_root_of(path: str) -> str | None:
    """The folder on ``sys.path`` that a file is imported from: the innermost that it lies in."""
    return max((folder for folder in _search_roots(tuple(sys.path)) if path.startswith(folder + "/")), key=len, default=None)


@lru_cache(maxsize=8)
def _search_roots(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(Path(part).resolve()) for part in path if part and Path(part).is_dir())


@lru_cache(maxsize=4096)
def _find_owner(root: str, top: str) -> tuple[str, str] | None:
    """The distribution in an installation folder that a top-level name belongs to, and its public version."""
    top, there = top.partition(".")[0], _distributions_in(root)
    named = ((name, version) for name, version, tops, _ in there if top in tops)
    listed = ((name, version) for name, version, _, path in there if top in _recorded_top_levels(path))  # slow to read, and seldom needed
    return next(named, None) or next(listed, None)


@lru_cache(maxsize=64)
def _distributions_in(root: str) -> tuple[tuple[str, str, frozenset[str], str], ...]:
    """Name, public version, the top-level names that are cheap to know, and place of what is installed in a folder and not editable."""
    found = []
    for path in _dist_info_folders(root):
        name, _, version = path.name.removesuffix(".dist-info").partition("-")
        if editable_project(_read_text(path / "direct_url.json")) is None:
            tops = {name.lower().replace(".", "_"), name, *_read_text(path / "top_level.txt").split()}
            points = re.findall(r"=\s*([A-Za-z_]\w*)", _read_text(path / "entry_points.txt"))
            found.append((canonicalize_name(name), public_version(version), frozenset({*tops, *points}), str(path)))
    return tuple(found)


def installed_version(name: str) -> str | None:
    """The public version of an installed distribution."""
    known = _installed_versions().get(canonicalize_name(name))
    if known is not None:
        return known
    try:
        return public_version(metadata.version(name))  # installed in an older way
    except metadata.PackageNotFoundError:
        return None


@cache
def _installed_versions() -> dict[str, str]:
    """By name, as the names of folders tell: reading what is in them takes seconds."""
    found: dict[str, str] = {}
    for root in _search_roots(tuple(sys.path)):
        for path in _dist_info_folders(root):
            name, _, version = path.name.removesuffix(".dist-info").partition("-")
            found.setdefault(canonicalize_name(name), public_version(version))
    return found


def _dist_info_folders(root: str) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(root) if entry.name.endswith(".dist-info")]
    except OSError:
        return []


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def editable_project(direct_url: str | None) -> str | None:
    """The folder that a distribution is installed from in place by what its ``direct_url.json`` says, or None."""
    try:
        found = json.loads(direct_url or "{}")
        return str(Path(unquote(urlparse(found["url"]).path)).resolve()) if found.get("dir_info", {}).get("editable") else None
    except (ValueError, KeyError, AttributeError):
        return None


@cache
def editable_projects() -> tuple[str, ...]:
    """The folders of distributions that are installed in place."""
    infos = (info for root in _search_roots(tuple(sys.path)) for info in _dist_info_folders(root))
    return tuple(filter(None, (editable_project(_read_text(info / "direct_url.json")) for info in infos)))


@lru_cache(maxsize=4096)
def _recorded_top_levels(info: str) -> frozenset[str]:
    """The top-level names in a distribution's list of files."""
    return frozenset(re.split(r"[/,.]", line, maxsplit=1)[0] for line in _read_text(Path(info) / "RECORD").splitlines())


def forget_installed() -> None:
    """Look again at what is installed: after something was."""
    for remembered in (
        is_versioned,
        _find_owner,
        _distributions_in,
        _recorded_top_levels,
        _search_roots,
        _installed_versions,
        editable_projects,
    ):
        remembered.cache_clear()
