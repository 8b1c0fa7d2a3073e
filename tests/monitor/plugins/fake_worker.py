"""A worker that misbehaves on demand: `python fake_worker.py MODE`."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

from monitor.plugins.worker import frames, serve


class Echo:
    """Answers with what it was given."""

    def __init__(self, _names: list[str], rows: Any, seed: int, **params: Any) -> None:
        self.reference, self.seed, self.params = rows, seed, params

    def judge(self, names: list[str], rows: Any) -> dict[str, Any]:
        params = self.params
        if params.get("fail"):
            raise ValueError(params["fail"])
        if params.get("sleep"):
            time.sleep(params["sleep"])
        if params.get("hog"):
            return {"alarm": len(bytearray(params["hog"])) > 0}
        if params.get("die"):
            sys.stderr.write("the last words\n")
            sys.stderr.flush()
            os.kill(os.getpid(), params["die"])
        if params.get("garbage"):
            os.write(answers_fd(), b"Segmentation fault (core dumped), said somebody\n" * 4)
        shift = float(abs(rows.mean(axis=0) - self.reference.mean(axis=0)).max())
        sys.stdout.write("libraries print what they like")
        sys.stdout.flush()
        shares = {names[0]: 1.0}
        line = params.get("line", 1.0)
        said = {"statistic": shift, "p_value": None, "threshold": line, "shares": shares}
        return {"alarm": shift > line, **said, "row": 0}


def answers_fd() -> int:
    """The pipe that answers go to: the newest one that is open."""
    pipes = [fd for fd in Path("/proc/self/fd").iterdir() if _is_pipe(fd)]
    return max(int(fd.name) for fd in pipes)


def _is_pipe(fd: Path) -> bool:
    try:
        return str(fd.readlink()).startswith("pipe:")
    except OSError:
        return False


class Fake:
    """The library of a worker that needs none."""

    name, version = "fake", "1.0"
    makers: ClassVar = {"echo": Echo}


def main(mode: str) -> None:
    if mode == "mute":
        time.sleep(600)
    if mode == "slow":
        time.sleep(0.5)
    if mode == "exit":
        sys.exit("cannot be started today")
    if mode == "old":
        sys.stdin.buffer.read(frames.HEAD.size)
        sys.stdout.buffer.write(frames.frame({"ok": True, "protocol": 0}))
        sys.stdout.buffer.flush()
        time.sleep(600)
    if mode == "chatty":
        sys.stderr.write("warning " * 40_000)
    serve.serve(Fake())


if __name__ == "__main__":
    main(sys.argv[1])
