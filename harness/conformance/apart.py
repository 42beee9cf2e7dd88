"""Runs checks in a child process, so that a component that kills its process or cannot be interrupted fails a check and no more."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from harness.conformance.results import CheckResult
from harness.conformance.run import LIMIT, names_of
from harness.registry.card import Card
from harness.registry.processes import command, environment, search_path
from harness.registry.registry import Registry

START = 120.0
"""Seconds that the child may take to start."""


def run_checks_apart(
    registry: Registry,
    card: Card,
    *,
    params: Mapping[str, Any] | None = None,
    expected_failures: Mapping[str, str] | None = None,
    limit: float = LIMIT,
) -> list[CheckResult]:
    """As `harness.conformance.run.run_checks`, in a child process; for installed components and those of plugin files.

    The check at which the child ends has failed; the checks after it are skipped. Raises ``RuntimeError`` where it ends before the first.
    """
    if card.error is not None:
        return [CheckResult("check_importable", "failed", card.error)]
    request = {
        "kind": card.kind,
        "name": card.qualified,
        "path": search_path(),
        "plugins": [str(path.resolve()) for path in registry.plugins],
        "params": dict(params or {}),
        "expected": dict(expected_failures or {}),
        "limit": limit,
    }
    process = subprocess.Popen(
        command("harness.conformance"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=environment()
    )
    results: list[CheckResult] = []
    current: str | None = None
    for line in _lines(process, json.dumps(request), limit):
        if "begin" in line:
            current = line["begin"]
        else:
            results.append(CheckResult(**line["result"]))
            current = None
    code = process.wait()
    if current is None and not results:
        raise RuntimeError(f"the checks did not start: their process ended ({_how(code)})")
    if current is not None:
        results.append(CheckResult(current, "failed", f"the process that ran the check ended ({_how(code)})"))
        rest = names_of(card.kind)[len(results) :]
        results += [CheckResult(name, "skipped", "an earlier check ended the process") for name in rest]
    return results


def _lines(process: subprocess.Popen[str], request: str, limit: float) -> Iterator[dict[str, Any]]:
    """The child's messages; it is killed when none comes for longer than a check may take."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(request)
    process.stdin.close()
    patience = START
    while True:
        timer = threading.Timer(patience, process.kill)
        timer.start()
        line = process.stdout.readline()
        timer.cancel()
        if not line:
            return
        patience = 2 * limit + 5  # the child itself stops a check that takes too long, where it can
        yield json.loads(line)


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
