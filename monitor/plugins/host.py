"""A worker process: started when needed, held to its limits, started again more and more rarely.

Time is a wall clock per request; the process group is killed when it is over. Memory is the address
space that the kernel grants (`RLIMIT_AS`), set from outside. The worker gets none of the daemon's
environment but a path, and standard streams that are pipes: when the daemon is gone, its requests
end and so does the worker.
"""

from __future__ import annotations

import os
import resource
import selectors
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Self

from monitor.errors import DriftdError
from monitor.plugins.worker import frames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.clock import Clock

CHUNK: Final = 1 << 16
TAIL: Final = 2_000
"""Bytes of what a worker wrote to standard error that an error quotes."""

FIRST_WAIT: Final = 1.0
LONGEST_WAIT: Final = 300.0
ALIVE: Final = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONUNBUFFERED": "1"}


class Reason(StrEnum):
    """Why a worker did not answer."""

    START = "start"
    TIMEOUT = "timeout"
    DIED = "died"
    GARBAGE = "garbage"
    VERSION = "version"
    REFUSED = "refused"
    WAITING = "waiting"


class WorkerError(DriftdError):
    """A worker did not answer; `reason` says of which kind, the message why."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """`start` and `request` are seconds of wall time, `memory` bytes of address space."""

    request: float = 60.0
    start: float = 120.0
    memory: int = 8 << 30


class Worker:
    """One worker; not for several threads at once.

    Attributes
    ----------
    generation
        How often it was started: what was fitted in an earlier one is forgotten.
    hello
        How it introduced itself.

    Parameters
    ----------
    command
        Program and arguments.
    """

    def __init__(self, command: Sequence[str], limits: WorkerLimits, clock: Clock) -> None:
        self.generation = 0
        self.hello: dict[str, Any] = {}
        self._command = list(command)
        self._limits = limits
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._failures = 0
        self._not_before = 0.0
        self._why = ""
        self._said = b""

    def ready(self) -> None:
        """Start the worker if it does not run.

        Raises
        ------
        WorkerError
            It cannot be started, or failed and waits until it may be started again.
        """
        if self._process is not None:
            return
        wait = self._not_before - self._clock.monotonic()
        if wait > 0:
            text = f"it is started again in {wait:.0f} s, because {self._why}"
            raise WorkerError(Reason.WAITING, text)
        self._start()

    def call(
        self, header: dict[str, Any], body: bytes = b"", *, fitting: bool = False
    ) -> dict[str, Any]:
        """The worker's answer to a request; one that is `fitting` may take as long as a start.

        Raises
        ------
        WorkerError
            There was none, or it says that the request failed.
        """
        self.ready()
        seconds = self._limits.start if fitting else self._limits.request
        answer = self._exchange(frames.frame(header, body), seconds)
        self._failures = 0
        if answer.get("ok") is not True:
            raise WorkerError(Reason.REFUSED, str(answer.get("error", "no reason given"))[:TAIL])
        return answer

    def interrupt(self) -> None:
        """End the process under a request of another thread, which then fails."""
        process = self._process
        if process is not None and process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the process; harmless when there is none."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def _start(self) -> None:
        self._said = b""
        try:
            process = subprocess.Popen(  # noqa: S603 - the configuration names the program
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**ALIVE, "PATH": os.environ.get("PATH", os.defpath), "HOME": "/nonexistent"},
                start_new_session=True,
            )
        except OSError as error:
            raise self._failed(Reason.START, f"it cannot be started: {error}") from error
        self._process = process
        memory = self._limits.memory
        with suppress(ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_AS, (memory, memory))
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
        self.generation += 1
        hello = frames.frame({"op": "hello", "protocol": frames.PROTOCOL})
        self.hello = self._exchange(hello, self._limits.start)
        if self.hello.get("protocol") != frames.PROTOCOL:
            text = f"it speaks protocol {self.hello.get('protocol')}, not {frames.PROTOCOL}"
            raise self._failed(Reason.VERSION, text)

    def _exchange(self, request: bytes, seconds: float) -> dict[str, Any]:
        """Send a request and wait for its answer, so many seconds together."""
        deadline = self._clock.monotonic() + seconds
        try:
            return self._answer(memoryview(request), deadline)
        except TimeoutError:
            text = f"it did not answer within {seconds:g} s and was ended"
            raise self._failed(Reason.TIMEOUT, text) from None
        except frames.FrameError as error:
            raise self._failed(Reason.GARBAGE, f"it sent garbage: {error}") from error
        except (EOFError, BrokenPipeError):
            raise self._failed(Reason.DIED, f"it ended{self._ending()}") from None

    def _answer(self, request: memoryview, deadline: float) -> dict[str, Any]:
        received = bytearray()
        wanted, header = frames.HEAD.size, None
        with _Pipes(self._process) as pipes:
            while len(received) < wanted:
                for name in pipes.ready(self._clock, deadline, writing=bool(len(request))):
                    if name == "stdin":
                        request = request[pipes.write(request) :]
                    elif name == "stderr":
                        self._said = (self._said + pipes.read(name))[-TAIL:]
                    else:
                        received += _some(pipes.read(name))
                if header is None and len(received) >= frames.HEAD.size:
                    header, body = frames.lengths(bytes(received[: frames.HEAD.size]))
                    wanted += header + body
        start = frames.HEAD.size
        return frames.header_of(bytes(received[start : start + (header or 0)]))

    def _failed(self, reason: Reason, text: str) -> WorkerError:
        """End the worker and put off its next start."""
        self.close()
        self._failures += 1
        wait = min(FIRST_WAIT * 2 ** (self._failures - 1), LONGEST_WAIT)
        self._not_before = self._clock.monotonic() + wait
        self._why = text
        return WorkerError(reason, text)

    def _ending(self) -> str:
        """How the process ended, and the last thing that it said."""
        process = self._process
        if process is None:
            return ""
        with suppress(subprocess.TimeoutExpired):
            process.wait(1.0)
        code = process.returncode
        how = "" if code is None else f" by signal {-code}" if code < 0 else f" with status {code}"
        if process.stderr is not None:
            self._said = (self._said + (process.stderr.read() or b""))[-TAIL:]
        lines = self._said.decode(errors="replace").strip().splitlines()
        return f"{how}: {lines[-1]}" if lines else how


class _Pipes:
    """The three pipes of a process, to be read and written as each becomes ready."""

    def __init__(self, process: subprocess.Popen[bytes] | None) -> None:
        if process is None or not (process.stdin and process.stdout and process.stderr):
            raise EOFError
        self._files = {
            "stdin": process.stdin.fileno(),
            "stdout": process.stdout.fileno(),
            "stderr": process.stderr.fileno(),
        }
        self._selector = selectors.DefaultSelector()
        self._writing = True
        self._selector.register(self._files["stdin"], selectors.EVENT_WRITE, "stdin")
        self._selector.register(self._files["stdout"], selectors.EVENT_READ, "stdout")
        self._selector.register(self._files["stderr"], selectors.EVENT_READ, "stderr")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self._selector.close()

    def ready(self, clock: Clock, deadline: float, *, writing: bool) -> list[str]:
        """Names of the pipes that can be used now; raises TimeoutError after the deadline."""
        if self._writing and not writing:
            self._selector.unregister(self._files["stdin"])
            self._writing = False
        left = deadline - clock.monotonic()
        if left <= 0:
            raise TimeoutError
        return [key.data for key, _ in self._selector.select(min(left, 1.0))]

    def read(self, name: str) -> bytes:
        """What a pipe has now; one that ended is looked at no more."""
        data = os.read(self._files[name], CHUNK)
        if not data and name == "stderr":
            self._selector.unregister(self._files[name])
        return data

    def write(self, data: memoryview) -> int:
        """Hand over what the pipe takes now; how many bytes that was."""
        return os.write(self._files["stdin"], data[:CHUNK])


def _some(data: bytes) -> bytes:
    if not data:
        raise EOFError
    return data
