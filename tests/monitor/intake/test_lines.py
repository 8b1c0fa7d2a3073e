"""What the quarantine keeps of a record without a model decodes to the same record."""

from __future__ import annotations

import json

from monitor.columnar import values_of
from monitor.decoders.native import NativeLines
from monitor.intake.lines import label_lines, record_lines
from monitor.record import Limits

NOW = 1_800_000_000_000_000
RECORDS = b"\n".join(
    json.dumps(line).encode()
    for line in [
        {"id": "a", "model": "m", "version": "7", "time": "2013-06-01T05:15:00.25Z",
         "features": {"x": 1.5, "city": "Köln", "ok": True, "none": None, "v": [1, 2]},
         "prediction": "0", "scores": {"0": 0.9, "1": 0.1}, "segments": {"origin": "EWR"}},
        {"id": "b", "model": "m", "version": "7", "time": "2013-06-01T05:15:01Z",
         "features": {"x": 2, "score": 3.0, "prediction": "odd"}, "prediction": "1"},
        {"type": "label", "id": "a", "model": "m", "time": "2013-06-02T00:00:00Z", "label": "1"},
    ]
)  # fmt: skip


def test_rows_come_back_as_they_were() -> None:
    decoder = NativeLines(Limits())
    first = decoder.decode(RECORDS, NOW)
    lines = [*record_lines(first.records[0]), *label_lines(first.labels[0])]
    again = decoder.decode(b"\n".join(lines), NOW)
    assert not first.problems
    assert not again.problems
    old, new = first.records[0], again.records[0]
    assert (old.ids, old.version, old.times.tolist()) == (new.ids, new.version, new.times.tolist())
    kept = {name: values_of(column) for name, column in old.columns.items()}
    kept = {name: values for name, values in kept.items() if any(v is not None for v in values)}
    assert kept == {name: values_of(column) for name, column in new.columns.items()}
    assert {k: values_of(c) for k, c in old.segments.items()} == {
        k: values_of(c) for k, c in new.segments.items()
    }
    assert values_of(first.labels[0].labels) == values_of(again.labels[0].labels)
