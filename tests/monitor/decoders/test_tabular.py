"""CSV, flat NDJSON and Parquet with a layout."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.columnar import encode_block, values_of
from monitor.decoders.cells import cells
from monitor.decoders.layout import TableLayout, roles_of
from monitor.decoders.tabular import (
    ArrowTableDecoder,
    CsvDecoder,
    JsonLinesDecoder,
    ParquetDecoder,
)
from monitor.errors import InputError
from monitor.record import Booleans, Decoded, Limits, Mixed, Numbers, Reason, RecordBatch, Texts

NOW = 1_400_000_000_000_000
T0 = 1_370_063_700_000_000
MISSING = frozenset(TableLayout("m").missing)


def only(decoded: Decoded) -> RecordBatch:
    assert not decoded.problems
    (batch,) = decoded.records
    return batch


def shown(batch: RecordBatch) -> dict[str, list[Any]]:
    return {name: values_of(column) for name, column in batch.columns.items()}


def from_csv(text: str | bytes, **layout: Any) -> Decoded:
    payload = text.encode() if isinstance(text, str) else text
    return CsvDecoder(TableLayout(**{"model": "m"} | layout)).decode(payload, NOW)


def reasons(decoded: Decoded) -> list[tuple[int, Reason]]:
    return [(problem.line, problem.reason) for problem in decoded.problems]


class TestLayout:
    """Which column means what."""

    def test_conventional_names(self) -> None:
        names = ["request_id", "Timestamp", "model_version", "age", "y_pred", "scores.a", "y_true"]
        roles = roles_of(TableLayout("m"), [*names, "segments.city"])
        assert (roles.id, roles.time, roles.version) == ("request_id", "Timestamp", "model_version")
        assert (roles.prediction, roles.label, roles.score) == ("y_pred", "y_true", "")
        assert roles.scores == {"a": "scores.a"}
        assert roles.segments == {"city": "segments.city"}
        assert roles.features == {"age": "age"}

    def test_what_is_said_wins(self) -> None:
        layout = TableLayout(
            "m", id="key", time="", scores={"1": "p"}, segments=["origin"], ignore=["junk"]
        )
        roles = roles_of(layout, ["id", "key", "time", "p", "origin", "junk"])
        assert (roles.id, roles.time) == ("key", "")
        assert set(roles.features) == {"id", "time", "origin"}
        assert set(roles_of(TableLayout("m", features=["a"]), ["a", "b"]).features) == {"a"}

    def test_a_column_that_is_not_there(self) -> None:
        with pytest.raises(InputError, match="no column 'key'"):
            roles_of(TableLayout("m", id="key"), ["id"])
        decoded = from_csv("a\n1\n", id="key")
        assert reasons(decoded) == [(1, Reason.SCHEMA)]

    def test_a_layout_that_cannot_be(self) -> None:
        for wrong in ({"model": ""}, {"model": "m", "timezone": "Mars/Olympus"}):
            with pytest.raises(InputError):
                TableLayout(**wrong)


class TestCells:
    """Each cell is read by itself."""

    def test_kinds(self) -> None:
        assert isinstance(cells(["1", "-2.5", "", "1e3", ".5", "5."], MISSING), Numbers)
        assert isinstance(cells(["1", "NA", "inf", "-Infinity"], MISSING), Numbers)
        assert isinstance(cells(["a", "", "b"], MISSING), Texts)
        assert isinstance(cells(["true", "False", ""], MISSING), Booleans)
        assert cells(["1", "x", "2.5"], MISSING) == Mixed((1, "x", 2.5))

    def test_what_looks_like_a_number_but_is_none(self) -> None:
        for text in ("007", "1_000", " 1", "0x10", "1,5", "--1", "1e", ".", "+", "٣"):
            assert values_of(cells([text], MISSING)) == [text]

    @given(st.lists(st.sampled_from(["1", "2.5", "", "NA", "x", "007", "true", "inf", "1e999"])))
    def test_neighbours_do_not_matter(self, texts: list[str]) -> None:
        alone = [value for text in texts for value in values_of(cells([text], MISSING))]
        assert values_of(cells(texts, MISSING)) == alone


class TestCsv:
    """CSV with a header."""

    def test_a_log(self) -> None:
        decoded = from_csv(
            "id,time,version,age,city,prediction,score,label\r\n"
            '1,2013-06-01T05:15:00Z,v2,41,"ca, usa",0,0.5,1\r\n'
            "2,2013-06-01T05:15:01Z,v2,,,1,0.7,\r\n"
        )
        batch = only(decoded)
        assert (batch.version, batch.ids) == ("v2", ("1", "2"))
        assert batch.times.tolist() == [T0, T0 + 1_000_000]
        assert shown(batch) == {
            "age": [41.0, None],
            "city": ["ca, usa", None],
            "prediction": [0.0, 1.0],
            "score": [0.5, 0.7],
        }
        (labels,) = decoded.labels
        assert (labels.ids, values_of(labels.labels)) == (("1",), [1.0])
        assert labels.times.tolist() == [T0]

    def test_bad_lines_harm_nobody(self) -> None:
        decoded = from_csv(b'a,b\n1,2\n1\n"1,2\n\n3,"4"\n1,2,3\n\xff,1\n5,"x"y\n7,8', id="")
        assert shown(decoded.records[0]) == {"a": [1.0, 3.0, 7.0], "b": [2.0, 4.0, 8.0]}
        assert decoded.records[0].lines is not None
        assert decoded.records[0].lines.tolist() == [2, 6, 10]
        assert reasons(decoded) == [
            (3, Reason.SCHEMA),
            (4, Reason.SCHEMA),
            (7, Reason.SCHEMA),
            (8, Reason.NOT_UTF8),
            (9, Reason.SCHEMA),
        ]
        assert decoded.problems[1].payload == b'"1,2'

    def test_limits(self) -> None:
        limits = Limits(max_keys=2, max_string=5, max_record_bytes=40)
        decoder = CsvDecoder(TableLayout("m"), limits)
        decoded = decoder.decode(b"a,b\n1,toolong\n2,a\0\n%b,b\n4,ok" % (b"3" * 50), NOW)
        assert shown(decoded.records[0]) == {"a": [4.0], "b": ["ok"]}
        assert reasons(decoded) == [
            (2, Reason.STRING_TOO_LONG),
            (3, Reason.NUL),
            (4, Reason.RECORD_TOO_LARGE),
        ]
        assert reasons(decoder.decode(b"a,b,c\n1,2,3", NOW)) == [(1, Reason.TOO_MANY_KEYS)]
        assert reasons(decoder.decode(b"a,a\n1,2", NOW)) == [(1, Reason.DUPLICATE_KEY)]

    def test_nothing(self) -> None:
        assert from_csv("").received == 0
        assert from_csv("a,b\n").received == 0

    def test_models_and_versions_from_columns(self) -> None:
        decoded = from_csv(
            "m,version,a,b\nx,1,1,\ny,,,2\nx,1,3,\n,1,4,\n", model="", model_column="m", id=""
        )
        assert [(b.model, b.version, shown(b)) for b in decoded.records] == [
            ("x", "1", {"a": [1.0, 3.0]}),
            ("y", "", {"b": [2.0]}),
        ]
        assert reasons(decoded) == [(5, Reason.MISSING_FIELD)]

    def test_rows_without_ids_get_stable_different_ones(self) -> None:
        rows = "time,a,b\n" + "2013-06-01T05:15:00Z,1,x\n" * 2 + "2013-06-01T05:15:00Z,2,x\n"
        batch = only(from_csv(rows))
        assert len(set(batch.ids)) == 3
        assert all(len(name) == 32 for name in batch.ids)
        swapped = "b,a,time\n" + "x,1,2013-06-01T05:15:00Z\n" * 2 + "x,2,2013-06-01T05:15:00Z\n"
        assert only(from_csv(swapped)).ids == batch.ids

    def test_ids_are_spelled_as_written(self) -> None:
        assert only(from_csv("id,a\n007,1\n12345678901234567890,2\n")).ids == (
            "007",
            "12345678901234567890",
        )


class TestTimes:
    """Time columns of tables."""

    @pytest.mark.parametrize(
        ("text", "layout", "reason"),
        [
            ("2013-06-01 05:15:00", {}, Reason.NAIVE_TIME),
            ("2013-06-01T05:15", {}, Reason.NAIVE_TIME),
            ("soon", {}, Reason.BAD_TIME),
            ("1370063700", {}, Reason.BAD_TIME),
            ("1e300", {"time_unit": "s"}, Reason.BAD_TIME),
            ("true", {}, Reason.BAD_TIME),
            ("2030-01-01T00:00:00Z", {}, Reason.FUTURE_TIME),
        ],
    )
    def test_reasons(self, text: str, layout: dict[str, Any], reason: Reason) -> None:
        decoded = from_csv(f"time,a\n2013-06-01T05:15:00Z,1\n{text},2\n", **layout)
        assert (3, reason) in reasons(decoded)
        assert from_csv(f"time,a\n{text},2\n", **layout).problems[0].reason == reason

    @pytest.mark.parametrize(
        ("text", "layout"),
        [
            ("2013-06-01T07:15:00+02:00", {}),
            ("2013-06-01T05:15+00:00", {}),
            ("2013-06-01 01:15:00", {"timezone": "America/New_York"}),
            ("2013-06-01T05:15:00", {"timezone": "UTC"}),
            ("1370063700", {"time_unit": "s"}),
            ("1370063700000", {"time_unit": "ms"}),
            ("1370063700000000000", {"time_unit": "ns"}),
        ],
    )
    def test_spellings(self, text: str, layout: dict[str, Any]) -> None:
        batch = only(from_csv(f"time,a\n{text},1\n,2\n", **layout))
        assert batch.times.tolist() == [T0, NOW]

    def test_label_times(self) -> None:
        rows = "id,time,label,label_time\n1,2013-06-01T05:15:00Z,1,2013-06-02T05:15:00Z\n2,,,bad\n"
        (labels,) = from_csv(rows).labels
        assert labels.times.tolist() == [T0 + 86_400_000_000]


class TestJsonLines:
    """Flat objects."""

    def decode(self, *rows: Any, **layout: Any) -> Decoded:
        lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
        decoder = JsonLinesDecoder(TableLayout(**{"model": "m"} | layout))
        return decoder.decode(b"\n".join(lines), NOW)

    def test_a_log(self) -> None:
        batch = only(
            self.decode(
                {"id": 1, "a": 1, "features": {"b": "x", "c": [1, 2]}, "scores": {"1": 0.5}},
                {"id": "2", "features.b": "y"},
                {"a": None, "model_version": 3},
                version="",
            )
        )
        assert batch.ids[:2] == ("1", "2")
        assert shown(batch) == {
            "a": [1.0, None, None],
            "b": ["x", "y", None],
            "c": [[1, 2], None, None],
            "model_version": [None, None, 3.0],
            "score.1": [0.5, None, None],
        }

    def test_named_columns_may_be_absent_from_a_chunk(self) -> None:
        batch = only(self.decode({"a": 1}, id="key", time="when", segments=["origin"], version="v"))
        assert (shown(batch), dict(batch.segments), batch.version) == ({"a": [1.0]}, {}, "")

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            (b"{", Reason.NOT_JSON),
            (b'{"a":NaN}', Reason.NAN_OR_INFINITY),
            (b'{"a":1,"a":2}', Reason.DUPLICATE_KEY),
            (b'{"a":{"b":1,"b":2}}', Reason.DUPLICATE_KEY),
            (b'{"a":18446744073709551616}', Reason.INTEGER_RANGE),
            (b'{"a":"\\u0000"}', Reason.NUL),
            (b'{"a":[{"b":1}]}', Reason.SCHEMA),
            (b"[1]", Reason.SCHEMA),
            (b'{"a":{"b":{"c":{"d":{"e":1}}}}}', Reason.TOO_DEEP),
        ],
    )
    def test_bad_lines_harm_nobody(self, line: bytes, reason: Reason) -> None:
        decoded = self.decode({"a": 1}, line, {"a": 2})
        assert shown(decoded.records[0]) == {"a": [1.0, 2.0]}
        assert reasons(decoded) == [(2, reason)]

    @given(st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")), max_size=4))
    def test_anything(self, lines: list[bytes]) -> None:
        decoded = self.decode({"a": "good"}, *lines)
        assert decoded.received == 1 + sum(1 for line in lines if line.strip(b" \t\r\v\f"))
        encode_block(decoded.records, decoded.labels)


def parquet(table: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


class TestParquet:
    """Whole files."""

    def test_a_log(self) -> None:
        table = pa.table(
            {
                "request_id": pa.array([2**60 + 1, 2**60 + 2]),
                "ts": pa.array([datetime(2013, 6, 1, 5, 15, tzinfo=UTC), None]),
                "day": pa.array([date(2013, 6, 1), None]),
                "n": pa.array([1, None], pa.int32()),
                "carrier": pa.array(["UA", None]).dictionary_encode(),
                "late": pa.array([True, None]),
                "y_true": pa.array(["1", None]),
            }
        )
        decoded = ParquetDecoder(TableLayout("m")).decode(parquet(table), NOW)
        batch = only(decoded)
        assert batch.ids == (str(2**60 + 1), str(2**60 + 2))
        assert batch.times.tolist() == [T0, NOW]
        assert shown(batch) == {
            "day": ["2013-06-01", None],
            "n": [1.0, None],
            "carrier": ["UA", None],
            "late": [True, None],
        }
        assert values_of(decoded.labels[0].labels) == ["1"]

    def test_naive_timestamps(self) -> None:
        table = pa.table({"time": pa.array([datetime(2013, 6, 1, 1, 15)]), "a": [1]})  # noqa: DTZ001
        payload = parquet(table)
        assert reasons(ParquetDecoder(TableLayout("m")).decode(payload, NOW)) == [
            (1, Reason.NAIVE_TIME)
        ]
        for zone, shift in (("America/New_York", 0), ("UTC", -4 * 3600 * 1_000_000)):
            batch = only(ParquetDecoder(TableLayout("m", timezone=zone)).decode(payload, NOW))
            assert batch.times.tolist() == [T0 + shift]

    def test_no_parquet(self) -> None:
        decoded = ParquetDecoder(TableLayout("m")).decode(b"PAR1 but not really PAR1", NOW)
        assert reasons(decoded) == [(1, Reason.SCHEMA)]

    def test_arrow_streams_with_a_layout(self) -> None:
        table = pa.table({"key": ["a"], "x": [1.5]})
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        decoder = ArrowTableDecoder(TableLayout("m", id="key"))
        assert shown(only(decoder.decode(sink.getvalue(), NOW))) == {"x": [1.5]}
