"""Terminal of the command line: what is printed there, errors included, and exit codes."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from harness.results.document import Leaderboard

EXIT_FAILED, EXIT_USER_ERROR = 1, 2
EXIT_SIGNAL_BASE = 128  # and the signal's number
LINE_INTERVAL = 5.0  # seconds between two lines in a log


def make_console(stderr: bool = False) -> Console:
    """The terminal, with colours if it has them."""
    from rich.console import Console

    class Steady(Console):
        """A console whose reader may go away: what is being done is done all the same."""

        def on_broken_pipe(self) -> None:
            self.quiet = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), (sys.stderr if stderr else sys.stdout).fileno())

    return Steady(stderr=stderr, soft_wrap=False)


@contextmanager
def show_status(text: str = "", log: bool = False) -> Iterator[Callable[[str], None]]:
    """Show on a terminal what is being done, until the block is left: for what takes a while before there is a reporter of progress.

    What is yielded shows another text in its place. All are one line, which one block may have after another, or within it.
    ``log``: where there is no terminal the first text is a line, and of those that follow one every few seconds.
    """
    if not sys.stderr.isatty():
        yield _log_lines(text) if log else lambda _: None
        return
    width = shutil.get_terminal_size().columns - 1

    def show(text: str) -> None:
        print("\r" + text[:width].ljust(width) + ("" if text else "\r"), end="", file=sys.stderr, flush=True)

    if text:
        print(text[:width], end="", file=sys.stderr, flush=True)
    try:
        yield show
    finally:
        show("")


def _log_lines(text: str) -> Callable[[str], None]:
    """Print a text, if there is one, and have others printed now and then."""
    said = time.monotonic()
    if text:
        print(text, file=sys.stderr, flush=True)

    def show(text: str) -> None:
        nonlocal said
        if time.monotonic() - said >= LINE_INTERVAL:
            said = time.monotonic()
            print(text, file=sys.stderr, flush=True)

    return show


def print_renderable(renderable: RenderableType) -> None:
    """Print on the terminal."""
    make_console().print(renderable)


def has_color(console: Console) -> bool:
    """Whether the terminal shows colours."""
    return console.is_terminal and not console.no_color and not console.is_dumb_terminal


def print_leaderboard(document: Leaderboard, group: Any, **only: Any) -> None:
    """Print a leaderboard as the terminal can show it, or ``only`` what a view can ask for (see `render_leaderboard`)."""
    from harness.leaderboard.render import render_leaderboard

    console = make_console()
    plain = not (sys.stdout.encoding or "").lower().startswith("utf")
    text = render_leaderboard(document, group=group, width=console.width, color=has_color(console), ascii_only=plain, **only)
    typer.echo(text, nl=False)


class ErrorReportingGroup(TyperGroup):
    """Commands whose errors that a person can mend are said in a line, not in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        with report_user_errors():
            return super().invoke(ctx)


@contextmanager
def report_user_errors() -> Iterator[None]:
    """Say what a person can mend, and end with the exit code for it; a reader that went away ends it well."""
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
