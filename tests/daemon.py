"""The real daemon as a subprocess: configured in a folder, started, asked, stopped, killed."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

ROOT = Path(__file__).parents[1]
CONFIG = "driftd.yaml"
PROGRAM = ("-m", "monitor.cli.main")
WAIT_SECONDS = 60.0
POLL_SECONDS = 0.02
NDJSON = "application/x-ndjson"
_BELOW_EPHEMERAL = range(20_000, 32_000)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a program that imports this tree from any directory."""
    return os.environ | {"PYTHONPATH": str(ROOT)} | dict(extra or {})


def driftd(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the real program in `folder` to its end."""
    return subprocess.run(
        [sys.executable, *PROGRAM, *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=4 * WAIT_SECONDS,
        check=False,
    )


def free_port() -> int:
    """A free loopback port that no outgoing connection gets by chance while a daemon is down.

    A client that tries a port of the ephemeral range may connect to itself.
    """
    ports = list(_BELOW_EPHEMERAL)
    random.SystemRandom().shuffle(ports)
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no free port")


def eventually(
    condition: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS, pause: float = 0.05
) -> None:
    """Wait until `condition` holds; fail with `what` when the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(pause)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Daemon:
    """`driftd run` in `folder`, on `port`; a context that leaves no process behind.

    Parameters
    ----------
    folder : holds `driftd.yaml`, which names `port`.
    shim : further environment of the process.
    """

    folder: Path
    port: int
    shim: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the process and return at once; its log goes to `driftd.log`."""
        assert self.process is None, "runs already"
        with (self.folder / "driftd.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *PROGRAM, "run", "-c", CONFIG],
                cwd=self.folder,
                env=environment(self.shim),
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        return self.process

    def start(self) -> Daemon:
        """Start and wait until records can be taken."""
        self.launch()
        self.wait_ready()
        return self

    def wait_ready(self) -> None:
        """Wait for `/readyz`; fail with the log when the process ends instead."""
        eventually(self._ready, "the daemon is ready", pause=POLL_SECONDS)

    def stop(self) -> int:
        """Ask it to stop, wait for its end; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def kill(self) -> int:
        """SIGKILL, as the kernel does when memory is short; the exit code."""
        assert self.process is not None
        self.process.kill()
        return self.ended()

    def ended(self) -> int:
        """Wait for the end of the process; its exit code."""
        assert self.process is not None
        code = self.process.wait(WAIT_SECONDS)
        self.process = None
        return code

    def reload(self) -> None:
        """SIGHUP."""
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    @property
    def log(self) -> str:
        """Everything that it said so far."""
        return (self.folder / "driftd.log").read_text()

    def logged(self) -> Iterator[dict[str, Any]]:
        """The log's events."""
        return (json.loads(line) for line in self.log.splitlines() if line.startswith("{"))

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request on a connection of its own; `OSError` or `HTTPException` without answer."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_SECONDS)
        try:
            link.request(method, path, body, dict(headers or {}))
            answer = link.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, named, answer.read())
        finally:
            link.close()

    def get(self, path: str) -> Any:
        """The JSON of an address that answers 200."""
        answer = self.ask("GET", path)
        assert answer.status == http.HTTPStatus.OK, answer
        return answer.json()

    def post(self, path: str, message: Any = None) -> Any:
        """Send JSON; the JSON of a 200."""
        body, headers = json.dumps(message).encode(), {"content-type": "application/json"}
        answer = self.ask("POST", path, body, headers)
        assert answer.status == http.HTTPStatus.OK, answer
        return answer.json()

    def send(self, payload: bytes, kind: str = NDJSON, encoding: str = "") -> Any:
        """Post records; the receipt."""
        headers = {"content-type": kind, **({"content-encoding": encoding} if encoding else {})}
        answer = self.ask("POST", "/v1/records", payload, headers)
        assert answer.status == http.HTTPStatus.OK, answer
        return answer.json()

    def decisions(self, **query: str) -> list[dict[str, Any]]:
        """All decisions that `query` selects, whole, in order of window and segment."""
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            words = {"limit": "1000", **query, **({"cursor": cursor} if cursor else {})}
            path = "&".join(f"{name}={value}" for name, value in words.items())
            page = self.get(f"/v1/decisions?{path}")
            found += [self.get(f"/v1/decisions/{item['decision_id']}") for item in page["items"]]
            cursor = page["next_cursor"]
            if not cursor:
                return sorted(found, key=lambda one: (one["window"]["start"], one["segment"]))

    def caught_up(self) -> bool:
        """Whether the engine has taken in all that was acknowledged."""
        return bool(self.get("/v1/status")["lag_records"] == 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process is not None:
            self.kill()

    def _ready(self) -> bool:
        assert self.process is not None
        code = self.process.poll()
        assert code is None, f"the daemon ended with {code}:\n{self.log[-2000:]}"
        try:
            return self.ask("GET", "/readyz").status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
