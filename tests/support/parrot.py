"""A child process that does what it is told by the test that started it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from harness.processes.channel import Channel


def main() -> None:
    channel = Channel()
    channel.send({"heard": channel.settings["greeting"], "path": sys.path})
    while True:
        message = channel.inbox.get()
        if "print" in message:
            print(message["print"], flush=True)
        if "bytes" in message:
            channel.send({"count": message["bytes"]}, memoryview(bytes(range(message["bytes"]))))
        if "start" in message:
            channel.send({"pid": subprocess.Popen(["sleep", "600"]).pid})
        if "write" in message:
            os.write(channel._sink.fileno(), b"this is no message\n")
        if "sleep" in message:
            time.sleep(message["sleep"])
        if "exit" in message:
            os._exit(message["exit"])


if __name__ == "__main__":
    main()
