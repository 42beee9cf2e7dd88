"""The command ``harness``; also ``python -m harness``."""

from __future__ import annotations

import errno
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class HangupSafeOutput(io.FileIO):
    """A terminal's output, which goes nowhere once the terminal is closed: what is being done is done all the same."""

    def write(self, content: ReadableBuffer, /) -> int:
        """Write what the terminal takes."""
        try:
            return super().write(content)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            return super().write(content)


def main() -> None:
    """Run the command line; what a terminal cannot show is replaced, and a closed stream or terminal swallows what is written to it."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
            if stream.isatty():
                raw = io.BufferedWriter(HangupSafeOutput(stream.fileno(), "w", closefd=False))
                setattr(sys, name, io.TextIOWrapper(raw, stream.encoding, "replace", line_buffering=True))
    try:
        from harness.cli import app

        app()
    except KeyboardInterrupt:  # before there was anything to interrupt
        sys.exit(130)


if __name__ == "__main__":
    main()
