"""The child process of `harness.conformance.isolated_run`: sends one message per check, result and component.

Its settings are ``{"components": [{"kind", "name"}, …], "plugins", "limit"}``.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from harness.processes.channel import Channel


def main() -> None:
    """Serve one request."""
    channel = Channel()
    request = channel.settings
    from harness.conformance.run import iterate_checks
    from harness.registry.registry import Registry

    registry = Registry.discover([Path(path) for path in request["plugins"]])
    for component in request["components"]:
        card = registry.card(component["kind"], component["name"])
        for result in iterate_checks(registry, card, limit=request["limit"], begin=lambda name: channel.send({"begin": name})):
            channel.send({"result": asdict(result)})
        channel.send({"done": component["name"]})
    channel.end()


if __name__ == "__main__":
    main()
