"""Inheritance of a child process from the one that starts it: a forked one has the fork server's, which must be no different (Linux)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import harness

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS")
FREE_VARIABLES = (*THREAD_VARIABLES, "PYTHONPATH", "COLUMNS", "LINES", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "CUDA_MODULE_LOADING")
"""Variables that a child may have of its own: no library reads them when it is loaded, or what it has read is set in the child."""
FREE_PREFIXES = ("HARNESS_", "PYTEST_")
STATUS_LINES = ("Uid", "Gid", "Groups", "Umask", "SigBlk", "SigIgn", "CapEff", "NoNewPrivs", "Seccomp", "Cpus_allowed", "Mems_allowed")
INSTALLED_SUFFIXES = (".dist-info", ".egg-info", ".pth", ".egg-link")
CODE_SUFFIXES = (".py", ".pyc", ".so")
CUSTOMISING_MODULES = {"sitecustomize", "usercustomize"}


def child_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's variables, with which the harness can be imported, and more."""
    home = str(Path(next(iter(harness.__path__))).parent)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")])), **(more or {})}


def describe_inheritance() -> dict[str, str]:
    """Identity, limits, masks, priority, places: all that a started process inherits and a forked child of another does not."""
    status = dict(line.partition(":")[::2] for line in Path("/proc/thread-self/status").read_text().splitlines())
    found = {name: status.get(name, "").strip() for name in STATUS_LINES}
    found |= {name: Path("/proc/self", name).read_text() for name in ("limits", "cgroup", "oom_score_adj")}
    found |= {
        f"ns/{name}": str(Path("/proc/self/ns", name).readlink()) for name in sorted(path.name for path in Path("/proc/self/ns").iterdir())
    }
    return found | {"nice": str(os.getpriority(os.PRIO_PROCESS, 0))}


def installation_state(path: Sequence[str]) -> list[tuple[str, int, int]]:
    """Name, time and size of the harness's files of code, and of what tells of the distributions installed in folders."""
    found = [
        (str(file), state.st_mtime_ns, state.st_size)
        for folder in harness.__path__
        for file in sorted(Path(folder).rglob("*.py"))
        if (state := file.stat())
    ]
    for folder in filter(Path.is_dir, map(Path, path)):
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        states = [(entry.path, entry.stat()) for entry in entries if entry.name.endswith(INSTALLED_SUFFIXES)]
        found += [(name, state.st_mtime_ns, state.st_size) for name, state in states]
    return found


def differing_variables(wanted: Mapping[str, str], mine: Mapping[str, str], free: Sequence[str] = ()) -> list[str]:
    """Variables, not free ones nor with one of the prefixes ``free``, that are not the same in two environments."""
    names = {*wanted, *mine} - set(FREE_VARIABLES)
    return sorted(name for name in names if wanted.get(name) != mine.get(name) and not name.startswith((*FREE_PREFIXES, *free)))


def shadowed_modules(folders: Sequence[str], modules: set[str]) -> Iterator[str]:
    """Files in folders that would have been imported instead of one of these top-level modules, or before all."""
    for folder in filter(Path.exists, map(Path, folders)):
        if not folder.is_dir():
            yield str(folder)
            continue
        for entry in os.scandir(folder):
            name = entry.name.partition(".")[0]
            if name in modules | CUSTOMISING_MODULES and (entry.name.endswith(CODE_SUFFIXES) or entry.is_dir()):
                yield entry.path
