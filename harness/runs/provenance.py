"""Provenance of numbers: versions, revision, hardware, seed, time."""

from __future__ import annotations

import importlib.metadata as metadata
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.dispatch.devices import count_usable_cores, cpu_name, visible_gpus
from harness.registry.distributions import direct_requirements
from harness.store.address import redact_credentials


def collect_provenance(name: str, seed: int, distributions: Iterable[str]) -> dict[str, Any]:
    """The provenance of a run as JSON; ``distributions`` are those whose components it uses."""
    return {
        "name": name,
        "seed": seed,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(map(redact_credentials, sys.argv)),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": installed_versions(["xai-harness", *distributions]),
        "git": git_revision(Path.cwd()),
        "hardware": {"cpu": cpu_name(), "cores": count_usable_cores(), "memory": _total_memory(), "gpus": len(visible_gpus())},
    }


def installed_versions(distributions: Iterable[str]) -> dict[str, str]:
    """Versions of distributions and of their direct requirements, as far as they are installed."""
    found: dict[str, str] = {}
    for name in distributions:
        with suppress(metadata.PackageNotFoundError):
            for candidate in (name, *direct_requirements(metadata.distribution(name))):
                with suppress(metadata.PackageNotFoundError):
                    found[candidate] = metadata.version(candidate)
    return dict(sorted(found.items()))


def git_revision(folder: Path) -> str | None:
    """The commit of the working folder, ``-dirty`` if files are changed; None outside a repository or without git."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            cwd=folder, capture_output=True, text=True, check=False, timeout=10,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return described.stdout.strip() or None


def _total_memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
