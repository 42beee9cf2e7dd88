"""The child process of `harness.conformance.isolated_run`: reads one request, writes one JSON line per check, result and
component.

What components print goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path


def main() -> None:
    """Serve one request: ``{"components": [{"kind", "name"}, …], "path", "plugins", "params", "expected", "limit"}``."""
    request = json.load(sys.stdin)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    from harness.conformance.run import iterate_checks
    from harness.processes.launch import adopt_search_path
    from harness.registry.registry import Registry

    adopt_search_path(request.get("path"))
    registry = Registry.discover([Path(path) for path in request["plugins"]])
    for component in request["components"]:
        card = registry.card(component["kind"], component["name"])
        for result in iterate_checks(
            registry,
            card,
            params=request["params"],
            expected_failures=request["expected"],
            limit=request["limit"],
            begin=lambda name: print(json.dumps({"begin": name}), file=out),
        ):
            print(json.dumps({"result": asdict(result)}), file=out)
        print(json.dumps({"done": component["name"]}), file=out)


if __name__ == "__main__":
    main()
