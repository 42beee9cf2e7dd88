"""A fork server for the tests of one module, which their children come from where they ask for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from harness.processes import forked_process
from harness.processes.forked_process import ADDRESS_VARIABLE, OwnServer


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    made = OwnServer(idle=1e6)
    yield made
    made.end()


@pytest.fixture
def choose(server: OwnServer, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have children come from the server, or be new interpreters."""

    def choose(way: str) -> None:
        monkeypatch.setenv(ADDRESS_VARIABLE, {"forked": server.address, "new": forked_process.OFF}[way])

    return choose
