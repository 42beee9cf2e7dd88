"""A child process that does what it is told by the test that started it."""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import time

from harness.processes.channel import Channel
from harness.processes.child_process import ChildProcess


def main() -> None:
    channel = Channel()
    channel.send({"heard": channel.settings["greeting"], "path": sys.path})
    children = []
    while True:
        message = channel.inbox.get()
        if "print" in message:
            print(message["print"], flush=True)
        if "run" in message:
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(message["run"], {})
            channel.send({"printed": printed.getvalue()})
        if "bytes" in message:
            channel.send({"count": message["bytes"]}, memoryview(bytes(range(message["bytes"]))))
        if "start" in message:
            channel.send({"pid": subprocess.Popen(["sleep", "600"]).pid})
        if "child" in message:
            children.append(ChildProcess(message["child"], {"greeting": ""}))
            children[-1].receive(60)
            children[-1].send(message.get("told", {}))
            channel.send({"pid": children[-1]._process.pid})
        if "write" in message:
            os.write(channel._sink.fileno(), b"this is no message\n")
        if "sleep" in message:
            time.sleep(message["sleep"])
        if "hang" in message:
            re.match(r"(a+)+b", "a" * 64)  # holds the interpreter's lock
        if "exit" in message:
            os._exit(message["exit"])
        if "signal" in message:
            signal.raise_signal(getattr(signal, message["signal"]))
        if "raise" in message:
            raise RuntimeError(message["raise"])


if __name__ == "__main__":
    main()
