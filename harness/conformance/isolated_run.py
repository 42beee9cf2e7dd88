"""Runs checks in a child process, so that a component that kills its process or cannot be interrupted fails a check and no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from harness.conformance.results import CheckResult
from harness.conformance.run import TIME_LIMIT, list_check_names, run_checks
from harness.processes.child_process import ChildProcess
from harness.registry.card import Card
from harness.registry.registry import Registry

START_TIMEOUT = 120.0
"""Seconds that the child may take to start."""


def run_checks_isolated(
    registry: Registry, cards: Sequence[Card], *, limit: float = TIME_LIMIT
) -> Iterator[tuple[Card, list[CheckResult]]]:
    """As `harness.conformance.run.run_checks` of each card, in a child process; for installed components and those of plugin files.

    All are checked in one child. The check at which it ends has failed, the checks after it are skipped, and a new child goes on with the
    next card. Raises ``RuntimeError`` if a child ends before the first check.
    """
    found = _run_children(registry, [card for card in cards if card.error is None], limit)
    for card in cards:
        yield card, next(found) if card.error is None else run_checks(registry, card)


def _run_children(registry: Registry, cards: Sequence[Card], limit: float) -> Iterator[list[CheckResult]]:
    """The results of one card that is not broken after the other."""
    waiting = list(cards)
    while waiting:
        request = {
            "components": [{"kind": card.kind, "name": card.qualified} for card in waiting],
            "plugins": [str(path.resolve()) for path in registry.plugins],
            "limit": limit,
        }
        for results in _run_child(waiting, request, limit):
            waiting.pop(0)
            yield results


def _run_child(cards: Sequence[Card], request: Mapping[str, Any], limit: float) -> Iterator[list[CheckResult]]:
    """The results of one card after the other; those of the card at which the child ends are the last."""
    asked = iter(list(cards))
    results: list[CheckResult] = []
    current: str | None = None
    patience = START_TIMEOUT
    with closing(ChildProcess("harness.conformance", request)) as child:
        while (message := child.receive(patience)) is not None:
            patience = 2 * limit + 5  # the child itself stops a check that takes too long, if it can
            if "begin" in message:
                current = message["begin"]
            elif "result" in message:
                results.append(CheckResult(**message["result"]))
                current = None
            else:
                next(asked)
                yield results
                results = []
    ended = f"ended ({child.describe_exit()})"
    if patience == START_TIMEOUT:
        raise RuntimeError(f"the checks did not start: their process {ended}")
    card = next(asked, None)
    if card is not None:
        culprit = current or list_check_names(card.kind)[len(results)]
        results.append(CheckResult(culprit, "failed", f"the process that ran the check {ended}"))
        rest = list_check_names(card.kind)[len(results) :]
        yield results + [CheckResult(name, "skipped", "an earlier check ended the process") for name in rest]
