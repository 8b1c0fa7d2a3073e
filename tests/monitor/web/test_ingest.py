"""The way in: what is taken, what is refused and how, and that refusing costs nothing."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import zlib
from typing import TYPE_CHECKING

import pytest
import zstandard
from webfakes import NDJSON, FakeDaemon

from monitor.errors import OverloadedError, StorageError
from monitor.record import Problem, Reason
from monitor.web.services import WebSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx2

LINES = b'{"model":"flights","id":"p-1"}\n' * 1000
TYPE = {"content-type": NDJSON}
SMALL = WebSettings(
    max_body_bytes=100_000,
    max_decompressed_bytes=1_000_000,
    max_inflight_bytes=4_000_000,
    body_gap_seconds=0.3,
    body_seconds=1.0,
)


def test_a_payload_arrives_as_it_was_sent_and_every_door_is_answered(
    client: httpx2.Client, daemon: FakeDaemon
) -> None:
    answer = client.post("/v1/records", content=LINES, headers=TYPE)
    assert answer.status_code == 200
    assert daemon.payloads[-1] == (LINES, NDJSON)
    assert answer.json() == {
        "received": 1003,
        "accepted": 1000,
        "duplicate": 1,
        "sampled_out": 0,
        "shed": 0,
        "rejected": 2,
        "problems": [
            {"line": 17, "reason": "not_json", "detail": "unexpected end of line \\ud800"},
            {"line": 20, "reason": "naive_time", "detail": "time has no zone"},
        ],
    }


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("GZIP", lambda data: gzip.compress(data[:500]) + gzip.compress(data[500:])),
        ("zstd", zstandard.compress),
        ("zstd", lambda data: zstandard.compress(data[:500]) + zstandard.compress(data[500:])),
    ],
)
def test_content_encodings(
    client: httpx2.Client, daemon: FakeDaemon, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    headers = {**TYPE, "content-encoding": encoding}
    answer = client.post("/v1/records", content=pack(LINES), headers=headers)
    assert answer.status_code == 200
    assert daemon.payloads[-1][0] == LINES


def test_parameters_of_the_content_type_do_not_matter(client: httpx2.Client) -> None:
    headers = {"content-type": "Application/X-NDJSON; charset=utf-8"}
    assert client.post("/v1/records", content=LINES, headers=headers).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "", "application/xml"])
def test_an_unknown_content_type_is_told_the_known_ones(client: httpx2.Client, kind: str) -> None:
    answer = client.post("/v1/records", content=b"x", headers={"content-type": kind})
    problem = answer.json()
    assert answer.status_code == problem["status"] == 415
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["reason"] == "content_type"
    assert "application/vnd.apache.arrow.stream" in problem["detail"]
    assert NDJSON in answer.headers["accept"]


def test_an_unknown_content_encoding_is_told_the_known_ones(client: httpx2.Client) -> None:
    headers = {**TYPE, "content-encoding": "br"}
    answer = client.post("/v1/records", content=b"x", headers=headers)
    assert answer.status_code == 415
    assert answer.headers["accept-encoding"] == "gzip, zstd"


def test_at_most_a_hundred_problems_are_listed(
    serve: Callable[..., Iterator[httpx2.Client]],
) -> None:
    many = tuple(Problem(line, Reason.SCHEMA, "x" * 1000) for line in range(1, 251))
    with serve(FakeDaemon(problems=many), WebSettings()) as client:
        answer = client.post("/v1/records", content=LINES, headers=TYPE).json()
    assert answer["rejected"] == 250
    assert [problem["line"] for problem in answer["problems"]] == list(range(1, 101))
    assert len(answer["problems"][0]["detail"]) == 300


def test_overload_asks_to_come_back(serve: Callable[..., Iterator[httpx2.Client]]) -> None:
    full = FakeDaemon(submit_error=OverloadedError("The journal is full.", 7.2))
    with serve(full, WebSettings()) as client:
        answer = client.post("/v1/records", content=LINES, headers=TYPE)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "7"
    assert answer.json()["detail"] == "The journal is full."


def test_a_storage_error_is_503_and_keeps_its_details(
    serve: Callable[..., Iterator[httpx2.Client]],
) -> None:
    down = FakeDaemon(submit_error=StorageError("/var/lib/driftd.db: disk I/O error"))
    with serve(down, WebSettings()) as client:
        answer = client.post("/v1/records", content=LINES, headers=TYPE)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "driftd.db" not in answer.text


def test_a_surprise_is_a_bare_500(
    serve: Callable[..., Iterator[httpx2.Client]], caplog: pytest.LogCaptureFixture
) -> None:
    with serve(FakeDaemon(submit_error=KeyError("/secret/path")), WebSettings()) as client:
        answer = client.post("/v1/records", content=LINES, headers=TYPE)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert "secret" in caplog.text


@pytest.fixture(scope="module")
def bounded_daemon() -> FakeDaemon:
    return FakeDaemon(problems=())


@pytest.fixture(scope="module")
def bounded(bounded_daemon: FakeDaemon) -> Iterator[httpx2.Client]:
    from conftest import serving  # noqa: PLC0415 - a module fixture cannot use `serve`

    with serving(bounded_daemon, SMALL) as client:
        yield client


def test_a_large_body_is_refused_by_its_length(
    bounded: httpx2.Client, bounded_daemon: FakeDaemon
) -> None:
    answer = bounded.post("/v1/records", content=b"x" * 100_001, headers=TYPE)
    assert answer.status_code == 413
    assert "100000 bytes" in answer.json()["detail"]
    assert bounded_daemon.payloads == []


def test_a_large_chunked_body_is_refused_while_reading(bounded: httpx2.Client) -> None:
    answer = bounded.post("/v1/records", content=(b"x" * 1000 for _ in range(500)), headers=TYPE)
    assert answer.status_code == 413


def test_a_body_of_exactly_the_limit_is_taken(bounded: httpx2.Client) -> None:
    answer = bounded.post("/v1/records", content=b"x" * 100_000, headers=TYPE)
    assert answer.status_code == 200


def _gzip_zeros(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(2**20)
    return b"".join([*(packer.compress(block) for _ in range(size // 2**20)), packer.flush()])


def _zstd_zeros(size: int) -> bytes:
    packer = zstandard.ZstdCompressor(level=3).compressobj()
    block = bytes(2**20)
    return b"".join([*(packer.compress(block) for _ in range(size // 2**20)), packer.flush()])


@pytest.mark.parametrize(
    ("encoding", "bomb"), [("gzip", _gzip_zeros), ("zstd", _zstd_zeros)], ids=["gzip", "zstd"]
)
def test_a_gigabyte_of_zeros_is_refused(
    serve: Callable[..., Iterator[httpx2.Client]], encoding: str, bomb: Callable[[int], bytes]
) -> None:
    daemon = FakeDaemon()
    with serve(daemon, WebSettings(max_decompressed_bytes=4 * 2**20)) as client:
        headers = {**TYPE, "content-encoding": encoding}
        answer = client.post("/v1/records", content=bomb(2**30), headers=headers)
    assert answer.status_code == 413
    assert "decompressed" in answer.json()["detail"]
    assert daemon.payloads == []


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@pytest.mark.parametrize("damage", ["truncated", "corrupt", "trailing", "empty", "other"])
def test_damaged_encodings_are_400(bounded: httpx2.Client, encoding: str, damage: str) -> None:
    checked = zstandard.ZstdCompressor(write_checksum=True)
    packed = gzip.compress(LINES) if encoding == "gzip" else checked.compress(LINES)
    other = zstandard.compress(LINES) if encoding == "gzip" else gzip.compress(LINES)
    middle = len(packed) // 2
    body = {
        "truncated": packed[:-5],
        "corrupt": packed[:middle] + b"\xff" * 9 + packed[middle + 9 :],
        "trailing": packed + b"garbage after the end",
        "empty": b"",
        "other": other,
    }[damage]
    headers = {**TYPE, "content-encoding": encoding}
    answer = bounded.post("/v1/records", content=body, headers=headers)
    assert (answer.status_code, answer.json().get("reason")) == (400, "bad_encoding")


def test_all_bodies_together_are_bounded(
    serve: Callable[..., Iterator[httpx2.Client]],
) -> None:
    settings = WebSettings(max_inflight_bytes=50_000)
    with serve(FakeDaemon(problems=()), settings) as client:
        over = client.post("/v1/records", content=b"x" * 60_000, headers=TYPE)
        packed = gzip.compress(b"x" * 60_000)
        inflated = client.post(
            "/v1/records", content=packed, headers={**TYPE, "content-encoding": "gzip"}
        )
        # What was held is given back, so a smaller body goes through.
        under = [client.post("/v1/records", content=b"x" * 40_000, headers=TYPE) for _ in "123"]
    assert over.status_code == inflated.status_code == 429
    assert over.headers["retry-after"] == "2"
    assert [answer.status_code for answer in under] == [200, 200, 200]


def raw(client: httpx2.Client) -> socket.socket:
    return socket.create_connection((client.base_url.host, client.base_url.port), timeout=10)


def head(client: httpx2.Client, *lines: str) -> bytes:
    start = ["POST /v1/records HTTP/1.1", f"Host: 127.0.0.1:{client.base_url.port}"]
    return "\r\n".join([*start, f"Content-Type: {NDJSON}", *lines, "", ""]).encode()


def test_a_body_that_stalls_is_408(bounded: httpx2.Client) -> None:
    with raw(bounded) as connection:
        connection.sendall(head(bounded, "Content-Length: 1000") + b"x")
        assert connection.recv(100).startswith(b"HTTP/1.1 408")


def test_a_body_that_trickles_is_408_too(bounded: httpx2.Client) -> None:
    """Every byte comes in time, but not the body."""
    with raw(bounded) as connection:
        connection.sendall(head(bounded, "Content-Length: 1000"))
        stop = threading.Event()

        def trickle() -> None:
            while not stop.wait(0.05):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

        writer = threading.Thread(target=trickle)
        writer.start()
        try:
            assert connection.recv(100).startswith(b"HTTP/1.1 408")
        finally:
            stop.set()
            writer.join()


def test_slow_clients_delay_nobody(bounded: httpx2.Client) -> None:
    stalled = [raw(bounded) for _ in range(20)]
    try:
        for connection in stalled:
            connection.sendall(head(bounded, "Content-Length: 90000") + b"x")
        answer = bounded.post("/v1/records", content=LINES, headers=TYPE)
        assert answer.status_code == 200
    finally:
        for connection in stalled:
            connection.close()


def test_a_client_that_leaves_is_forgotten(
    bounded: httpx2.Client, bounded_daemon: FakeDaemon
) -> None:
    before = len(bounded_daemon.payloads)
    with raw(bounded) as connection:
        connection.sendall(head(bounded, "Content-Length: 1000") + b"x" * 500)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if bounded.post("/v1/records", content=b"y", headers=TYPE).status_code == 200:
            break
    assert all(payload == b"y" for payload, _ in bounded_daemon.payloads[before:])


def test_other_methods_are_405(client: httpx2.Client) -> None:
    answer = client.get("/v1/records")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["reason"] == "method_not_allowed"
