"""driftd's own records and label records: NDJSON, or a JSON object or array.

A record is `{"id", "model", "version", "time", "features", "prediction", "scores", "segments"}`,
of which only `model` is required; a label is `{"type": "label", "id", "model", "time", "label"}`.
Also understood: `ts` for `time`, and a prediction given as `{"label": ..., "score": ...}`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from hashlib import blake2b
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
import numpy as np
from msgspec import UNSET

from monitor.columnar import column_of
from monitor.decoders.assembly import assemble, problem, text_of
from monitor.decoders.native_line import LABEL, Line, LineReader
from monitor.decoders.times import times_of
from monitor.record import Decoded, LabelBatch, Limits

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from monitor.decoders.base import Fault
    from monitor.record import Problem, RecordBatch

_BOM: Final = b"\xef\xbb\xbf"
_ID_BYTES: Final = 16
_ELEMENTS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_CANONICAL: Final = msgspec.json.Encoder(order="sorted")
_TOKENS: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},]', re.DOTALL)


class NativeLines:
    """NDJSON (`application/x-ndjson`): one record or label per line.

    Blank lines are skipped but count for the line numbers, which start at 1.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._reader = _PayloadReader(limits or Limits())

    def decode(self, payload: bytes, received_at: int) -> Decoded:
        """Read a payload as `Decoder` says."""
        lines = enumerate(payload.removeprefix(_BOM).split(b"\n"), 1)
        present = ((number, line) for number, line in lines if line and not line.isspace())
        return self._reader.read(present, received_at)


class NativeJson:
    """A JSON object, or an array of them (`application/json`) whose elements count as lines.

    In an array that is not JSON as a whole every element that is JSON by itself survives.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._reader = _PayloadReader(limits or Limits())

    def decode(self, payload: bytes, received_at: int) -> Decoded:
        """Read a payload as `Decoder` says."""
        body = payload.removeprefix(_BOM).strip()
        elements = _elements(body) if body.startswith(b"[") else (body,)
        return self._reader.read(enumerate(elements, 1), received_at)


def _elements(body: bytes) -> Iterable[bytes]:
    try:
        return [bytes(element) for element in _ELEMENTS.decode(body)]
    except (msgspec.MsgspecError, RecursionError):
        return _cut(body)


def _cut(body: bytes) -> Iterator[bytes]:
    """Cut a damaged array at its own commas, whatever stands between them."""
    depth = 0
    start = 1
    for token in _TOKENS.finditer(body):
        mark = token[0]
        if mark in b"[{":
            depth += 1
        elif mark in b"]}":
            depth -= 1
            if depth == 0:
                break
        elif mark == b"," and depth == 1:
            yield body[start : token.start()]
            start = token.end()
    else:
        yield body[start:]
        return
    yield body[start : token.start()]
    if token.end() < len(body):
        yield body[token.end() :]


_Row: TypeAlias = tuple[int, bytes, Line]
"""Line number, the line as it came, the line as parsed."""


class _PayloadReader:
    """From numbered lines to batches and problems."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lines = LineReader(limits)

    def read(self, numbered: Iterable[tuple[int, bytes]], received_at: int) -> Decoded:
        rows: list[_Row] = []
        problems: list[Problem] = []
        read = self._lines.read
        for number, raw in numbered:
            line = read(raw)
            if isinstance(line, Line):
                rows.append((number, raw, line))
            elif line.fault:
                problems.append(self._problem(number, raw, line.fault, line.model))
        stated = [line.time or _stated_time(line) for _, _, line in rows]
        times, faults = times_of(stated, received_at, self._limits.max_future_seconds)
        for row, fault in faults.items():
            number, raw, line = rows[row]
            problems.append(self._problem(number, raw, fault, line.model))
        problems.sort(key=attrgetter("line"))
        return _batches(rows, times, _grouped(rows, faults), problems, received_at)

    def _problem(self, number: int, raw: bytes, fault: Fault, model: str) -> Problem:
        return problem(number, fault, raw[: self._limits.max_record_bytes], model)


def _stated_time(line: Line) -> str | None:
    return next((text for text in (line.time, line.ts) if isinstance(text, str)), None)


def _grouped(
    rows: Sequence[_Row], faults: Container[int]
) -> dict[tuple[str, str, bool], list[int]]:
    """Row numbers by model, version and whether they are labels (which have no version)."""
    groups: dict[tuple[str, str, bool], list[int]] = defaultdict(list)
    for row, (_, _, line) in enumerate(rows):
        if row in faults:
            continue
        label = line.type == LABEL
        version = "" if label or line.version is UNSET else text_of(line.version)
        groups[line.model, version, label].append(row)
    return groups


def _batches(
    rows: Sequence[_Row],
    times: NDArray[np.int64],
    groups: Mapping[tuple[str, str, bool], list[int]],
    problems: Sequence[Problem],
    received_at: int,
) -> Decoded:
    records: list[RecordBatch] = []
    labels: list[LabelBatch] = []
    for (model, version, label), chosen in groups.items():
        numbers = np.array([rows[row][0] for row in chosen], dtype=np.int64)
        lines = [rows[row][2] for row in chosen]
        ids = _ids(lines, received_at)
        if label:
            truths = column_of([_present(line.label) for line in lines])
            labels.append(LabelBatch(model, ids, times[chosen], truths, numbers))
            continue
        records.append(
            assemble(
                model,
                version,
                ids,
                times[chosen],
                numbers,
                features=[line.features or {} for line in lines],
                predictions=[_present(line.prediction) for line in lines],
                scores=[_present(line.scores) for line in lines],
                segments=[line.segments or {} for line in lines],
            )
        )
    return Decoded(records, labels, problems)


def _present(value: Any) -> Any:
    return None if value is UNSET else value


def _ids(lines: Sequence[Line], received_at: int) -> tuple[str, ...]:
    """Ids as stated, or derived from content.

    Lines of one payload with the same content are different records, so repeats are numbered; the
    same payload sent again has the same ids again. What has no time either is told apart by when
    it came, for two equal predictions at different times are two.
    """
    repeats: Counter[str] = Counter()
    ids: list[str] = []
    for line in lines:
        name = _stated_id(line)
        if not name:
            name = _derived_id(line, received_at)
            repeats[name] += 1
            if repeats[name] > 1:
                name = f"{name}~{repeats[name]}"
        ids.append(name)
    return tuple(ids)


def _stated_id(line: Line) -> str:
    if type(line.id) is str:
        return line.id
    return str(line.id) if type(line.id) is int else ""


def _derived_id(line: Line, received_at: int) -> str:
    line.id = UNSET
    salt = b"" if _stated_time(line) else received_at.to_bytes(8, signed=True)
    return blake2b(_CANONICAL.encode(line) + salt, digest_size=_ID_BYTES).hexdigest()
