"""A worker is a real process here, and does whatever a process can do."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from monitor.plugins.host import LONGEST_WAIT, Reason, Worker, WorkerError, WorkerLimits
from monitor.plugins.matrix import to_arrow
from monitor.plugins.worker import frames

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(__file__).with_name("fake_worker.py")
ROOT = Path(__file__).parents[3]
pytest.importorskip("pyarrow")


class ShiftedClock:
    """The real clock, moved forward by tests: workers run in real time, waiting does not."""

    def __init__(self) -> None:
        from monitor.clock import SystemClock  # noqa: PLC0415 - beside its only use

        self._real = SystemClock()
        self.ahead = 0.0

    def now(self) -> int:
        return self._real.now()

    def monotonic(self) -> float:
        return self._real.monotonic() + self.ahead

    def sleep(self, seconds: float) -> None:
        self.ahead += seconds


@pytest.fixture
def clock() -> ShiftedClock:
    return ShiftedClock()


class Workers:
    """Makes workers and ends them."""

    def __init__(self, clock: ShiftedClock) -> None:
        self._clock = clock
        self.made: list[Worker] = []

    def __call__(self, mode: str = "", **limits: Any) -> Worker:
        program = f"import sys, runpy; sys.path.insert(0, {str(ROOT)!r}); "
        program += f"sys.argv = ['fake', {mode!r}]; "
        program += f"runpy.run_path({str(PROGRAM)!r}, run_name='__main__')"
        command = [sys.executable, "-c", program]
        chosen = {"request": 20.0, "start": 20.0, **limits}
        self.made.append(Worker(command, WorkerLimits(**chosen), self._clock))
        return self.made[-1]


@pytest.fixture
def worker(clock: ShiftedClock) -> Iterator[Workers]:
    workers = Workers(clock)
    yield workers
    for made in workers.made:
        made.close()


def rows(values: float = 0.0, n: int = 4) -> bytes:
    return to_arrow(["a", "b"], np.full((n, 2), values, np.float32))


def fit(made: Worker, **params: Any) -> None:
    header = {"op": "fit", "key": "k", "detector": "echo", "params": params, "seed": 1}
    made.call(header, rows(), fitting=True)


JUDGE = {"op": "judge", "key": "k"}


def failure(made: Worker, **params: Any) -> WorkerError:
    fit(made, **params)
    with pytest.raises(WorkerError) as raised:
        made.call(JUDGE, rows(2.0))
    return raised.value


def test_a_conversation(worker: Workers) -> None:
    made = worker()
    fit(made)
    assert made.hello["name"] == "fake"
    answer = made.call(JUDGE, rows(2.0))
    assert answer["alarm"] is True
    assert answer["statistic"] == 2.0
    assert made.call(JUDGE, rows(0.5))["alarm"] is False
    assert made.generation == 1


def test_large_requests_pass_through_the_pipe(worker: Workers) -> None:
    made = worker()
    fit(made)
    assert made.call(JUDGE, rows(3.0, n=500_000))["statistic"] == 3.0


def test_a_slow_start_is_waited_for(worker: Workers) -> None:
    fit(worker("slow"))


def test_what_libraries_print_is_no_answer(worker: Workers) -> None:
    made = worker("chatty")
    fit(made)
    for _ in range(3):
        assert made.call(JUDGE, rows(2.0))["alarm"] is True


def test_a_refusal_does_not_end_the_worker(worker: Workers) -> None:
    made = worker()
    error = failure(made, fail="no window today")
    assert error.reason is Reason.REFUSED
    assert str(error) == "ValueError: no window today"
    fit(made)
    assert made.generation == 1


def test_a_hang_is_ended(worker: Workers, clock: ShiftedClock) -> None:
    made = worker(request=0.3)
    error = failure(made, sleep=600)
    assert error.reason is Reason.TIMEOUT
    assert str(error) == "it did not answer within 0.3 s and was ended"
    clock.ahead += 1
    fit(made)
    assert made.generation == 2


def test_a_worker_that_never_says_hello_is_ended(worker: Workers) -> None:
    with pytest.raises(WorkerError, match=r"did not answer within 0\.3 s"):
        worker("mute", start=0.3).ready()


def test_a_crash_says_its_last_words(worker: Workers) -> None:
    error = failure(worker(), die=int(signal.SIGABRT))
    assert error.reason is Reason.DIED
    assert str(error) == "it ended by signal 6: the last words"


def test_one_that_cannot_start_says_why(worker: Workers) -> None:
    with pytest.raises(WorkerError, match="ended with status 1: cannot be started today"):
        worker("exit").ready()


def test_a_program_that_is_not_there(clock: ShiftedClock) -> None:
    made = Worker(["/nonexistent/python"], WorkerLimits(), clock)
    with pytest.raises(WorkerError, match=r"it cannot be started: .*No such file"):
        made.ready()


def test_memory_is_limited_from_outside(worker: Workers) -> None:
    made = worker(memory=2 << 30)
    error = failure(made, hog=4 << 30)
    assert str(error) == "out of memory"
    fit(made)
    assert made.call(JUDGE, rows(2.0))["alarm"] is True


def test_garbage_is_recognised(worker: Workers) -> None:
    error = failure(worker(), garbage=1)
    assert error.reason is Reason.GARBAGE
    assert str(error) == "it sent garbage: expected a frame, got b'Segmenta'"


def test_another_protocol_is_refused(worker: Workers) -> None:
    with pytest.raises(WorkerError) as raised:
        worker("old").ready()
    assert raised.value.reason is Reason.VERSION
    assert str(raised.value) == "it speaks protocol 0, not 1"


def test_it_is_started_again_more_and_more_rarely(worker: Workers, clock: ShiftedClock) -> None:
    made = worker("exit")
    for wait in (1, 2, 4, 8):
        with pytest.raises(WorkerError, match="cannot be started today"):
            made.ready()
        clock.ahead += wait * 0.5
        with pytest.raises(WorkerError, match=r"is started again in .* because it ended") as raised:
            made.ready()
        assert raised.value.reason is Reason.WAITING
        clock.ahead += wait * 0.5
    made._failures = 60
    with pytest.raises(WorkerError):
        made.ready()
    assert made._not_before <= clock.monotonic() + LONGEST_WAIT


def test_success_forgets_failures(worker: Workers, clock: ShiftedClock) -> None:
    made = worker(request=0.3)
    failure(made, sleep=600)
    clock.ahead += 1
    fit(made)
    assert made._failures == 0


def test_nothing_of_the_daemon_is_handed_over(
    worker: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTD_SECRET", "hush")
    made = worker()
    made.ready()
    process = made._process
    assert process is not None
    environment = Path(f"/proc/{process.pid}/environ").read_bytes()
    assert b"hush" not in environment
    assert b"OMP_NUM_THREADS=1" in environment


def test_closing_leaves_no_process(worker: Workers) -> None:
    made = worker()
    made.ready()
    process = made._process
    assert process is not None
    made.close()
    made.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_a_worker_ends_when_nobody_asks_any_more(worker: Workers) -> None:
    made = worker()
    made.ready()
    process = made._process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(20) == 0


def test_unknown_requests_are_answered(worker: Workers) -> None:
    made = worker()
    with pytest.raises(WorkerError, match="no such request: 'dance'"):
        made.call({"op": "dance"})
    with pytest.raises(WorkerError, match="KeyError"):
        made.call({"op": "judge", "key": "never fitted"}, rows())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"HTTP/1.1 400 Bad Request", "expected a frame, got b'HTTP/1.1'"),
        (frames.HEAD.pack(frames.MAGIC, 1 << 30, 0) + b"xxxx", "is too large"),
        (frames.HEAD.pack(frames.MAGIC, 3, 0) + b"{{{", "a header that is no JSON"),
        (frames.HEAD.pack(frames.MAGIC, 2, 0) + b"[]", "a header that is no JSON object"),
        (frames.frame({"a": 1}, b"body")[:-1], "ended within a frame"),
        (b"drift", "ended within a frame"),
    ],
)
def test_bad_frames(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "stream"
    path.write_bytes(data)
    with path.open("rb") as stream, pytest.raises(frames.FrameError, match=said):
        frames.read(stream)


def test_frames_come_back(tmp_path: Path) -> None:
    path = tmp_path / "stream"
    path.write_bytes(frames.frame({"op": "x"}, b"\0\1") + frames.frame({}))
    with path.open("rb") as stream:
        assert frames.read(stream) == ({"op": "x"}, b"\0\1")
        assert frames.read(stream) == ({}, b"")
        assert frames.read(stream) is None
