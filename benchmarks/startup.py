"""What passes between a command and a run's first job, and the whole of a run that has nothing else to do.

    python benchmarks/startup.py [--spec specs/quickstart.yaml] [--samples 4] [--repeats 3] [--out benchmarks/results/startup.md]

Each run is a process of its own, and cards are in the cache (by one run before all others): ``cold`` has a new store, ``warm`` one
in which everything is. With the fork server, and without it (``HARNESS_FORK_SERVER=off``), in turn.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WAYS = {"new interpreters": "off", "fork server": ""}
PARTS = ("starting", "planning", "computing", "the leaderboard")


def measure(spec: Path, samples: int, store: Path, server: str) -> dict[str, float]:
    """Seconds of one run: its parts as it tells them, all that passes, and the processor time of its processes."""
    command = [sys.executable, "-m", "harness", "run", str(spec), "--store", str(store), "--out", f"{store}-out", "--progress", "plain"]
    environment = {**os.environ, "HARNESS_FORK_SERVER": server}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([*command, "--limit", str(samples)], env=environment, check=True, capture_output=True, text=True)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    parts = {name: float(seconds) for seconds, name in re.findall(rf"([\d.]+) ({'|'.join(PARTS)})", done.stderr.splitlines()[-2])}
    ready = re.search(r"ready after ([\d.]+) s", done.stderr)
    first = {"first job": float(ready[1]) if ready else 0.0}
    return {**parts, **first, "all": took, "processor": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spec", type=Path, default=Path("specs/quickstart.yaml"))
    parser.add_argument("--samples", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        measure(options.spec, 1, Path(folder, "first"), "off")
        for repeat in range(options.repeats):
            for way, server in WAYS.items():
                store = Path(folder, f"{server or 'on'}-{repeat}")
                for state in ("cold", "warm"):
                    found.setdefault((way, state), []).append(measure(options.spec, options.samples, store, server))
    columns = ("first job", *PARTS, "all", "processor")
    lines = [
        f"| children are | store | {' | '.join(f'{column}, s' for column in columns)} |",
        f"| --- | --- |{' ---: |' * len(columns)}",
    ]
    for (way, state), runs in found.items():
        cells = [f"{statistics.median(run.get(column, 0.0) for run in runs):.1f}" for column in columns]
        lines.append(f"| {way} | {state} | {' | '.join(cells)} |")
    machine = f"{os.cpu_count()} CPU cores, {platform.machine()}, load {os.getloadavg()[0]:.1f} after"
    where = f"{options.spec.name}, {options.samples} images, medians of {options.repeats}; {machine}."
    command = f"`python benchmarks/startup.py --samples {options.samples} --repeats {options.repeats}`"
    text = "\n".join(["# Start-up", "", command, "", where, "", *lines, ""])
    print(text)
    if options.out is not None:
        options.out.write_text(text)


if __name__ == "__main__":
    main()
