"""fsspec's drivers: found by the protocol of a URL, and what they raise said in one line without credentials."""

from __future__ import annotations

import contextlib
from difflib import get_close_matches
from typing import Any

from harness.store.address import find_secrets, protocol_of, redact_credentials
from harness.store.errors import ADVICE_BY_ERRNO, DEFAULT_ADVICE, StoreError, UnreachableError

MAX_MESSAGE_LENGTH = 300  # characters of what a driver says
LOGIN_ADVICE = "give credentials that may write there, in the environment or the files that its driver reads, or use another --store"
MISSING_ADVICE = "create it, or use another --store"
DRIVER_OPTIONS = {name: {"max_concurrency": 1} for name in ("s3", "s3a")}
"""What a driver is told, by protocol: s3fs asks how long an object is before it reads it, unless it may not read it in parts at once.
(Objects above 100 MiB are then written part by part, too.)"""


def open_filesystem(url: str) -> tuple[Any, str]:
    """A file system of this object's own, and the path in it that the URL names.

    Raises:
        StoreError: no driver takes the URL, it names no place for a store, or the place does not answer.
    """
    shown = redact_credentials(url)
    if "::" in url or any(sign in url for sign in "*?[#"):
        raise StoreError(f"{shown} is no place for a store: it must be one URL without :: * ? [ or #")
    _check_driver(url, shown)
    from fsspec.core import url_to_fs

    try:
        found, root = url_to_fs(url, skip_instance_cache=True, **DRIVER_OPTIONS.get(protocol_of(url) or "", {}))
    except Exception as error:
        raised = to_unreachable_error(error, url)
        raise StoreError(f"cannot use {shown} as a store: {raised}; {raised.advice}") from error
    if not root.strip("/"):
        raise StoreError(f"{shown} is no place for a store: name a folder in it")
    with contextlib.suppress(AttributeError):
        found.dircache.use_listings_cache = False
    return found, root


def _check_driver(url: str, shown: str) -> None:
    """Raise `StoreError` if fsspec has no driver for the URL's protocol, or that cannot be imported."""
    from fsspec import available_protocols, get_filesystem_class

    name = protocol_of(url) or ""
    try:
        get_filesystem_class(name)
    except ValueError as error:
        near = get_close_matches(name, available_protocols(), 1)
        meant = f"; did you mean {near[0]}://?" if near else ""
        raise StoreError(f"{shown} is no place for a store: fsspec knows no protocol {name}://{meant}") from error
    except Exception as error:
        raise StoreError(f"the store {shown} needs a driver that is not there: {_first_line_redacted(str(error), url)}") from error


def to_unreachable_error(error: BaseException, url: str) -> UnreachableError:
    """Error of one line for what a driver raised, with what to do; an `UnreachableError` stays as it is."""
    if isinstance(error, UnreachableError):
        return error
    kind = type(error).__name__
    said = _first_line_redacted((error.strerror if isinstance(error, OSError) else None) or str(error), url)
    if isinstance(error, OSError) and error.errno in ADVICE_BY_ERRNO:
        advice = ADVICE_BY_ERRNO[error.errno]
    elif isinstance(error, PermissionError) or any(word in kind for word in ("Credential", "Auth", "Token")):
        advice = LOGIN_ADVICE
    else:
        advice = MISSING_ADVICE if isinstance(error, FileNotFoundError) else DEFAULT_ADVICE
    return UnreachableError(said if isinstance(error, OSError) and said else f"{kind}: {said}".removesuffix(": "), advice)


def _first_line_redacted(text: str, url: str) -> str:
    """The first line of what was said, without the password of the URL."""
    for secret in find_secrets(url):
        text = text.replace(secret, "***")
    return redact_credentials(next((line for line in text.splitlines() if line.strip()), "").strip())[:MAX_MESSAGE_LENGTH]
