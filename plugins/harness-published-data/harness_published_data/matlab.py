"""Files of MATLAB 7.3, which are HDF5."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from harness.api import InputError
from harness.api.image_files.traits import Unreadable


@contextmanager
def opened_matlab(path: Path) -> Iterator[Any]:
    """The variables of a file by name, as h5py has them: arrays are transposed. Whatever goes wrong is `Unreadable`."""
    try:
        import h5py
    except ImportError as error:
        raise InputError("files of MATLAB 7.3 are read by h5py: pip install h5py") from error
    try:
        with h5py.File(path, "r") as file:
            yield file
    except Unreadable:
        raise
    except KeyError as error:
        raise Unreadable(f"it lacks a variable: {str(error.args[0])!r}") from error
    except Exception as error:  # HDF5 raises what it likes on a damaged file
        raise Unreadable(f"no file of MATLAB 7.3, or damaged: {' '.join(str(error).split())}") from error


def matlab_text(values: Any) -> str:
    """A text, which MATLAB keeps as numbers of characters."""
    return "".join(chr(int(code)) for code in np.asarray(values).ravel(order="A")).strip()
