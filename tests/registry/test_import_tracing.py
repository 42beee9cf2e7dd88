"""What is read while something is made is heard of, by whatever it is read, and nothing that a version stands for."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest
import safetensors.torch
import torch
from PIL import Image
from torch import nn

from harness.registry import import_tracing, native_readers
from harness.registry.import_tracing import IMPORT_TRACE


@pytest.fixture(autouse=True)
def installed() -> None:
    import_tracing.install_import_tracing()
    native_readers.audit_native_readers()


def a_file(folder: Path, how: str) -> Path:
    """A file that can be read in this way."""
    path = folder / f"a.{how}"
    if how == "torch":
        torch.save({"a": torch.ones(2)}, path)
    elif how == "jit":
        torch.jit.save(torch.jit.script(nn.Linear(2, 2)), str(path))
    elif how in ("safetensors", "safe_open"):
        safetensors.torch.save_file({"a": torch.ones(2)}, path)
    elif how in ("numpy", "memmap"):
        np.save(path, np.ones(3))
        path = path.with_name(f"{path.name}.npy")
    elif how == "png" or how == "torchvision":
        path = path.with_suffix(".png")
        Image.new("RGB", (4, 4)).save(path)
    elif how == "parquet":
        pyarrow.parquet.write_table(pyarrow.table({"a": [1]}), path)
    elif how == "feather":
        pyarrow.feather.write_feather(pyarrow.table({"a": [1]}), str(path))
    elif how == "csv":
        path.write_text("a\n1\n")
    elif how == "bytes":
        path.write_bytes(bytes(4))
    elif how in ("sqlite", "uri"):
        sqlite3.connect(path).execute("create table a (b)").connection.close()
    else:
        path.write_text("{}")
    return path


def by_descriptor(path: Path) -> None:
    os.close(os.open(path, os.O_RDONLY))


def safely_opened(path: Path) -> None:
    with safetensors.safe_open(str(path), framework="pt") as file:
        file.keys()


def decoded(path: Path) -> None:
    from torchvision.io import read_image

    read_image(str(path))


def not_there(path: Path) -> None:
    with pytest.raises(OSError):
        path.with_name("not there").read_text()


READ: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.read_text(),
    "os": by_descriptor,
    "torch": lambda path: torch.load(path),
    "jit": lambda path: torch.jit.load(str(path)),
    "safetensors": safetensors.torch.load_file,
    "safe_open": safely_opened,
    "numpy": np.load,
    "memmap": lambda path: np.load(path, mmap_mode="r"),
    "png": lambda path: Image.open(path).load(),
    "torchvision": decoded,
    "bytes": lambda path: torch.from_file(str(path), size=1),
    "changing": lambda path: np.memmap(path, mode="r+"),
    "csv": lambda path: pyarrow.csv.read_csv(path),
    "parquet": lambda path: pyarrow.parquet.read_table(path),
    "feather": lambda path: pyarrow.feather.read_table(path),
    "sqlite": lambda path: sqlite3.connect(path).close(),
    "uri": lambda path: sqlite3.connect(f"file:{path}?mode=ro", uri=True).close(),
    "folder": lambda path: list(path.parent.iterdir()),
    "glob": lambda path: list(path.parent.glob("*")),
    "missing": not_there,
}


@pytest.mark.parametrize("how", READ)
@pytest.mark.filterwarnings("ignore")
def test_every_way_of_reading_is_heard(how: str, tmp_path: Path) -> None:
    path = a_file(tmp_path, how)
    READ[how](path)  # what it imports is none of this
    with IMPORT_TRACE.recording() as heard:
        READ[how](path)
    wanted = {"folder": tmp_path, "glob": tmp_path, "missing": tmp_path / "not there"}.get(how, path)
    assert heard.files == {str(wanted)}


def test_what_is_written_first_and_what_is_installed_is_nobody_elses(tmp_path: Path) -> None:
    (tmp_path / "before").write_text("written by the same process, but before")
    with IMPORT_TRACE.recording() as heard:
        (tmp_path / "log").write_text("a line")
        (tmp_path / "log").read_text()
        (tmp_path / "before").read_text()
        Path(os.__file__).read_text()
        Path(np.__file__).read_text()
        Path(import_tracing.__file__).read_text()
        Path("/proc/self/stat").read_text()
    assert heard.files == {str(tmp_path / "before")}


def test_of_caches_those_of_weights_count_and_say_that_they_are_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "elsewhere"))
    places = {".cache/torch/hub/a.pt": (True, True), "elsewhere/a.pt": (True, True), ".cache/fonts": (False, False), "a.pt": (True, False)}
    for name, expected in places.items():
        assert (
            import_tracing.is_tracked_file(str(tmp_path / name)),
            import_tracing.is_downloaded_weights(str(tmp_path / name)),
        ) == expected, name


def test_an_open_that_fails_fails_as_ever(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), IMPORT_TRACE.recording():
        (tmp_path / "not there").read_text()
    with pytest.raises(TypeError), IMPORT_TRACE.recording():
        open(1.5)  # type: ignore[call-overload]  # noqa: SIM115, PTH123
