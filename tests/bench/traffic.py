"""The traffic of the benches: records of 50 numeric and 10 categorical features, about 1.7 kB.

Payloads are made once and re-addressed in place before each sending (fresh ids, a later time), so
that a client process costs next to nothing and no record is a repeat.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from numpy.typing import NDArray

MODEL: Final = "bench"
NUMERIC: Final = 50
CATEGORICAL: Final = 10
VERSION: Final = "1"
START: Final = datetime(2026, 1, 1, tzinfo=UTC)

NDJSON: Final = "application/x-ndjson"
ARROW: Final = "application/vnd.apache.arrow.stream"

_ID_WIDTH: Final = 20
_TIME_WIDTH: Final = 20
_MARK: Final = 77_777_777
"""Batch number of the template; its digits are what `Payload` looks for."""


@dataclass(frozen=True)
class Sample:
    """Rows of plausible features."""

    rows: int
    seed: int

    @cached_property
    def numeric(self) -> dict[str, NDArray[np.float64]]:
        """Of ten columns four normal, two lognormal, one heavy, counts, zero-inflated, uniform."""
        rng = np.random.default_rng(self.seed)
        return {f"value_{j:02}": _shape(rng, j, self.rows) for j in range(NUMERIC)}

    @cached_property
    def codes(self) -> dict[str, NDArray[np.int32]]:
        """Codes of vocabularies of 2 to 100 values, skewed."""
        rng = np.random.default_rng(self.seed + 1)
        sizes = np.linspace(2, 100, CATEGORICAL).astype(int).tolist()
        return {f"kind_{j:02}": _codes(rng, size, self.rows) for j, size in enumerate(sizes)}

    @cached_property
    def scores(self) -> NDArray[np.float64]:
        """A probability per row."""
        return np.random.default_rng(self.seed + 2).beta(2, 5, self.rows)

    @property
    def ids(self) -> list[str]:
        """Ids of the template batch."""
        return [f"{_MARK:08}-flow-{row:06}" for row in range(self.rows)]

    def ndjson(self) -> bytes:
        """Native records, one a line."""
        columns = [values.tolist() for values in self.numeric.values()]
        columns += [[f"v{code}" for code in codes.tolist()] for codes in self.codes.values()]
        names = [*self.numeric, *self.codes]
        records = (
            {
                "id": name,
                "model": MODEL,
                "version": VERSION,
                "time": _text(_MARK_TIME),
                "features": dict(zip(names, row, strict=True)),
                "prediction": score > 0.5,
                "scores": {"1": score},
            }
            for name, score, *row in zip(self.ids, self.scores.tolist(), *columns, strict=True)
        )
        return msgspec.json.Encoder().encode_lines(records)

    def table(self, times: NDArray[np.int64] | None = None) -> pa.Table:
        """The same records as an Arrow table; texts are dictionaries."""
        import pyarrow as pa  # noqa: PLC0415 - optional; the NDJSON client is lighter without

        stamps = np.full(self.rows, _micros(_MARK_TIME)) if times is None else times
        columns = {
            "id": pa.array(self.ids),
            "model": pa.array([MODEL] * self.rows).dictionary_encode(),
            "version": pa.array([VERSION] * self.rows).dictionary_encode(),
            "time": pa.array(stamps, pa.timestamp("us", "UTC")),
            **{name: pa.array(values) for name, values in self.numeric.items()},
            **{
                name: pa.DictionaryArray.from_arrays(
                    pa.array(codes), [f"v{code}" for code in range(int(codes.max()) + 1)]
                )
                for name, codes in self.codes.items()
            },
            "prediction": pa.array(self.scores > 0.5),
            "scores.1": pa.array(self.scores),
        }
        return pa.table(columns)

    def arrow(self) -> bytes:
        """The table as an IPC stream."""
        import pyarrow as pa  # noqa: PLC0415 - as above

        sink = pa.BufferOutputStream()
        table = self.table().combine_chunks()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        return bytes(sink.getvalue())


_MARK_TIME: Final = datetime(2033, 3, 3, 3, 33, 33, tzinfo=UTC)


class Payload:
    """One body that can be sent any number of times, each time as another batch."""

    def __init__(self, kind: str, rows: int, seed: int = 11, step: timedelta | None = None) -> None:
        sample = Sample(rows, seed)
        self.kind = kind
        self.rows = rows
        self.body = bytearray(sample.ndjson() if kind == NDJSON else sample.arrow())
        self._bytes = np.frombuffer(self.body, dtype=np.uint8)
        self._ids = _places(self.body, f"{_MARK:08}-flow-".encode())
        mark = _text(_MARK_TIME).encode()
        if kind == ARROW:
            mark = np.int64(_micros(_MARK_TIME)).tobytes()
        self._times = _places(self.body, mark)
        self._step = step or timedelta(seconds=rows / 20)
        if len(self._ids) != rows or len(self._times) != rows:
            msg = "the template's marks do not stand where they should"
            raise AssertionError(msg)

    def address(self, batch: int) -> bytearray:
        """Make the body batch number `batch`: its own ids, `step` later than the one before."""
        self._put(self._ids, f"{batch:08}".encode())
        time = START + batch * self._step
        stamp = _text(time).encode()
        if self.kind == ARROW:
            stamp = np.int64(_micros(time)).tobytes()
        self._put(self._times, stamp)
        return self.body

    def _put(self, places: NDArray[np.int64], text: bytes) -> None:
        at = places[:, np.newaxis] + np.arange(len(text))
        self._bytes[at] = np.frombuffer(text, dtype=np.uint8)


def history(rows: int, hours: int) -> pa.Table:
    """A baseline's rows, spread evenly over `hours` before the traffic starts."""
    first = _micros(START - timedelta(hours=hours))
    times = first + np.arange(rows) * (hours * 3_600_000_000 // rows)
    return Sample(rows, 7).table(times)


def _places(body: bytearray, mark: bytes) -> NDArray[np.int64]:
    def found() -> Iterator[int]:
        at = body.find(mark)
        while at >= 0:
            yield at
            at = body.find(mark, at + len(mark))

    return np.fromiter(found(), dtype=np.int64)


def _shape(rng: np.random.Generator, j: int, rows: int) -> NDArray[np.float64]:
    match j % 10:
        case 0 | 1 | 2 | 3:
            return rng.normal(size=rows)
        case 4 | 5:
            return rng.lognormal(size=rows)
        case 6:
            return np.sinh(2 * rng.normal(size=rows))
        case 7:
            return rng.poisson(4, rows).astype(np.float64)
        case 8:
            return np.where(rng.random(rows) < 0.6, 0.0, rng.exponential(size=rows))
        case _:
            return rng.random(rows)


def _codes(rng: np.random.Generator, size: int, rows: int) -> NDArray[np.int32]:
    shares = np.random.default_rng(size).dirichlet(np.full(size, 3.0))
    return rng.choice(size, rows, p=shares).astype(np.int32)


def _micros(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
