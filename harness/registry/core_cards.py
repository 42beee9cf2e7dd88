"""Cards of the executors that the harness ships itself.

They have no entry points, which would have all of its code looked through for changes at every start: no number depends on an executor.
"""

from __future__ import annotations

from harness.registry.card import Card
from harness.registry.file_ownership import CORE_DISTRIBUTION, installed_version

EXECUTORS = {
    "inline": ("harness.worker.inline:InlineExecutor", "Jobs in this process, on the first of the devices: for debuggers and notebooks."),
    "local": ("harness.dispatch.local:LocalExecutor", "Jobs in processes of this machine: one per device, or as many as suit its cores."),
}


def core_cards() -> list[Card]:
    """The cards, which are part of every registry."""
    version = installed_version(CORE_DISTRIBUTION) or ""
    return [
        Card("executors", name, CORE_DISTRIBUTION, version, target, summary=said, doc=said) for name, (target, said) in EXECUTORS.items()
    ]
