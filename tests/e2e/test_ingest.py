"""What `POST /v1/records` of the running daemon takes, refuses and keeps for a second try."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
import zstandard

from monitor.record import Reason
from tests import shop
from tests.daemon import CONFIG, NDJSON, Daemon, driftd

if TYPE_CHECKING:
    from collections.abc import Iterator

JSON = "application/json"
ARROW = "application/vnd.apache.arrow.stream"
DOORS = ("accepted", "duplicate", "rejected", "sampled_out", "shed")
LIMITS = "limits: {keys: 40, string_length: 200, record_bytes: 2000, batch_records: 5000}\n"
SMALL = ", max_body_bytes: 1MiB, max_decompressed_bytes: 2MiB"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, shop_baseline: bytes) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("ingest")
    with shop.place(folder, shop_baseline, more=LIMITS, server=SMALL) as running:
        yield running.start()


@pytest.fixture
def rows(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """Ten records that nobody else sends."""
    return shop.stream(0, 10, prefix=request.node.name)


def arrow(rows: list[dict[str, Any]]) -> bytes:
    """Records as an Arrow IPC stream."""
    flat = [
        {
            **{name: row[name] for name in ("id", "model", "version", "prediction")},
            "time": datetime.fromisoformat(row["time"]),
            "score": row["scores"]["1"],
            **{f"features.{name}": value for name, value in row["features"].items()},
            **{f"segments.{name}": value for name, value in row["segments"].items()},
        }
        for row in rows
    ]
    table = pa.Table.from_pylist(flat)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def array(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps(rows).encode()


@pytest.mark.parametrize(
    ("kind", "encode"),
    [(NDJSON, shop.lines), (JSON, array), (ARROW, arrow)],
    ids=["ndjson", "json", "arrow"],
)
@pytest.mark.parametrize("encoding", ["", "gzip", "zstd"])
def test_every_format_and_encoding_is_taken(
    daemon: Daemon, rows: list[dict[str, Any]], kind: str, encode: Any, encoding: str
) -> None:
    packers: dict[str, Any] = {
        "": bytes,
        "gzip": gzip.compress,
        "zstd": zstandard.ZstdCompressor().compress,
    }
    payload = packers[encoding](encode(rows))
    first = daemon.send(payload, kind, encoding)
    assert (first["received"], first["accepted"], first["problems"]) == (10, 10, [])
    again = daemon.send(payload, kind, encoding)
    assert (again["received"], again["duplicate"], again["accepted"]) == (10, 10, 0)


def test_formats_may_be_mixed(daemon: Daemon, rows: list[dict[str, Any]]) -> None:
    assert daemon.send(arrow(rows), ARROW)["accepted"] == 10
    assert daemon.send(shop.lines(rows))["duplicate"] == 10
    assert daemon.send(json.dumps(rows[0]).encode(), JSON)["duplicate"] == 1


def test_labels_are_counted_beside_records(daemon: Daemon, rows: list[dict[str, Any]]) -> None:
    name = rows[0]["id"].rpartition("-")[0]
    labels = [shop.label(n, shop.LIVE, prefix=name) for n in range(3)]
    assert daemon.send(shop.lines([*rows, *labels]))["accepted"] == 13
    assert daemon.send(shop.lines(labels))["duplicate"] == 3
    corrected = {**labels[0], "label": "another"}
    assert daemon.send(shop.lines([corrected]))["accepted"] == 1


def _with(**members: Any) -> bytes:
    return json.dumps({**shop.record(1, shop.LIVE), **members}).encode()


def _text(old: str, new: str) -> bytes:
    return _with().decode().replace(old, new).encode("utf-8", "surrogatepass")


BAD = {
    Reason.NOT_JSON: b'{"model": "shop"',
    Reason.NOT_UTF8: b'{"model": "shop", "id": "\xff"}',
    Reason.NAN_OR_INFINITY: _text('"age": ', '"age": NaN, "x": '),
    Reason.LONE_SURROGATE: _with(id="x").replace(b'"x"', b'"\\ud800"'),
    Reason.INTEGER_RANGE: _with(features={"amount": 2**70}),
    Reason.NUMBER_RANGE: _text('"age": ', '"age": 1e400, "x": '),
    Reason.DUPLICATE_KEY: _text('"age": ', '"age": 1, "age": '),
    Reason.NUL: _with(id="a\0b"),
    Reason.TOO_DEEP: _with(features={"a": [[[[1]]]]}),
    Reason.TOO_MANY_KEYS: _with(features={f"k{n}": n for n in range(60)}),
    Reason.STRING_TOO_LONG: _with(id="x" * 300),
    Reason.RECORD_TOO_LARGE: _with(features={"a": ["x" * 150] * 20}),
    Reason.SCHEMA: b"[1, 2]",
    Reason.MISSING_FIELD: b'{"id": "x"}',
    Reason.BAD_TIME: _with(time="yesterday"),
    Reason.NAIVE_TIME: _with(time="2024-03-04T01:00:00"),
    Reason.FUTURE_TIME: _with(time=shop.rfc3339(datetime.now(UTC) + timedelta(days=3))),
    Reason.UNKNOWN_MODEL: _with(model="elsewhere"),
}


def test_there_is_a_bad_line_for_every_reason() -> None:
    assert set(BAD) == set(Reason)


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_line_says_why_and_harms_no_neighbour(
    daemon: Daemon, rows: list[dict[str, Any]], reason: Reason
) -> None:
    payload = shop.lines(rows[:5]) + BAD[reason] + b"\n" + shop.lines(rows[5:])
    answer = daemon.send(payload)
    assert (answer["received"], answer["accepted"], answer["rejected"]) == (11, 10, 1)
    (problem,) = answer["problems"]
    assert (problem["line"], problem["reason"]) == (6, reason.value)
    assert problem["detail"]
    newest = daemon.get("/v1/quarantine?limit=1")["items"][0]
    assert (newest["reason"], newest["line"]) == (reason.value, 6)


def test_bad_elements_of_an_array_harm_no_neighbour(
    daemon: Daemon, rows: list[dict[str, Any]]
) -> None:
    inside = [json.dumps(row) for row in rows]
    answer = daemon.send(f"[{inside[0]}, NaN, {inside[1]}, 17]".encode(), JSON)
    assert (answer["accepted"], answer["rejected"]) == (2, 2)
    assert [problem["line"] for problem in answer["problems"]] == [2, 4]


def test_what_is_refused_as_a_whole_is_not_counted(
    daemon: Daemon, rows: list[dict[str, Any]]
) -> None:
    before = daemon.get("/v1/status")["doors"]
    bomb = gzip.compress(b" " * (3 << 20))
    huge = shop.lines(rows) * 500
    refused = {
        415: [(b"x", "text/csv", ""), (b"x", NDJSON, "br")],
        413: [(bomb, NDJSON, "gzip"), (huge, NDJSON, "")],
        400: [(b"no gzip", NDJSON, "gzip")],
    }
    for status, requests in refused.items():
        for body, kind, encoding in requests:
            headers = {"content-type": kind, "content-encoding": encoding}
            answer = daemon.ask("POST", "/v1/records", body, headers)
            assert (answer.status, answer.headers["content-type"]) == (
                status,
                "application/problem+json",
            ), answer
    assert daemon.get("/v1/status")["doors"] == before


def test_the_doors_add_up(daemon: Daemon, rows: list[dict[str, Any]]) -> None:
    daemon.send(shop.lines(rows) + b"{\n")
    doors = daemon.get("/v1/status")["doors"]
    assert doors["received"] == sum(doors[door] for door in DOORS) > 0
    assert min(doors["accepted"], doors["rejected"]) > 0


def test_hostile_hosts_and_origins_are_refused(daemon: Daemon) -> None:
    assert daemon.ask("GET", "/v1/status", headers={"host": "evil.example"}).status == 421
    foreign = {"origin": "https://evil.example", "content-type": NDJSON}
    assert daemon.ask("POST", "/v1/records", b"{}", foreign).status == 403


def test_rejected_lines_are_listed_and_sent_again(
    tmp_path: Any, shop_baseline: bytes, rows: list[dict[str, Any]]
) -> None:
    """A limit was too small: raise it, restart, and nothing has to be sent by anybody."""
    long = {**rows[0], "id": "x" * 300}
    with shop.place(tmp_path, shop_baseline, more=LIMITS) as daemon:
        daemon.start()
        answer = daemon.send(shop.lines([rows[1], long, rows[2]]) + b"{broken\n")
        assert (answer["accepted"], answer["rejected"]) == (2, 2)
        listed = daemon.get("/v1/quarantine")["items"]
        assert [item["reason"] for item in listed] == ["not_json", "string_too_long"]
        assert listed[0]["preview"] == "{broken"
        daemon.stop()
        (tmp_path / CONFIG).write_text(shop.configuration(daemon.port))
        daemon.start()
        ids = [item["entry_id"] for item in listed]
        again = daemon.post("/v1/quarantine/reingest", {"ids": ids})
        assert (again["received"], again["accepted"], again["rejected"]) == (2, 1, 1)
        # The command line sees the same lines; the one that was accepted is not sent again.
        shown = driftd(tmp_path, "quarantine", "list", "--json")
        assert [line["reason"] for line in json.loads(shown.stdout)] == [
            "not_json",
            "string_too_long",
        ]
        done = driftd(tmp_path, "quarantine", "reingest", "--all")
        assert done.returncode == 0, done.stderr
        assert "0 of 1 lines" in done.stderr
        doors = daemon.get("/v1/status")["doors"]
        assert doors["received"] == sum(doors[door] for door in DOORS)
        assert (doors["received"], doors["accepted"]) == (4 + 2 + 1, 3)
