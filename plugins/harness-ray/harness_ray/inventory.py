"""The inventory of a machine, of all that a number depends on: the harness, the components and what they require, as plain JSON.

``python -m harness_ray.inventory`` reads ``{"folder", "store", "token", "plugins"}`` and writes ``{"unseen": [path…]}`` if the machine
does not see one of these files, else its inventory. It is a process of its own, as workers are: nothing of the driver's is in it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.api.executors import Registry, core_identity, describe_with_advice, find_plugin_distributions, open_folder, redact_credentials


def inventory(registry: Registry) -> dict[str, Any]:
    """``core_identity`` (version and digest of the harness), ``components`` (identities), and ``distributions`` (versions)."""
    distributions = {item.name: {"version": item.version, "requires": dict(item.requirements)} for item in find_plugin_distributions()[0]}
    components = {f"{card.kind}/{card.qualified}": card.identity for card in registry.cards()}
    return {"core": list(core_identity()), "components": components, "distributions": distributions}


def unseen(request: Mapping[str, Any]) -> list[str]:
    """Places that the run needs to see and this machine does not."""
    files = [Path(request["folder"]), *map(Path, request["plugins"])]
    return [str(file) for file in files if not file.exists()] + _unseen_store(request["store"], request["token"])


def _unseen_store(address: str, token: str) -> list[str]:
    try:
        store = open_folder(address)
        store.read(token)
    except FileNotFoundError:
        return [store.shown()]
    except OSError as error:
        return [f"{redact_credentials(address)} ({describe_with_advice(error)})"]
    return []


def main() -> None:
    """Answer one request."""
    request = json.load(sys.stdin)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    missing = unseen(request)
    answer = {"unseen": missing} if missing else inventory(Registry.discover([Path(path) for path in request["plugins"]]))
    json.dump(answer, out)
    out.flush()


if __name__ == "__main__":
    main()
