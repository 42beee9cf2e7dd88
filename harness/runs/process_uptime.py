"""Time since this process began."""

from __future__ import annotations

import os
import time
from pathlib import Path

_IMPORT_TIME = time.monotonic()


def seconds_since_start() -> float:
    """Seconds since this process began, imports included; if the system does not tell, since this module was imported."""
    try:
        began = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]  # field 22 of proc(5), in ticks since boot
        up = float(Path("/proc/uptime").read_text().split()[0])
        return up - int(began) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return time.monotonic() - _IMPORT_TIME
