"""The real daemon as a process of its own, on an archive of its own."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow.parquet as pq

from tests.bench.traffic import MODEL, history

if TYPE_CHECKING:
    from collections.abc import Iterator

READY_SECONDS: Final = 60.0
STOP_SECONDS: Final = 60.0
CLK_TCK: Final = os.sysconf("SC_CLK_TCK")
_CONFIG: Final = """\
server: {{port: {port}}}
archive: {{url: "sqlite:///{archive}.db"}}
models:
  - name: {model}
    baseline: {baseline}
    window: {{every: 1h}}
"""
_TUNED: Final = {
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "MALLOC_ARENA_MAX",
    "PYTHONDONTWRITEBYTECODE",
}
_ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class Site:
    """A directory with a built baseline, for any number of daemons."""

    place: Path
    port: int = 18_659

    def prepare(self, rows: int = 60_000, hours: int = 72) -> None:
        """Build the baseline with the real command."""
        pq.write_table(history(rows, hours), self.place / "history.parquet")
        config = self._configure("build", "history.parquet")
        build = ["baseline", "build", MODEL, "history.parquet", "-c", config.name]
        run = [sys.executable, "-m", "monitor.cli.main", *build, "-o", "bench.baseline"]
        subprocess.run(
            run, cwd=self.place, env=self._environment(), check=True, capture_output=True
        )

    @contextmanager
    def daemon(self, name: str) -> Iterator[Daemon]:
        """A running daemon, ready, on the empty archive `name`; all of it is gone at the end."""
        config = self._configure(name, "bench.baseline")
        command = [sys.executable, "-m", "monitor.cli.main", "run", "-c", config.name]
        environment = self._environment()
        with (self.place / f"{name}.log").open("wb") as log:
            started = time.perf_counter()
            process = subprocess.Popen(
                command, cwd=self.place, env=environment, stdout=subprocess.DEVNULL, stderr=log
            )
            daemon = Daemon(process, self.port, started)
            try:
                daemon.wait_ready()
                yield daemon
            finally:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                for file in self.place.glob(f"{name}.db*"):
                    file.unlink()

    def _configure(self, name: str, baseline: str) -> Path:
        config = self.place / f"{name}.yaml"
        text = _CONFIG.format(port=self.port, archive=name, model=MODEL, baseline=baseline)
        config.write_text(text)
        return config

    def _environment(self) -> dict[str, str]:
        """As a user's shell has it: nothing tuned from outside, modules compiled on first use.

        An installed driftd has its bytecode beside it; here it is kept out of the working tree.
        """
        kept = {key: value for key, value in os.environ.items() if key not in _TUNED}
        cache = str(self.place / "bytecode")
        return kept | {"PYTHONPATH": str(_ROOT), "PYTHONPYCACHEPREFIX": cache}


class Daemon:
    """A running daemon, seen from outside."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, started: float) -> None:
        self.port = port
        self.pid = process.pid
        self.ready_seconds = 0.0
        self._process = process
        self._started = started

    def wait_ready(self) -> None:
        """Poll `/readyz`; sets `ready_seconds`, counted from the start of the process."""
        while self.get("/readyz")[0] != http.HTTPStatus.OK:
            if self._process.poll() is not None:
                msg = f"the daemon ended with code {self._process.returncode}"
                raise RuntimeError(msg)
            if time.perf_counter() - self._started > READY_SECONDS:
                msg = "the daemon did not become ready"
                raise RuntimeError(msg)
            time.sleep(0.01)
        self.ready_seconds = time.perf_counter() - self._started

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a GET; status 0 when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    @property
    def rss(self) -> float:
        """Resident megabytes (2**20 bytes)."""
        return self._status("VmRSS")

    @property
    def peak(self) -> float:
        """Most resident megabytes so far."""
        return self._status("VmHWM")

    @property
    def cpu_seconds(self) -> float:
        """User and system time of all threads so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / CLK_TCK

    def metric(self, name: str) -> float:
        """Sum over the series of one metric."""
        text = self.get("/metrics")[1]
        found = re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE)
        return sum(map(float, found))

    def _status(self, name: str) -> float:
        text = Path(f"/proc/{self.pid}/status").read_text()
        match = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
        return int(match[1]) / 1024 if match else 0.0
