"""A load client in a process of its own: prepared payloads over a few keep-alive connections.

    python -m tests.bench.client PORT KIND ROWS FIRST BATCHES CONNECTIONS

Sends the batches numbered from FIRST on and prints one JSON object: records acknowledged, seconds
from the first byte to the last acknowledgement, latencies, refusals (which are sent again).
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from tests.bench.traffic import Payload

if TYPE_CHECKING:
    from collections.abc import Iterator

OK = 200
PAUSE_SECONDS = 0.05


@dataclass(slots=True)
class Sent:
    """What became of the batches of all connections."""

    records: int = 0
    seconds: float = 0.0
    refused: int = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Acknowledged records per second."""
        return self.records / self.seconds

    def latency(self, share: float) -> float:
        """Quantile of the seconds from first byte to acknowledgement."""
        return sorted(self.latencies)[int(share * (len(self.latencies) - 1))]


def send(port: int, kind: str, rows: int, first: int, batches: int, connections: int) -> Sent:
    """Run the client as a process and wait for its result."""
    arguments = map(str, (port, kind, rows, first, batches, connections))
    run = [sys.executable, "-m", "tests.bench.client", *arguments]
    done = subprocess.run(run, check=True, stdout=subprocess.PIPE)
    return Sent(**json.loads(done.stdout))


class _Connection:
    """One keep-alive connection; just enough HTTP."""

    def __init__(self, port: int, kind: str, size: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")
        lines = (
            "POST /v1/records HTTP/1.1",
            "Host: 127.0.0.1",
            f"Content-Type: {kind}",
            f"Content-Length: {size}",
        )
        self._head = "\r\n".join((*lines, "", "")).encode()

    def post(self, body: bytearray) -> tuple[int, dict[str, int]]:
        """Status and answer."""
        self._socket.sendall(self._head)
        self._socket.sendall(body)
        status = int(self._answers.readline().split()[1])
        length = 0
        while (line := self._answers.readline()) != b"\r\n":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return status, json.loads(self._answers.read(length))


class _Load:
    """Batches dealt out to connections as they come free."""

    def __init__(self, port: int, kind: str, rows: int, batches: range, connections: int) -> None:
        self._numbers: Iterator[int] = iter(batches)
        self._lock = threading.Lock()
        self.sent = Sent()
        self._payloads = [Payload(kind, rows) for _ in range(connections)]
        self._wires = [_Connection(port, kind, len(p.body)) for p in self._payloads]

    def run(self) -> Sent:
        pairs = zip(self._wires, self._payloads, strict=True)
        threads = [threading.Thread(target=self._work, args=pair) for pair in pairs]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.sent.seconds = time.perf_counter() - started
        return self.sent

    def _work(self, wire: _Connection, payload: Payload) -> None:
        while True:
            with self._lock:
                number = next(self._numbers, None)
            if number is None:
                return
            self._deliver(wire, payload.address(number))

    def _deliver(self, wire: _Connection, body: bytearray) -> None:
        for attempt in count():
            started = time.perf_counter()
            status, answer = wire.post(body)
            if status == OK:
                break
            time.sleep(PAUSE_SECONDS * (attempt + 1))
        with self._lock:
            self.sent.latencies.append(time.perf_counter() - started)
            self.sent.records += answer["accepted"]
            self.sent.refused += attempt


def main(arguments: list[str]) -> None:
    """Send, and print what became of it."""
    port, kind, rows, first, batches, connections = arguments
    numbers = range(int(first), int(first) + int(batches))
    load = _Load(int(port), kind, int(rows), numbers, int(connections))
    print(json.dumps(asdict(load.run())))


if __name__ == "__main__":
    main(sys.argv[1:])
