"""The worker's side of the conversation, whatever detectors it has.

Requests and answers are frames; see `frames`. Every request is answered once, in order:

    {"op": "hello", "protocol": 1}
        -> {"ok": true, "protocol": 1, "name": ..., "version": ..., "detectors": [...]}
    {"op": "fit", "key": ..., "detector": ..., "params": {...}, "seed": ...} + reference rows
        -> {"ok": true}
    {"op": "judge", "key": ...} + rows of a window
        -> {"ok": true, "alarm": ..., "statistic": ..., "p_value": ..., "threshold": ...,
            "shares": {column: part}, "row": first row that alarmed}
    anything that fails
        -> {"ok": false, "error": why}

Rows are an Arrow IPC stream of float32 columns.
"""

from __future__ import annotations

import os
import sys
from typing import IO, TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

if __package__:
    from monitor.plugins.worker import frames
else:  # run as a program, where driftd is not installed
    import frames  # type: ignore[import-not-found, no-redef]


class Detector(Protocol):
    """A detector that knows its baseline."""

    def judge(self, names: list[str], rows: Any) -> dict[str, Any]:
        """The answer for rows, float32 `(n, d)` with columns `names`."""
        ...


class Library(Protocol):
    """What a worker makes detectors of."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def version(self) -> str:
        """Its version."""
        ...

    @property
    def makers(self) -> Mapping[str, Callable[..., Detector]]:
        """How its detectors are made."""
        ...


def serve(library: Library) -> None:
    """Answer requests until the other side hangs up."""
    requests, answers = own_streams()
    fitted: dict[str, Detector] = {}
    while (request := frames.read(requests)) is not None:
        header, body = request
        try:
            answer = _answer(library, fitted, header, body)
        except MemoryError:
            answer = {"ok": False, "error": "out of memory"}
        except Exception as error:  # noqa: BLE001 - whatever a library raises is an answer
            answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        answers.write(frames.frame(answer))
        answers.flush()


def own_streams() -> tuple[IO[bytes], IO[bytes]]:
    """Requests and answers; what libraries print goes to standard error instead."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return sys.stdin.buffer, answers


def _answer(
    library: Library, fitted: dict[str, Detector], header: dict[str, Any], body: bytes
) -> dict[str, Any]:
    match header:
        case {"op": "hello"}:
            known = sorted(library.makers)
            said = {"name": library.name, "version": library.version, "detectors": known}
            return {"ok": True, "protocol": frames.PROTOCOL, **said}
        case {"op": "fit", "key": str(key), "detector": str(detector), "params": dict(params)}:
            names, rows = _table(body)
            seed = int(header.get("seed", 0))
            fitted[key] = library.makers[detector](names, rows, seed, **params)
            return {"ok": True}
        case {"op": "judge", "key": str(key)}:
            return {"ok": True, **fitted[key].judge(*_table(body))}
        case _:
            return {"ok": False, "error": f"no such request: {header.get('op')!r}"}


def _table(body: bytes) -> tuple[list[str], Any]:
    import numpy as np  # noqa: PLC0415 - answers hello before anything heavy is loaded
    import pyarrow as pa  # noqa: PLC0415 - as above

    table = pa.ipc.open_stream(body).read_all()
    columns = [column.to_numpy() for column in table.columns]
    rows = np.stack(columns, axis=1) if columns else np.empty((table.num_rows, 0))
    return table.column_names, np.ascontiguousarray(rows, dtype=np.float32)
