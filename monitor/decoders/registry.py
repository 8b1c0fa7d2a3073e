"""Decoders by name: a literal table, imported on demand, plus the plug-ins of others.

Other packages add decoders through the entry-point group `driftd.decoders`; a name that is taken
twice is an error that names both owners.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Final

from monitor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUP: Final = "driftd.decoders"

BUILT_IN: Final[Mapping[str, str]] = {
    "native": "monitor.decoders.native:NativeLines",
    "native-json": "monitor.decoders.native:NativeJson",
    "arrow": "monitor.decoders.arrow:ArrowDecoder",
    "csv": "monitor.decoders.tabular:CsvDecoder",
    "ndjson": "monitor.decoders.tabular:JsonLinesDecoder",
    "parquet": "monitor.decoders.tabular:ParquetDecoder",
    "arrow-table": "monitor.decoders.tabular:ArrowTableDecoder",
}
"""Class by name. The table formats (from `csv` on) take a `TableLayout`, all take `Limits`."""

MEDIA_TYPES: Final[Mapping[str, str]] = {
    "application/x-ndjson": "native",
    "application/json": "native-json",
    "application/vnd.apache.arrow.stream": "arrow",
}
"""Which decoder `POST /v1/records` uses for a content type."""

FILE_FORMATS: Final[Mapping[str, str]] = {
    "native": "native",
    "csv": "csv",
    "ndjson": "ndjson",
    "parquet": "arrow-table",
}
"""Which decoder reads what a file source of this format delivers (Parquet comes as Arrow)."""


def names() -> list[str]:
    """List all decoders there are, plug-ins included."""
    return sorted(_table())


def decoder_class(name: str) -> Any:
    """Import a decoder's class.

    Raises
    ------
    UsageError
        Nobody, or more than one package, offers a decoder of this name.
    """
    table = _table()
    if name not in table:
        raise UsageError(f"there is no decoder {name!r}; there are {', '.join(sorted(table))}")
    return resolve_name(table[name])


def _table() -> dict[str, str]:
    table = dict(BUILT_IN)
    for plugin in entry_points(group=GROUP):
        if plugin.name in table:
            raise UsageError(
                f"decoder {plugin.name!r} is offered twice: {table[plugin.name]} and {plugin.value}"
            )
        table[plugin.name] = plugin.value
    return table
