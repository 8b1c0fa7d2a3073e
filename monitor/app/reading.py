"""Log files from beginning to end, piece by piece: for runs over history in bounded memory."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from monitor.app.rows import decoder_for, format_of
from monitor.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from monitor.decoders.base import Decoder
    from monitor.decoders.layout import TableLayout
    from monitor.record import Decoded, Limits

PIECE_BYTES: Final = 4 << 20
PIECE_ROWS: Final = 20_000


class LogFiles:
    """Files of one kind of log, read in the order given.

    Parameters
    ----------
    layout : what the columns of tables mean; native records need none.
    now : wall time, microseconds; the time of records that state none.

    Attributes
    ----------
    done, total : bytes read, and in all.
    rejected : lines that could not be read, and `first` what was wrong with one of them.

    Raises
    ------
    InputError
        A file is of no known kind or does not exist.
    """

    def __init__(
        self, paths: Sequence[Path], layout: TableLayout, limits: Limits, now: int
    ) -> None:
        self._files = [(path, format_of(path)) for path in paths]
        self._layout, self._limits, self._now = layout, limits, now
        self.done, self.total = 0, sum(map(_size, paths))
        self.rejected, self.first = 0, ""

    def pieces(self) -> Iterator[Decoded]:
        """What the files hold, decoded, a few thousand rows at a time."""
        for path, kind in self._files:
            reader = _arrow if kind == "parquet" else _lines
            name = "arrow-table" if kind == "parquet" else kind
            decoder = decoder_for(name, self._layout, self._limits)
            yield from self._decoded(path, decoder, reader(path, header=kind == "csv"))

    def _decoded(
        self, path: Path, decoder: Decoder, payloads: Iterator[tuple[bytes, int]]
    ) -> Iterator[Decoded]:
        before = self.done
        for payload, place in payloads:
            found = decoder.decode(payload, self._now)
            if found.problems and not self.rejected:
                self.first = f"{path}: {found.problems[0].detail}"
            self.rejected += len(found.problems)
            self.done = before + place
            yield found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def _lines(path: Path, *, header: bool) -> Iterator[tuple[bytes, int]]:
    """Whole lines with the place behind them; with `header`, the first line leads every piece."""
    with _opened(path) as file:
        lead = file.readline() if header else b""
        while piece := file.read(PIECE_BYTES):
            piece += file.readline()
            yield lead + piece, file.tell()


def _arrow(path: Path, *, header: bool) -> Iterator[tuple[bytes, int]]:
    """A Parquet file as Arrow streams of some rows each, with the bytes that they stand for."""
    del header
    pa = _pyarrow()
    with _opened(path) as file:
        try:
            table = pa.parquet.ParquetFile(file)
            rows, size, done = max(table.metadata.num_rows, 1), _size(path), 0
            for batch in table.iter_batches(PIECE_ROWS):
                sink = pa.BufferOutputStream()
                with pa.ipc.new_stream(sink, batch.schema) as writer:
                    writer.write_batch(batch)
                done += batch.num_rows
                yield sink.getvalue().to_pybytes(), size * done // rows
        except pa.ArrowException as error:
            raise InputError(f"{path}: is not a Parquet file that can be read: {error}") from error


def _pyarrow() -> Any:
    try:
        import pyarrow as pa  # noqa: PLC0415 - optional, and 50 MB when loaded
        import pyarrow.parquet  # noqa: PLC0415 - as above
    except ImportError as error:
        raise InputError("Parquet needs pyarrow: pip install 'driftd[parquet]'") from error
    return pa
