"""Errors of the folder of a store, or of a run, that cannot be used, and what to do about them."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

ADVICE_BY_ERRNO = {
    errno.ENOSPC: "free some space, the same command goes on where this one stopped",
    errno.EFBIG: "raise the limit on the size of files, or use another --store",
    errno.EDQUOT: "free some space, the same command goes on where this one stopped",
    errno.EROFS: "make it writable, or use another --store",
    errno.EACCES: "make it writable, or use another --store",
    errno.EPERM: "make it writable, or use another --store",
}
INCONCLUSIVE_ERRNOS = {
    getattr(errno, name)
    for name in ("EMFILE", "ENFILE", "ENOMEM", "EINTR", "EAGAIN", "EACCES", "EPERM", "ESTALE", "ETIMEDOUT", "ENOTCONN", "EHOSTDOWN")
    if hasattr(errno, name)
}
"""Numbers of errors that say nothing of the file: it may be whole."""
DEFAULT_ADVICE = "the same command goes on where this one stopped once that is mended"


class StoreError(OSError):
    """The store's folder cannot be used."""


class StoreNotFound(StoreError):
    """There is no store at an address."""


class UnreachableError(OSError):
    """A place does not answer, or refuses: nothing is said of a file in it.

    Attributes:
        advice: what to do about it.
    """

    def __init__(self, why: str, advice: str) -> None:
        super().__init__(why)
        self.advice = advice


def describe_os_error(error: OSError) -> str:
    """Words of the system, without the path."""
    return error.strerror or str(error)


def is_inconclusive(error: OSError) -> bool:
    """Whether an error in reading a file says nothing of the file: it may be whole."""
    return isinstance(error, UnreachableError) or error.errno in INCONCLUSIVE_ERRNOS


def describe_with_advice(error: OSError) -> str:
    """Words of the system, and for a place that is out of reach what to do."""
    return f"{describe_os_error(error)}; {error.advice}" if isinstance(error, UnreachableError) else describe_os_error(error)


@contextmanager
def wrap_write_errors(folder: Path | str, what: str = "the store") -> Iterator[None]:
    """Any ``OSError`` inside becomes a `StoreError` with the folder's path and what to do about it."""

    def describe(error: OSError) -> str:
        advice = error.advice if isinstance(error, UnreachableError) else ADVICE_BY_ERRNO.get(error.errno or 0, DEFAULT_ADVICE)
        option = "--store" if what == "the store" else "--out"
        return f"{what} {os.fspath(folder)} cannot be written: {describe_os_error(error)}; {advice.replace('--store', option)}"

    with _wrap_errors(describe):
        yield


def wrap_read_errors(store: Path | str, message: str = "the store {} cannot be read: {}") -> AbstractContextManager[None]:
    """Any ``OSError`` inside becomes a `StoreError` with the store's path, and what the system says, in the message."""
    return _wrap_errors(lambda error: message.format(os.fspath(store), describe_with_advice(error)))


@contextmanager
def _wrap_errors(describe: Callable[[OSError], str]) -> Iterator[None]:
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(describe(error)) from error
