"""From an address to the folder of a store."""

from __future__ import annotations

from pathlib import Path

from harness.store.address import protocol_of
from harness.store.folder import Folder
from harness.store.local_folder import LocalFolder


def open_folder(address: Path | str) -> Folder:
    """The folder that a path or a URL names; raises `StoreError` where no driver takes the URL, or it does not answer."""
    text = str(address)
    if protocol_of(text) is None:
        return LocalFolder(Path(address))
    from harness.store.remote_folder import RemoteFolder

    return RemoteFolder(text)
