"""Content of a file of ``torch.save``, read without importing or calling anything that it names."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_WANTED = re.compile(r"Can only (SETITEMS?|append|extend) .*but got <class '(?P<name>[^']*)'>")


class Unloadable(ValueError):
    """A file is no checkpoint that can be read; the message says why, without the file's name, in one line."""


class Foreign:
    """Stands for an object of a class that the file names: takes whatever it was made of, and does nothing.

    Attributes:
        origin: the class's name, as the file has it.
    """

    origin = ""

    def __new__(cls, *args: object, **options: object) -> Any:
        """A stand-in, whatever the object was to be made of."""
        return super().__new__(cls)

    def __init__(self, *args: object, **options: object) -> None:
        """Forget what the object was made of."""

    def __setstate__(self, state: object) -> None:
        """Forget what the object held."""


class _Mapping:
    """Makes dictionaries where the file has a class of its own for them, such as ``AttributeDict``."""

    def __new__(cls, *args: object, **options: object) -> Any:
        return {}


class _List:
    """Makes lists where the file has a class of its own for them."""

    def __new__(cls, *args: object, **options: object) -> Any:
        return []


def contents(path: Path) -> Any:
    """Content that ``torch.save`` or safetensors wrote into a file; objects of other classes than tensors and plain values are `Foreign`.

    Reads with ``weights_only``: classes that the file names are not imported, and stand-ins are made in their place. Raises `Unloadable`.
    """
    try:
        return load_file(path) if path.suffix == ".safetensors" else _unpickled(path)
    except Unloadable:
        raise
    except Exception as error:  # whatever reading raises, the file is no checkpoint
        raise Unloadable(f"is no checkpoint that can be read without running code: {_instead(path) or _first_line(error)}") from error


def _unpickled(path: Path) -> Any:
    names = torch.serialization.get_unsafe_globals_in_checkpoint(str(path)) if _is_plain_zip(path) else ["argparse.Namespace"]
    kinds: dict[str, type] = {
        name: type("Foreign", (Foreign,), {"origin": name, "__module__": __name__, "__qualname__": name}) for name in names
    }
    while True:
        try:
            with torch.serialization.safe_globals([(kind, name) for name, kind in kinds.items()]):
                return torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            wanted = _WANTED.search(str(error))
            name = wanted["name"].removeprefix(f"{__name__}.") if wanted else ""
            if wanted is None or not issubclass(kinds.get(name, object), Foreign):
                raise
            kinds[name] = _Mapping if wanted[1].startswith("SET") else _List


def _is_plain_zip(path: Path) -> bool:
    """Whether a file is what ``torch.save`` writes since 2020; TorchScript's archives, which hold code, are refused."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as file:
        members = [name.partition("/")[2] for name in file.namelist()]
        if "constants.pkl" in members:
            raise Unloadable(
                "is a TorchScript archive, which holds code: save the state dict of the module it was made of, with torch.save(…)"
            )
        _check_sums(file)
    return True


def _check_sums(file: zipfile.ZipFile) -> None:
    """Raise `Unloadable` for content that is not what was written: ``torch.load`` looks at no checksum, and would give other weights."""
    for member in file.infolist():
        if member.CRC:  # 0 where it was saved without
            try:
                with file.open(member) as stream:
                    while stream.read(2**20):
                        pass
            except zipfile.BadZipFile:
                name = member.filename.partition("/")[2]
                raise Unloadable(f"is damaged ({name} does not have its checksum): copy or save it again") from None


def _instead(path: Path) -> str | None:
    """What a file is that is no checkpoint, by its first bytes."""
    with path.open("rb") as file:
        start = file.read(64)
    if not start:
        return "the file is empty"
    if start.startswith(b"version https://git-lfs"):
        return "it is a pointer of Git LFS and not the file: run `git lfs pull`"
    if start.startswith(b"\x89HDF"):
        return "it is of HDF5, as Keras writes"
    if start.lstrip()[:1] == b"<":
        return "it is a page of the web and not the file: download it again"
    if not start.startswith((b"PK", b"\x80")):
        return "it is neither what torch.save writes nor safetensors"
    if start.startswith(b"PK") and not zipfile.is_zipfile(path):
        return "it is cut short: copy or download it again"
    return None


def _first_line(error: BaseException) -> str:
    """The reason in torch's message, without its advice and escape codes."""
    text = _ESCAPES.sub("", str(error)).strip()
    reason = re.search(r"WeightsUnpickler error: ([^\n]*)", text)
    lines = text.splitlines() or [""]
    return (reason[1].strip() if reason else lines[0]) or f"torch.load raises {type(error).__name__}"
