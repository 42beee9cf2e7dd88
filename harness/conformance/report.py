"""Results of checks as JSON, for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.metadata import version

from harness.api.version import API_VERSION
from harness.conformance.results import CheckResult, exit_status
from harness.registry.card import Card, singular

REPORT_VERSION = "1.0"


def conformance_report(checked: Iterable[tuple[Card, list[CheckResult]]]) -> str:
    """One object: versions, whether all keep every rule, and for each component its checks with status (`CheckResult`) and message."""
    components = [
        {
            "kind": singular(card.kind),
            "name": card.name,
            "distribution": card.distribution,
            "version": card.version,
            "conformant": exit_status(results) == 0,
            "checks": [{"name": result.name, "status": result.status, "message": result.message} for result in results],
        }
        for card, results in checked
    ]
    report = {
        "schema": REPORT_VERSION,
        "harness": version("xai-harness"),
        "api": API_VERSION,
        "conformant": all(component["conformant"] for component in components),
        "components": components,
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"
