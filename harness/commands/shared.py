"""What the commands share: options, the console, and how errors are told."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from harness.registry.registry import Registry

EXIT_FAILED, EXIT_USER_ERROR = 1, 2
EXIT_SIGNAL_BASE = 128  # and the signal's number

PluginFiles = Annotated[list[Path], typer.Option("--plugin", help="A Python file whose declared components are added; may be repeated.")]
StoreAddress = Annotated[
    str | None, typer.Option("--store", help="The store's folder, or a URL that fsspec knows [default: HARNESS_STORE, else .harness].")
]


def make_console(stderr: bool = False) -> Console:
    """The terminal; colours where it has them."""
    from rich.console import Console

    class Steady(Console):
        """A console whose reader may go away: what is being done is done all the same."""

        def on_broken_pipe(self) -> None:
            self.quiet = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), (sys.stderr if stderr else sys.stdout).fileno())

    return Steady(stderr=stderr, soft_wrap=False)


def print_renderable(renderable: RenderableType) -> None:
    """Print on the terminal."""
    make_console().print(renderable)


def discover_registry(plugins: list[Path]) -> Registry:
    """All installed components, and those of these files."""
    from harness.registry.registry import Registry

    return Registry.discover(plugins)


@contextmanager
def report_user_errors() -> Iterator[None]:
    """What a person can mend is said in a line, not in a traceback."""
    from harness.runs.signals import interrupt_on_signals, signal_number
    from harness.text_format import to_printable_line
    from harness.user_errors import user_error_message

    try:
        with interrupt_on_signals():
            yield
    except typer.Exit:
        raise
    except KeyboardInterrupt as interrupt:
        typer.echo("interrupted; the same command goes on where this one stopped", err=True)
        raise typer.Exit(EXIT_SIGNAL_BASE + signal_number(interrupt)) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except Exception as error:
        said = user_error_message(error)
        if said is None:
            raise
        typer.echo("\n".join(to_printable_line(line) for line in said.splitlines()), err=True)
        raise typer.Exit(EXIT_USER_ERROR) from None
