"""Fuzzing by coverage, for as long as one likes: ``python -m tests.fuzz TARGET [FOLDER OF GOOD INPUTS] [-max_total_time=600 …]``.

Needs ``pip install atheris``, which the tests do not: `tests/faults/test_inputs.py` tries the same with hypothesis. Targets are ``spec``,
``results``, ``scores``, ``maps``, ``fact`` and ``manifest``; each is given bytes, with a right checksum where there is one to be right.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["harness", "harness_torchvision"]):
    from harness_torchvision.manifest import ManifestError, entries_in_manifest

    from harness.registry.registry import Registry
    from harness.results.run_folder import RunFolderError, read_results
    from harness.spec.load import load_spec
    from harness.spec.problems import SpecError
    from harness.store.sample_alignment import SamplePositions
    from harness.store.store import Store
    from tests.support.segments import write_segment

GROUP, KEY = "ab" * 32, ("s0", "d0")
REGISTRY = Registry.discover()


def spec(content: bytes, folder: Path) -> None:
    """A spec file."""
    (folder / "spec.yaml").write_bytes(content)
    with contextlib.suppress(SpecError):
        load_spec(folder / "spec.yaml", REGISTRY)


def results(content: bytes, folder: Path) -> None:
    """The file of a run folder that says what its scores are of."""
    (folder / "results.json").write_bytes(content)
    (folder / "scores.parquet").touch()
    with contextlib.suppress(RunFolderError):
        read_results(folder)


def _read(folder: Path) -> None:
    store = Store(folder)
    store.known(GROUP, SamplePositions([KEY]))
    store.maps(GROUP, {KEY})
    store.samples_with_maps(GROUP)


def scores(content: bytes, folder: Path) -> None:
    """A segment of a store's rows."""
    write_segment(folder / "rows" / GROUP[:2] / GROUP, ".parquet", content)
    _read(folder)


def maps(content: bytes, folder: Path) -> None:
    """A segment of a store's maps."""
    write_segment(folder / "maps" / GROUP[:2] / GROUP, ".safetensors", content)
    _read(folder)


def fact(content: bytes, folder: Path) -> None:
    """A remembered fact, and a description."""
    (folder / "facts" / GROUP[:2]).mkdir(parents=True)
    (folder / "rows" / GROUP[:2] / GROUP).mkdir(parents=True)
    (folder / "facts" / GROUP[:2] / f"{GROUP}.json").write_bytes(content)
    (folder / "rows" / GROUP[:2] / GROUP / "recipe.json").write_bytes(content)
    Store(folder).fact(GROUP)
    Store(folder).described(GROUP)


def manifest(content: bytes, folder: Path) -> None:
    """A list of images."""
    (folder / "list.csv").write_bytes(content)
    with contextlib.suppress(ManifestError):
        entries_in_manifest(folder / "list.csv", folder, None)


TARGETS: dict[str, Callable[[bytes, Path], None]] = {target.__name__: target for target in (spec, results, scores, maps, fact, manifest)}


def main() -> None:
    """See the top of this file."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"which one: {', '.join(TARGETS)}?")
    target = TARGETS[sys.argv.pop(1)]

    def one(content: bytes) -> None:
        place = Path(tempfile.mkdtemp(prefix="fuzz-", dir="/dev/shm" if Path("/dev/shm").exists() else None))
        (place / "inside").mkdir()
        try:
            target(content, place / "inside")
            assert [path.name for path in place.iterdir()] == ["inside"]
        finally:
            shutil.rmtree(place)

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
