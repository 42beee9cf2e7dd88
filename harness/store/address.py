"""The address of a store, as a person writes it: a folder, or the URL of a place that fsspec knows."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote

DEFAULT_ADDRESS = ".harness"
PRIVATE_PROTOCOLS = {"memory"}
"""Protocols whose places other processes do not see."""
_PROTOCOL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(?=://)")
_QUERY = re.compile(r"(?<=://)([^\s?#]*)\?[^\s'\"]*")  # a signature, a token
_LOGIN = re.compile(r"(?<=://)([^/@:?#]*):(.*)@", re.DOTALL)


def default_address(otherwise: str = DEFAULT_ADDRESS) -> str:
    """The address of the store where none is given: ``HARNESS_STORE``, else ``otherwise``."""
    return os.environ.get("HARNESS_STORE") or otherwise


def is_begun(address: str) -> bool:
    """Whether something may be in a store: there is such a folder, or it is a URL."""
    return protocol_of(address) is not None or Path(address).exists()


def protocol_of(address: str) -> str | None:
    """The protocol of a URL, in lower case; None if the address is a path."""
    found = _PROTOCOL.match(address)
    return found and found[0].lower()


def is_private(address: str) -> bool:
    """Whether only the process that uses it sees what is there."""
    return protocol_of(address) in PRIVATE_PROTOCOLS


def redact_credentials(text: str) -> str:
    """The text without the password, or the query, that a URL in it carries; the name of who logs in stays."""
    return _QUERY.sub(r"\1?***", _LOGIN.sub(r"\1@", text))


def find_secrets(address: str) -> list[str]:
    """Secrets that no message may show: the password that a URL carries, as it is written and as it is meant, and its query."""
    if protocol_of(address) is None:
        return []
    login, query = _LOGIN.search(address), address.partition("?")[2]
    found = [*((login[2], unquote(login[2])) if login else ()), query]
    return [text for text in dict.fromkeys(found) if text]
