"""Native Arrow streams."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.columnar import values_of
from monitor.decoders.arrow import ArrowDecoder
from monitor.decoders.arrowbounds import stream_size
from monitor.decoders.layout import TableLayout
from monitor.decoders.native import NativeLines
from monitor.decoders.registry import BUILT_IN, MEDIA_TYPES, decoder_class, names
from monitor.decoders.tabular import ArrowTableDecoder
from monitor.errors import InputError, UsageError
from monitor.record import Booleans, Decoded, Mixed, Numbers, Reason, RecordBatch, Texts

NOW = 1_400_000_000_000_000
T0 = 1_370_063_700_000_000
STAMP = datetime(2013, 6, 1, 5, 15, tzinfo=UTC)


def stream(table: Any, **options: Any) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, **options) as writer:
        writer.write_table(table, max_chunksize=2)
    return sink.getvalue()


def decode(columns: dict[str, Any] | Any) -> Decoded:
    table = pa.table(columns) if isinstance(columns, dict) else columns
    return ArrowDecoder().decode(stream(table), NOW)


def only(decoded: Decoded) -> RecordBatch:
    assert not decoded.problems
    (batch,) = decoded.records
    return batch


def reasons(decoded: Decoded) -> list[tuple[int, Reason]]:
    return [(problem.line, problem.reason) for problem in decoded.problems]


class TestRecords:
    """What a stream becomes."""

    def test_says_the_same_as_lines(self) -> None:
        line = (
            b'{"id":"p-1","model":"m","version":"7","time":"2013-06-01T05:15:00Z",'
            b'"features":{"carrier":"UA","delay":2.0,"score":1},"prediction":"0",'
            b'"scores":{"0":0.93},"segments":{"origin":"EWR"}}'
        )
        expected = only(NativeLines().decode(line, NOW))
        dotted = {
            "id": ["p-1"], "model": ["m"], "version": ["7"], "time": [STAMP],
            "features.carrier": ["UA"], "delay": [2.0], "features.score": [1],
            "prediction": ["0"], "scores.0": [0.93], "segments.origin": ["EWR"],
        }  # fmt: skip
        nested = {
            "id": ["p-1"], "model": ["m"], "version": ["7"], "time": ["2013-06-01T05:15:00Z"],
            "features": [{"carrier": "UA", "delay": 2.0, "score": 1}],
            "prediction": ["0"], "scores": [{"0": 0.93}], "segments": [{"origin": "EWR"}],
        }  # fmt: skip
        for columns in (dotted, nested):
            batch = only(decode(columns))
            assert (batch.model, batch.version, batch.ids) == ("m", "7", ("p-1",))
            assert batch.times.tolist() == expected.times.tolist() == [T0]
            for ours, theirs in (
                (batch.columns, expected.columns),
                (batch.segments, expected.segments),
            ):
                assert {name: values_of(column) for name, column in ours.items()} == {
                    name: values_of(column) for name, column in theirs.items()
                }

    def test_kinds_of_columns(self) -> None:
        batch = only(
            decode(
                {
                    "model": ["m"] * 3,
                    "i": pa.array([1, None, 3], pa.uint8()),
                    "h": pa.array([1.5, None, np.inf], pa.float16()),
                    "d": pa.array([1, None, 2]).cast(pa.decimal128(30, 2)),
                    "b": [True, None, False],
                    "t": ["b", None, "a"],
                    "l": [[1.0], None, [2.0, None]],
                    "n": pa.nulls(3),
                    "c": pa.DictionaryArray.from_arrays([1, None, 1], ["unused", "x", "x"]),
                    "k": pa.DictionaryArray.from_arrays([0, 1, None], [0.5, None]),
                }
            )
        )
        columns = batch.columns
        assert values_of(columns["i"]) == [1.0, None, 3.0]
        assert values_of(columns["h"]) == [1.5, None, np.inf]
        assert values_of(columns["d"]) == [1.0, None, 2.0]
        assert isinstance(columns["b"], Booleans)
        assert values_of(columns["t"]) == ["b", None, "a"]
        assert columns["l"] == Mixed(([1.0], None, [2.0, None]))
        assert "n" not in columns
        assert isinstance(columns["c"], Texts)
        assert (columns["c"].vocabulary, columns["c"].codes.tolist()) == (("x",), [0, -1, 0])
        assert isinstance(columns["k"], Numbers)
        assert values_of(columns["k"]) == [0.5, None, None]

    def test_models_versions_and_labels(self) -> None:
        decoded = decode(
            {
                "type": [None, "label", "record", "label", "odd", "label"],
                "id": pa.array([1, 2, 3, 4, 5, 6]),
                "model": ["a", "a", "b", "b", "a", "a"],
                "version": pa.array([1, None, None, None, 1, None]),
                "x": [0.5, None, 1.5, None, 2.5, None],
                "label": [None, "1", None, "0", None, None],
            }
        )
        assert [(b.model, b.version, b.ids) for b in decoded.records] == [
            ("a", "1", ("1",)),
            ("b", "", ("3",)),
        ]
        assert [(b.model, b.ids, values_of(b.labels)) for b in decoded.labels] == [
            ("a", ("2",), ["1"]),
            ("b", ("4",), ["0"]),
        ]
        assert reasons(decoded) == [(5, Reason.SCHEMA), (6, Reason.MISSING_FIELD)]
        assert decoded.received == 6

    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
    def test_timestamps_of_any_unit(self, unit: str) -> None:
        times = pa.array([STAMP, None], pa.timestamp(unit, "America/New_York"))
        assert only(decode({"model": ["m"] * 2, "time": times})).times.tolist() == [T0, NOW]

    @pytest.mark.parametrize("kind", [pa.timestamp("s", "UTC"), pa.date32(), pa.date64()])
    def test_times_beyond_all_calendars(self, kind: Any) -> None:
        wide = pa.int32() if kind == pa.date32() else pa.int64()
        far = 2**31 - 1 if kind == pa.date32() else 2**35 * 86_400_000
        times = pa.array([-far, 0, far, None], wide).cast(kind)
        table = pa.table({"time": times, "x": [1, 2, 3, 4]})
        decoder = ArrowTableDecoder(TableLayout("m", timezone="UTC"))
        decoded = decoder.decode(stream(table), NOW)
        assert reasons(decoded) == [(1, Reason.BAD_TIME), (3, Reason.BAD_TIME)]
        assert decoded.records[0].times.tolist() == [0, NOW]

    def test_empty(self) -> None:
        schema = pa.schema({"model": pa.string(), "x": pa.float64()})
        assert decode(schema.empty_table()).received == 0


class TestProblems:
    """What is wrong with a stream or a row."""

    def test_rows(self) -> None:
        decoded = decode(
            {
                "model": ["m", None, "m", "m", "m"],
                "time": ["2013-06-01T05:15:00Z", None, "soon", "2030-01-01T00:00:00Z", None],
                "t": ["a", "b", "c", "d", "\0"],
            }
        )
        assert reasons(decoded) == [
            (2, Reason.MISSING_FIELD),
            (3, Reason.BAD_TIME),
            (4, Reason.FUTURE_TIME),
            (5, Reason.NUL),
        ]
        (batch,) = decoded.records
        assert (batch.times.tolist(), values_of(batch.columns["t"])) == ([T0], ["a"])

    def test_labels_need_ids(self) -> None:
        decoded = decode({"type": ["label"], "model": ["m"], "label": ["1"]})
        assert reasons(decoded) == [(1, Reason.MISSING_FIELD)]

    @pytest.mark.parametrize(
        "column",
        [
            pa.array([b"bytes"]),
            pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
            pa.array([[{"a": 1}]]),
            pa.array([b"bytes"]).dictionary_encode(),
        ],
    )
    def test_types_that_are_no_json_values(self, column: Any) -> None:
        decoded = decode({"model": ["m"], "x": column})
        assert reasons(decoded) == [(1, Reason.SCHEMA)]
        assert "'x'" in decoded.problems[0].detail

    def test_columns_twice(self) -> None:
        table = pa.Table.from_arrays([pa.array(["m"])] * 2, names=["model", "model"])
        assert reasons(decode(table)) == [(1, Reason.DUPLICATE_KEY)]

    def test_no_model_at_all(self) -> None:
        assert reasons(decode({"x": [1, 2]})) == [
            (1, Reason.MISSING_FIELD),
            (2, Reason.MISSING_FIELD),
        ]

    @given(st.integers(0), st.integers(0, 255), st.integers(0))
    def test_damage_never_raises(self, at: int, byte: int, cut: int) -> None:
        payload = bytearray(stream(pa.table({"model": ["m"] * 3, "x": [1.0, None, 2.0]})))
        payload[at % len(payload)] = byte
        decoder = ArrowDecoder()
        decoder.decode(bytes(payload), NOW)
        decoder.decode(bytes(payload[: cut % len(payload)]), NOW)

    def test_garbage_is_one_problem(self) -> None:
        wrong_name = stream(pa.table({"naem": ["m"]})).replace(b"naem", b"na\xffm")
        for payload in (b"", b"nonsense", b"\xff" * 100, wrong_name):
            assert reasons(ArrowDecoder().decode(payload, NOW)) == [(1, Reason.SCHEMA)]


class TestBounds:
    """A small body must not become a large table."""

    def test_sizes_are_read_from_the_headers(self) -> None:
        table = pa.table({"x": np.zeros(100_000), "b": [True] * 100_000})
        packed = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.ipc.new_stream(packed, table.schema, options=options) as writer:
            writer.write_table(table)
        body = packed.getvalue().to_pybytes()
        assert len(body) < 5_000
        size = stream_size(pa, body)
        assert (size.rows, size.unpacked) == (100_000, pytest.approx(812_500, rel=0.001))

    def test_nulls_are_not_free(self) -> None:
        table = pa.table({"model": pa.nulls(2**20 + 1)})
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        decoded = ArrowDecoder().decode(sink.getvalue(), NOW)
        assert reasons(decoded) == [(1, Reason.RECORD_TOO_LARGE)]

    def test_compressed_buffers_are_not_free(self) -> None:
        table = pa.table({f"x{number}": np.zeros(500_000) for number in range(70)})
        sink = io.BytesIO()
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
            writer.write_table(table)
        assert len(sink.getvalue()) < 200_000
        decoded = ArrowDecoder().decode(sink.getvalue(), NOW)
        assert reasons(decoded) == [(1, Reason.RECORD_TOO_LARGE)]


class TestRegistry:
    """Decoders by name."""

    def test_all_names_lead_somewhere(self) -> None:
        assert set(BUILT_IN) <= set(names())
        assert all(callable(decoder_class(name).decode) for name in BUILT_IN)
        assert set(MEDIA_TYPES.values()) <= set(BUILT_IN)

    def test_unknown(self) -> None:
        with pytest.raises(UsageError, match="there is no decoder 'xml'"):
            decoder_class("xml")

    def test_without_pyarrow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        with pytest.raises(InputError, match=r"driftd\[parquet\]"):
            ArrowDecoder()
