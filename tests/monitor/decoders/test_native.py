"""Native records and labels: what is read, what each bad line is called, who survives."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.columnar import encode_block, values_of
from monitor.decoders.native import NativeJson, NativeLines
from monitor.record import Decoded, Limits, Reason, RecordBatch

NOW = 1_370_063_700_000_000  # 2013-06-01T05:15:00Z
GOOD: dict[str, Any] = {
    "id": "p-1",
    "model": "flights",
    "version": "7",
    "time": "2013-06-01T05:15:00Z",
    "features": {"carrier": "UA", "dep_delay": 2.0, "cancelled": False},
    "prediction": "0",
    "scores": {"0": 0.93, "1": 0.07},
    "segments": {"origin": "EWR"},
}
TRUTH = {"type": "label", "id": "p-1", "model": "flights", "time": GOOD["time"], "label": "1"}


def ndjson(*values: Any) -> bytes:
    return b"".join(
        (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n"
        for value in values
    )


def decode(*values: Any, limits: Limits | None = None) -> Decoded:
    return NativeLines(limits).decode(ndjson(*values), NOW)


def only(decoded: Decoded) -> RecordBatch:
    assert not decoded.problems
    (batch,) = decoded.records
    return batch


def reason_of(line: Any, limits: Limits | None = None) -> Reason:
    """The reason of a bad line between two good ones, which must survive it."""
    decoded = decode(GOOD, line, GOOD, limits=limits)
    assert decoded.received == 3
    assert only(Decoded(decoded.records)).lines.tolist() == [1, 3]  # type: ignore[union-attr]
    (problem,) = decoded.problems
    assert problem.line == 2
    assert problem.detail
    problem.detail.encode()
    return problem.reason


def record(**changes: Any) -> dict[str, Any]:
    changed = copy.deepcopy(GOOD) | changes
    return {name: value for name, value in changed.items() if value is not ...}


class TestRecords:
    """What a good record becomes."""

    def test_the_record_of_the_design(self) -> None:
        batch = only(decode(GOOD))
        assert (batch.model, batch.version, batch.ids) == ("flights", "7", ("p-1",))
        assert batch.times.tolist() == [NOW]
        assert {name: values_of(column) for name, column in batch.columns.items()} == {
            "carrier": ["UA"],
            "dep_delay": [2.0],
            "cancelled": [False],
            "prediction": ["0"],
            "score.0": [0.93],
            "score.1": [0.07],
        }
        assert values_of(batch.segments["origin"]) == ["EWR"]

    def test_only_the_model_is_required(self) -> None:
        batch = only(decode({"model": "m"}))
        assert (batch.version, batch.times.tolist(), dict(batch.columns)) == ("", [NOW], {})
        nulls = dict.fromkeys(("type", "id", "version", "time", "features", "prediction", "scores"))
        assert dict(only(decode({"model": "m", "segments": None} | nulls)).columns) == {}

    def test_spellings_of_the_format_survey(self) -> None:
        line = record(time=..., scores=..., ts="2013-06-01T05:14:59+00:00")
        line["prediction"] = {"label": "1", "score": 0.93}
        batch = only(decode(line))
        assert batch.times.tolist() == [NOW - 1_000_000]
        assert values_of(batch.columns["prediction"]) == ["1"]
        assert values_of(batch.columns["score"]) == [0.93]

    def test_a_single_score(self) -> None:
        assert values_of(only(decode(record(scores=0.5))).columns["score"]) == [0.5]

    @pytest.mark.parametrize(
        ("version", "text"), [(7, "7"), (7.5, "7.5"), (True, "true"), ("é", "é"), (None, "")]
    )
    def test_versions_are_texts(self, version: object, text: str) -> None:
        assert only(decode(record(version=version))).version == text

    def test_kinds_of_predictions_are_kept(self) -> None:
        for value in (1.5, True, "yes"):
            assert values_of(only(decode(record(prediction=value))).columns["prediction"]) == [
                value
            ]

    def test_models_and_versions_are_batches_in_order(self) -> None:
        decoded = decode(
            record(id="a"), record(id="b", version=1), record(id="c"), record(id="d", version=True)
        )
        assert [(batch.version, batch.ids) for batch in decoded.records] == [
            ("7", ("a", "c")),
            ("1", ("b",)),
            ("true", ("d",)),
        ]

    def test_features_cannot_pose_as_predictions(self) -> None:
        names = ("label", "score", "prediction", "score.0", "feature.score", "feature.x", "scores")
        batch = only(decode(record(features=dict.fromkeys(names, 1), scores=..., prediction=...)))
        assert list(batch.columns) == [
            "feature.label",
            "feature.score",
            "feature.prediction",
            "feature.score.0",
            "feature.feature.score",
            "feature.x",
            "scores",
        ]

    def test_an_absent_id_comes_from_the_content(self) -> None:
        line = record(id=...)
        reordered = dict(reversed(list(line.items())))
        decoded = decode(line, reordered, record(id=None), record(id=..., prediction="1"))
        first, second, third, other = only(decoded).ids
        assert (second, third) == (f"{first}~2", f"{first}~3")
        assert first != other
        assert len(first) == 32

    def test_the_same_payload_gives_the_same_derived_ids_again(self) -> None:
        lines = (record(id=...), record(id=...), record(id=..., prediction="1"))
        assert only(decode(*lines)).ids == only(decode(*lines)).ids

    def test_without_id_and_time_the_arrival_tells_records_apart(self) -> None:
        line = ndjson(record(id=..., time=...))
        at_once, later = (NativeLines().decode(line, NOW + late) for late in (0, 1))
        assert only(at_once).ids != only(later).ids

    def test_integer_ids_are_their_digits(self) -> None:
        assert only(decode(record(id=42))).ids == ("42",)

    def test_blank_lines_count_for_line_numbers_only(self) -> None:
        decoded = NativeLines().decode(
            b"\xef\xbb\xbf" + ndjson(GOOD) + b"\n \r\n" + ndjson(GOOD), NOW
        )
        assert decoded.received == 2
        assert only(decoded).lines.tolist() == [1, 4]  # type: ignore[union-attr]

    def test_embeddings_are_mixed_columns(self) -> None:
        batch = only(decode(record(features={"e": [0.5, 1]}), record(features={"e": [[1], [2]]})))
        assert values_of(batch.columns["e"]) == [[0.5, 1], [[1], [2]]]

    def test_unknown_members_and_escapes_are_harmless(self) -> None:
        line = record(trace={"a:b": [{"c": ":"}]}, id="urn:x:1")
        line["features"]["note:1"] = 'é "quoted" \\u0000 a:b'
        assert values_of(only(decode(line)).columns["note:1"]) == ['é "quoted" \\u0000 a:b']

    def test_64_bit_integers_at_the_edge(self) -> None:
        batch = only(decode(record(features={"low": -(2**63), "high": 2**63 - 1})))
        assert values_of(batch.columns["low"]) == [-(2.0**63)]


class TestLabels:
    """What a label record becomes."""

    def test_labels_leave_with_the_labels(self) -> None:
        decoded = decode(GOOD, TRUTH, TRUTH | {"label": 1, "id": 5}, TRUTH | {"model": "other"})
        assert len(only(decoded)) == 1
        flights, other = decoded.labels
        assert (flights.ids, values_of(flights.labels)) == (("p-1", "5"), ["1", 1])
        assert flights.lines is not None
        assert flights.lines.tolist() == [2, 3]
        assert (other.model, other.times.tolist()) == ("other", [NOW])

    @pytest.mark.parametrize("member", ["id", "model", "label"])
    def test_all_three_are_required(self, member: str) -> None:
        without = {name: value for name, value in TRUTH.items() if name != member}
        assert reason_of(without) == Reason.MISSING_FIELD
        assert reason_of(TRUTH | {member: None}) in (Reason.MISSING_FIELD, Reason.SCHEMA)


def features(text: bytes) -> bytes:
    return b'{"model":"m","features":{"a":%s}}' % text


class TestReasons:
    """Each kind of bad line has its own name."""

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            (b"{", Reason.NOT_JSON),
            (b"{} {}", Reason.NOT_JSON),
            (b"nonsense", Reason.NOT_JSON),
            (features(b"01"), Reason.NOT_JSON),
            (features(b'"\xff"'), Reason.NOT_UTF8),
            (features(b'"\xed\xa0\x80"'), Reason.NOT_UTF8),
            (b'{"model":"m","unknown":"\xff"}', Reason.NOT_UTF8),
            (features(b"NaN"), Reason.NAN_OR_INFINITY),
            (features(b"-Infinity"), Reason.NAN_OR_INFINITY),
            (features(b'"\\ud800"'), Reason.LONE_SURROGATE),
            (features(b'"\\udc00\\ud800"'), Reason.LONE_SURROGATE),
            (b'{"model":"m","features":{"\\uD83d":1}}', Reason.LONE_SURROGATE),
            (features(b"9223372036854775808"), Reason.INTEGER_RANGE),
            (features(b"-9223372036854775809"), Reason.INTEGER_RANGE),
            (features(b"18446744073709551616"), Reason.INTEGER_RANGE),
            (features(b"1" * 5000), Reason.INTEGER_RANGE),
            (b'{"model":"m","id":18446744073709551616}', Reason.INTEGER_RANGE),
            (features(b"1e999"), Reason.NUMBER_RANGE),
            (features(b"-1.5e400"), Reason.NUMBER_RANGE),
            (features(b'1,"a":2'), Reason.DUPLICATE_KEY),
            (features(b'"x:y","b" : ":","a":2'), Reason.DUPLICATE_KEY),
            (features(b'"\\u003a","a":2'), Reason.DUPLICATE_KEY),
            (b'{"model":"m","model":"m"}', Reason.DUPLICATE_KEY),
            (b'{"model":"m","model":":"}', Reason.DUPLICATE_KEY),
            (b'{"model":"m","x":{"a":1,"a":1}}', Reason.DUPLICATE_KEY),
            (features(b'"\\u0000"'), Reason.NUL),
            (features(b'"a\x00b"'), Reason.NUL),
            (b'{"model":"m","features":{"\\u0000":1}}', Reason.NUL),
            (features(b"[[[1]]]"), Reason.TOO_DEEP),
            (features(b"[" * 50_000 + b"]" * 50_000), Reason.TOO_DEEP),
            (b"[" * 100_000, Reason.TOO_DEEP),
            (b"[]", Reason.SCHEMA),
            (b"1", Reason.SCHEMA),
            (features(b"{}"), Reason.SCHEMA),
            (b'{"model":1}', Reason.SCHEMA),
            (b'{"model":"m","id":1.5}', Reason.SCHEMA),
            (b'{"model":"m","type":"other"}', Reason.SCHEMA),
            (b'{"model":"m","scores":{"a":"0.5"}}', Reason.SCHEMA),
            (b"{}", Reason.MISSING_FIELD),
            (b'{"model":""}', Reason.MISSING_FIELD),
            (record(time="yesterday"), Reason.BAD_TIME),
            (record(time="2013-06-31T00:00:00Z"), Reason.BAD_TIME),
            (record(time=""), Reason.BAD_TIME),
            (record(time=1370063700), Reason.BAD_TIME),
            (record(time="2013-06-01T05:15:00"), Reason.NAIVE_TIME),
            (record(time="2013-06-02T05:15:01Z"), Reason.FUTURE_TIME),
        ],
    )
    def test_reason(self, line: Any, reason: Reason) -> None:
        assert reason_of(line) == reason

    def test_limits(self) -> None:
        limits = Limits(max_depth=3, max_keys=10, max_string=20, max_record_bytes=400)
        fits = record(features={"k" * 20: "v" * 20, "list": [1]})
        assert only(decode(fits, limits=limits))
        assert reason_of(record(features={"k": [[1]]}), limits) == Reason.TOO_DEEP
        assert reason_of(record(features={"k": "v" * 21}), limits) == Reason.STRING_TOO_LONG
        assert reason_of(record(features={"k" * 21: 1}), limits) == Reason.STRING_TOO_LONG
        many = {str(number): number for number in range(11)}
        assert reason_of(record(features=many), limits) == Reason.TOO_MANY_KEYS
        assert reason_of(b'{"model":"m"%s}' % (b" " * 400), limits) == Reason.RECORD_TOO_LARGE

    def test_lengths_are_characters(self) -> None:
        assert only(decode(record(features={"k": "é" * 8192})))

    def test_the_payload_is_kept_for_the_quarantine_up_to_the_limit(self) -> None:
        limits = Limits(max_record_bytes=50)
        problems = decode(b"nonsense", b"x" * 100, limits=limits).problems
        assert [problem.payload for problem in problems] == [b"nonsense", b"x" * 50]

    def test_the_model_is_named_where_it_can_be_known(self) -> None:
        (first, second) = decode(record(time="soon"), features(b"NaN")).problems
        assert (first.model, second.model) == ("flights", "m")

    def test_problems_come_in_the_order_of_lines(self) -> None:
        decoded = decode(record(time="soon"), b"x", record(time="later"))
        assert [problem.line for problem in decoded.problems] == [1, 2, 3]


class TestJson:
    """Objects and arrays instead of lines."""

    def test_object_and_array(self) -> None:
        decoder = NativeJson()
        assert len(only(decoder.decode(json.dumps(GOOD, indent=1).encode(), NOW))) == 1
        batch = only(decoder.decode(json.dumps([GOOD, GOOD], indent=1).encode(), NOW))
        assert batch.lines is not None
        assert batch.lines.tolist() == [1, 2]
        assert decoder.decode(b" [] ", NOW).received == 0

    @pytest.mark.parametrize(
        ("bad", "reason"),
        [
            (features(b"NaN"), Reason.NAN_OR_INFINITY),
            (features(b'"\\ud800],"'), Reason.LONE_SURROGATE),
            (features(b'"\xff"'), Reason.NOT_UTF8),
            (features(b"[" * 5000 + b"]" * 5000), Reason.TOO_DEEP),
            (b'{"a":}', Reason.NOT_JSON),
            (b"", Reason.NOT_JSON),
        ],
    )
    def test_a_bad_element_harms_no_other(self, bad: bytes, reason: Reason) -> None:
        good = json.dumps(record(id='with "[{,]} quotes\\')).encode()
        decoded = NativeJson().decode(b"[%b,%b, %b]" % (good, bad, good), NOW)
        assert [(problem.line, problem.reason) for problem in decoded.problems] == [(2, reason)]
        assert only(Decoded(decoded.records)).lines.tolist() == [1, 3]  # type: ignore[union-attr]

    def test_what_follows_an_array_is_a_problem(self) -> None:
        decoded = NativeJson().decode(b"[%b] tail" % json.dumps(GOOD).encode(), NOW)
        assert (len(decoded.records[0]), decoded.problems[0].payload) == (1, b" tail")

    @pytest.mark.parametrize("body", [b"", b"  ", b"nonsense", b"{", b'"text"'])
    def test_no_json_is_one_problem(self, body: bytes) -> None:
        decoded = NativeJson().decode(body, NOW)
        assert (decoded.received, len(decoded.problems)) == (1, 1)


ODD_TEXTS = st.text(max_size=3) | st.sampled_from(["label", "\0", "\ud800", ":", "a" * 9_000])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | ODD_TEXTS
JSON = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(ODD_TEXTS, SCALARS, max_size=2)
MEMBERS = st.sampled_from([*GOOD, "ts", "type", "label", "other"])
LOOSE = st.dictionaries(MEMBERS, JSON).map(lambda changes: json.dumps(GOOD | changes).encode())
RAW = st.binary(max_size=40).map(lambda line: line.replace(b"\n", b""))
FRAGMENTS = st.lists(
    st.sampled_from(
        [b"{", b"}", b"[", b"]", b",", b":", b'"model"', b'"m"', b'"features"', b'"a"', b"1",
         b"NaN", b"1e999", b'"\\ud800"', b'"\\u003a"', b'"\\u0000"', b'":"', b"\xff", b" "]
    ),
    max_size=14,
).map(b"".join)  # fmt: skip
BAD = LOOSE | RAW | FRAGMENTS


@given(st.lists(BAD, max_size=6), st.integers(0, 6))
@example([b'{"type":"\\ud800","model":"m"}'], 0)
def test_anything_between_good_lines(bad: list[bytes], at: int) -> None:
    good = [json.dumps(record(id=f"good-{number}")).encode() for number in range(2)]
    lines = [good[0], *bad[:at], good[1], *bad[at:]]
    decoded = NativeLines().decode(b"\n".join(lines), NOW)
    assert decoded.received == sum(1 for line in lines if line.strip(b" \t\r\v\f"))
    ids = [name for batch in decoded.records for name in batch.ids]
    assert {"good-0", "good-1"} <= set(ids)
    encode_block(decoded.records, decoded.labels)
    assert all(batch.lines is not None for batch in decoded.records)
    for batch in (*decoded.records, *decoded.labels):
        assert len(batch.times) == len(batch) == len(batch.lines)  # type: ignore[arg-type]
    for problem in decoded.problems:
        problem.detail.encode()
        problem.model.encode()


@given(BAD | st.lists(BAD, max_size=4).map(lambda parts: b"[" + b",".join(parts) + b"]"))
def test_any_json_body(body: bytes) -> None:
    decoded = NativeJson().decode(body, NOW)
    encode_block(decoded.records, decoded.labels)


@given(st.lists(st.tuples(st.sampled_from("ab:"), st.sampled_from(['"x"', '":"', "1", "[]"]))))
def test_repeated_keys_are_found_exactly(pairs: list[tuple[str, str]]) -> None:
    body = ", ".join(f'"{key}" : {value}' for key, value in pairs)
    decoded = decode(f'{{"model":"m:","features":{{{body}}}}}'.encode())
    repeated = len({key for key, _ in pairs}) < len(pairs)
    assert [problem.reason for problem in decoded.problems] == [Reason.DUPLICATE_KEY] * repeated
    if not repeated:
        assert set(only(decoded).columns) == {key for key, _ in pairs}


@given(st.integers(0, 2**40), st.integers(-14 * 60, 14 * 60))
def test_times_are_exact(micros: int, offset: int) -> None:
    stamp = np.datetime64(micros + offset * 60_000_000, "us")
    sign = "-" if offset < 0 else "+"
    text = f"{stamp}{sign}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"
    assert only(decode(record(time=text))).times.tolist() == [micros]
