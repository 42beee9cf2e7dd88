"""Preparation of commands: components, a spec, a run and its plan from their arguments."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from harness.commands.terminal import make_console, show_status
from harness.processes.forked_process import start_fork_server
from harness.store.address import default_address, is_begun

if TYPE_CHECKING:
    from harness.planning.plan import Plan
    from harness.registry.registry import Registry
    from harness.runs.run import Run
    from harness.spec.loaded_spec import LoadedSpec


def start_imports(spec: Path, settings: list[str], *, store: str | None, fresh: bool, executor: str | None) -> None:
    """Have a fork server begin to import what workers need before this process imports anything, if it is plain that they will be needed.

    That is guessed from the text of the spec: where it names an executor or a store of its own, `make_run` decides.
    """
    text = " ".join([spec.read_text("utf-8", "replace") if spec.is_file() else "", *settings, f"executor: {executor or 'local'}"])
    chosen = re.search(r"\bexecutor\s*[:=](?!\s*(xai-harness/)?local\b)|\bstore(\.path)?\s*[:=]", text)
    if chosen is None and (fresh or not is_begun(store or default_address())):
        start_fork_server()


def discover_registry(plugins: list[Path], log: bool = False) -> Registry:
    """All installed components, and those of these files; a terminal, or a ``log``, shows what has to be imported to be known."""
    from harness.registry.registry import Registry

    with show_status(log=log) as show:
        return Registry.discover(plugins, importing=lambda source: show(f"importing {source}, which is new or has changed"))


def load_spec_file(spec: Path, settings: list[str], components: Registry, files: bool = False) -> LoadedSpec:
    """The spec with its settings; ``files``: that the files which parameters name are there is checked too."""
    from harness.spec.load import load_spec

    return load_spec(spec, components, [_parse_setting(text) for text in settings], files=files)


def _parse_setting(text: str) -> tuple[str, str]:
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise typer.BadParameter(f"--set {text}: write PATH=VALUE, as in --set seed=1")
    return path, value


def prepare_run(spec: Path, settings: list[str], plugins: list[Path], log: bool = False, **options: Any) -> Run:
    """The run of a spec; ``options`` are those of `make_run`, ``log`` is that of `discover_registry`."""
    components = discover_registry(plugins, log)
    return make_run(load_spec_file(spec, settings, components), components, plugins, **options)


def make_run(
    loaded: LoadedSpec, components: Registry, plugins: list[Path], *, out: Path | None = None, store: str | None = None, **options: Any
) -> Run:
    """The run of a spec that is loaded; ``options`` are those of `harness.runs.run.Run`.

    Where nothing is stored yet, workers will be needed: what these import is being imported while this process goes on.
    """
    address = store or loaded.spec.store.path or default_address()
    if loaded.spec.execution.executor == "local" and (options.get("fresh") or not is_begun(address)):
        start_fork_server()
    from harness.runs.run import Run

    return Run(loaded, components, out, store, plugins=plugins, **options)


def plan_run(run: Run) -> Plan:
    """The plan of a run that is not begun; what takes loading is said meanwhile."""
    from harness.runs.progress import make_reporter

    try:
        with make_reporter(None, make_console(stderr=True)) as progress:
            return run.plan(progress.stage)
    finally:
        run.executor.stop()


def print_preflight(run: Run, plan: Plan) -> None:
    """Print notes and gaps of a plan."""
    from harness.runs.plan_report import preflight_lines
    from harness.text_format import print_line

    for line in preflight_lines(plan, run.registry):
        print_line(make_console(), line)
