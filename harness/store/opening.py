"""From an address to the folder of a store."""

from __future__ import annotations

from pathlib import Path

from harness.store.address import protocol
from harness.store.folder import Folder
from harness.store.local import LocalFolder


def folder_at(address: Path | str) -> Folder:
    """The folder that a path or a URL names; raises `StoreError` where no driver takes the URL, or it does not answer."""
    text = str(address)
    if protocol(text) is None:
        return LocalFolder(Path(address))
    from harness.store.remote import RemoteFolder

    return RemoteFolder(text)
