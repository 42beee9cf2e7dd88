"""A run that faults are injected into at random, for a given time; its leaderboard must end as that of an undisturbed one.

``python -m tests.soak [SECONDS] [--seed N] [--folder FOLDER]``: begins the same run again and again, kills workers,
fork servers and drivers, asks drivers to end, truncates and alters files of the store, lets two drivers work on one store at once. Prints
what it did; exit code 1 and the folder left behind where the leaderboard differs, something finished was computed again, or a driver said
something untrue.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.support.driver import Driver, driver

EXPLAINERS = [{"use": "slope", "params": {"pause": 0.02}}, "contrast", "both"]
SPEC = {"datasets": [{"use": "squares", "params": {"samples": 16}}], "explainers": EXPLAINERS, "nulls": ["speckle"]}
STARTING = (-signal.SIGINT, -signal.SIGTERM, -signal.SIGHUP)  # asked to end before it could listen
ENDINGS = (0, 1, -signal.SIGKILL, *STARTING, 128 + signal.SIGINT, 128 + signal.SIGTERM, 128 + signal.SIGHUP)
ASKING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


class Wrong(AssertionError):
    """What the harness promises did not hold."""


class Soak:
    """One store that everything happens to."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.random, self.did = folder, random.Random(seed), Counter[str]()
        self.drivers = [driver(folder, out=f"out-{number}", execution={"workers": 2, "shard": 2}, **SPEC) for number in range(2)]
        for each in self.drivers:
            each.alone = True  # so that its workers are found
        self.whole = driver(folder, out="whole", store="whole-store", **SPEC)
        self.running: dict[int, subprocess.Popen[str]] = {}

    def last(self, seconds: float) -> None:
        """Disturb for so long, then let it finish, and compare."""
        _finish(self.whole, {0})
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                self._keep_running()
                time.sleep(self.random.uniform(0.1, 1.5))
                self._disturb()
        finally:
            for process in self.running.values():
                process.kill()
                process.communicate()
        self.compare()

    def compare(self) -> None:
        """What is left to do is done; then nothing is left, and all is as it would have been.

        It takes two runs: that a map is damaged may only be found by an explainer that is composed of it, and by then it counted as there.
        """
        last = self.drivers[0]
        _finish(last, {0})
        _finish(last, {0})
        if last.board() != self.whole.board():
            raise Wrong("the leaderboard is not that of an undisturbed run")
        (self.folder / "calls").write_text("")
        _finish(last, {0})
        if last.calls():
            raise Wrong(f"what was finished was computed again: {last.calls()[:3]}")

    def _keep_running(self) -> None:
        """One driver, now and then two."""
        for number, process in list(self.running.items()):
            if process.poll() is not None:
                self._ended(self.running.pop(number))
        if not self.running or (len(self.running) < 2 and self.random.random() < 0.2):
            number = next(number for number in (0, 1) if number not in self.running)
            self.running[number] = self.drivers[number].start()
            self.did["drivers"] += 1

    def _ended(self, process: subprocess.Popen[str]) -> None:
        _, said = process.communicate()
        if process.returncode not in ENDINGS or ("Traceback" in said and not said.rstrip().endswith("KeyboardInterrupt")):
            raise Wrong(f"a driver ended with {process.returncode}: {said}")

    def _disturb(self) -> None:
        process = self.random.choice(list(self.running.values()))
        faults = [self._kill_worker, self._kill_worker, self._kill_server, self._kill_driver, self._ask_driver, self._damage, self._damage]
        self.random.choice(faults)(process)

    def _kill_worker(self, process: subprocess.Popen[str]) -> None:
        self._kill(process, b"harness.worker.main", "workers killed")

    def _kill_server(self, process: subprocess.Popen[str]) -> None:
        self._kill(process, b"harness.worker.preloading", "fork servers killed")

    def _kill(self, process: subprocess.Popen[str], command: bytes, what: str) -> None:
        found = [child for child in _descendants(process.pid) if command in _command(child)]
        if found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.random.choice(found), signal.SIGKILL)
                self.did[what] += 1

    def _kill_driver(self, process: subprocess.Popen[str]) -> None:
        process.kill()
        self.did["drivers killed"] += 1

    def _ask_driver(self, process: subprocess.Popen[str]) -> None:
        process.send_signal(self.random.choice(ASKING))
        self.did["drivers asked to end"] += 1

    def _damage(self, process: subprocess.Popen[str]) -> None:
        store = self.folder / "store"
        files = sorted(path for kind in ("rows", "maps", "facts") for path in (store / kind).rglob("*") if path.is_file())
        if not files:
            return
        with contextlib.suppress(FileNotFoundError):  # it may just be compacted
            path = self.random.choice(files)
            content = bytearray(path.read_bytes())
            place = self.random.randrange(len(content) + 1)
            if self.random.random() < 0.5 or place == len(content):
                os.truncate(path, place)
            else:
                with path.open("r+b") as stream:
                    stream.seek(place)
                    stream.write(bytes([content[place] ^ 0x55]))
            self.did["files damaged"] += 1


def _finish(run: Driver, codes: set[int]) -> None:
    done = run.run()
    if done.returncode not in codes or "Traceback" in done.stderr:
        raise Wrong(f"it ended with {done.returncode}: {done.stderr}")


def _descendants(number: int) -> list[int]:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        children = [int(child) for path in Path(f"/proc/{number}/task").glob("*/children") for child in path.read_text().split()]
        return [*children, *(below for child in children for below in _descendants(child))]
    return []


def _command(number: int) -> bytes:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{number}/cmdline").read_bytes()
    return b""


def soak(folder: Path, seconds: float, seed: int) -> Counter[str]:
    """Disturb a run in ``folder``; returns what was done. Raises `Wrong`."""
    folder.mkdir(parents=True, exist_ok=True)
    soaked = Soak(folder, seed)
    soaked.last(seconds)
    return soaked.did


def main() -> None:
    """See the top of this file."""
    parser = argparse.ArgumentParser(description="Inject faults into a run at random, and compare its leaderboard with an undisturbed one.")
    parser.add_argument("seconds", nargs="?", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="soak-"))
    print(f"seed {given.seed}, {given.seconds:g} s, in {folder}", flush=True)
    did = soak(folder, given.seconds, given.seed)
    print(", ".join(f"{count} {what}" for what, count in did.most_common()) + "; the leaderboard is that of an undisturbed run")
    if given.folder is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
