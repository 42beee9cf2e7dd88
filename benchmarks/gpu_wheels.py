"""Wheels for a machine that has PyTorch and reaches no index: of this checkout, and of what it needs that such a machine may lack.

    .venv/bin/python benchmarks/gpu_wheels.py .whl [--python 3.12] [--there torch,numpy,…]

Versions are those of the environment that this runs in. What brings PyTorch along, or is of its size, is taken to be there.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distribution, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
ALSO = ("quantus", "grad-cam", "pytest", "nvidia-ml-py")  # what benchmarks and tests need besides
THERE = (
    "torch,torchvision,triton,numpy,scipy,pandas,pyarrow,matplotlib,pillow,scikit-learn,scikit-image,opencv-python,opencv-python-headless,"
    "numba,llvmlite,sympy,networkx,transformers,ray,setuptools"
)
PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in range(5, 40)] + [f"manylinux{year}_x86_64" for year in (1, 2010, 2014)]


def needed(name: str, there: set[str], seen: set[str]) -> Iterator[str]:
    """Distributions that one needs and a machine lacks, itself with them."""
    name = canonicalize_name(name)
    if name in there | seen or (name.startswith("nvidia-") and name not in ALSO):
        return
    seen.add(name)
    yield name
    try:
        requirements = requires(name) or []
    except ModuleNotFoundError:  # it is not here: the newest
        return
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield from needed(requirement.name, there, seen)


def pinned(name: str) -> str:
    """The requirement of the version that is here."""
    try:
        return f"{name}=={distribution(name).version}"
    except ModuleNotFoundError:
        return name


def main() -> None:
    """Build ours, and fetch the others."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", default="3.12", help="of that machine")
    parser.add_argument("--there", default=THERE, help="distributions that it has")
    options = parser.parse_args()
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    plugins = [plugin for plugin in sorted((ROOT / "plugins").iterdir()) if plugin.name != "harness-ray"]
    ours = {"xai-harness", *(plugin.name for plugin in plugins)}
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(options.folder), str(ROOT), *map(str, plugins)], check=True
    )
    seen: set[str] = set()
    names = [name for root in (*sorted(ours), *ALSO) for name in needed(root, set(options.there.split(",")), seen) if name not in ours]
    target = ["--no-deps", "--only-binary=:all:", "--implementation", "cp", "--python-version", options.python]
    target += [part for platform in PLATFORMS for part in ("--platform", platform)]
    for name in names:
        done = subprocess.run([*pip, "download", *target, "-d", str(options.folder), pinned(name)], check=False, capture_output=True)
        if done.returncode:  # what has no wheels at all is made into one here
            subprocess.run([*pip, "wheel", "--no-deps", "-w", str(options.folder), pinned(name)], check=True)
    size = sum(path.stat().st_size for path in options.folder.glob("*.whl"))
    print(f"{len(list(options.folder.glob('*.whl')))} wheels, {size / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
