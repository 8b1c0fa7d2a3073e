"""Reading the rows of a file as record batches: for baselines, `init` and `check`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from monitor.decoders.layout import TableLayout
from monitor.decoders.registry import decoder_class
from monitor.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.config.tables import TableConfig
    from monitor.decoders.base import Decoder
    from monitor.record import Decoded, Limits

FORMATS: Final = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "ndjson",
}
NATIVE_MARKS: Final = (b'"features"', b'"model"')
PEEK_BYTES: Final = 65_536


def format_of(path: Path) -> str:
    """Name of the decoder for a file: by its suffix, and by a look into NDJSON.

    Raises
    ------
    InputError
        The suffix is none that driftd reads, or the file cannot be read.
    """
    known = FORMATS.get(path.suffix.lower())
    if known is None:
        kinds = ", ".join(sorted(FORMATS))
        raise InputError(f"{path}: cannot tell its format; name it {kinds}")
    if known != "ndjson":
        return known
    try:
        with path.open("rb") as file:
            first = file.readline(PEEK_BYTES)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    return "native" if all(mark in first for mark in NATIVE_MARKS) else known


def decoder_for(name: str, layout: TableLayout, limits: Limits) -> Decoder:
    """A decoder for rows of any format; native ones need no layout."""
    arguments: tuple[Any, ...] = (limits,) if name == "native" else (layout, limits)
    decoder: Decoder = decoder_class(name)(*arguments)
    return decoder


def layout_of(model: str, table: TableConfig | None) -> TableLayout:
    """The decoder's layout of a configured table."""
    return TableLayout(model=model, **({} if table is None else dict(table)))


def read_rows(
    path: Path, model: str, table: TableConfig | None, limits: Limits, now: int
) -> Decoded:
    """All rows of a file, decoded.

    Raises
    ------
    InputError
        The file cannot be read, or holds no records of `model`.
    """
    decoder = decoder_for(format_of(path), layout_of(model, table), limits)
    try:
        payload = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    decoded = decoder.decode(payload, now)
    if not any(batch.model == model for batch in decoded.records):
        first = f"; {decoded.problems[0].detail}" if decoded.problems else ""
        raise InputError(f"{path}: holds no records of model {model!r}{first}")
    return decoded
