"""Surroundings of this process, on which components may depend beside their parameters and files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from harness.processes.inheritance import installation_state
from harness.registry.canonical_json import json_digest

OF_TERMINALS = {"_", "PWD", "OLDPWD", "SHLVL", "COLUMNS", "LINES", "TERM", "COLORTERM", "WINDOWID", "NO_COLOR", "FORCE_COLOR", "PS1"}
OF_TERMINALS_PREFIXES = ("HARNESS_", "SSH_", "XDG_", "TERM_", "TMUX", "VSCODE_", "WT_")
"""Variables that differ between terminals, and that no component depends on."""


def surroundings_digest() -> str:
    """Digest of the working folder, the variables, the interpreter, the harness's code and what is installed."""
    said = {name: value for name, value in os.environ.items() if name not in OF_TERMINALS and not name.startswith(OF_TERMINALS_PREFIXES)}
    return json_digest([str(Path.cwd()), said, sys.prefix, sys.version, [list(entry) for entry in installation_state(sys.path)]])
