"""Sources by type: a literal table, imported on demand, plus the plug-ins of others.

Other packages add sources through the entry-point group `driftd.sources`; a name that is taken
twice is an error that names both owners. HTTP push is not here: it is the daemon's own server.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Final

from monitor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUP: Final = "driftd.sources"

BUILT_IN: Final[Mapping[str, str]] = {
    "files": "monitor.sources.files:FilesSource",
    "parquet": "monitor.sources.parquet:ParquetSource",
}
"""Class by name; both read files, of lines that grow or of complete tables."""


def source_class(name: str) -> Any:
    """Import a source's class.

    Raises
    ------
    UsageError
        Nobody, or more than one package, offers a source of this name.
    """
    table = dict(BUILT_IN)
    for plugin in entry_points(group=GROUP):
        if plugin.name in table:
            raise UsageError(
                f"source {plugin.name!r} is offered twice: {table[plugin.name]} and {plugin.value}"
            )
        table[plugin.name] = plugin.value
    if name not in table:
        raise UsageError(f"there is no source {name!r}; there are {', '.join(sorted(table))}")
    return resolve_name(table[name])
