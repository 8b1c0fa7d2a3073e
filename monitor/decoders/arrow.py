"""Native records as an Arrow IPC stream (`application/vnd.apache.arrow.stream`).

Columns `id model version time prediction score label type`, `scores.<class>`, `segments.<key>`;
all others are features (`features.<name>` or plain). Structs may be used instead of dots. The
columns stay columns all the way, which makes this the fastest way in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.decoders.arrowtable import decode_table, open_stream, require_pyarrow
from monitor.decoders.layout import native_roles
from monitor.decoders.tables import TableReader
from monitor.decoders.tabletimes import TimeRules
from monitor.record import Limits

if TYPE_CHECKING:
    from monitor.decoders.tables import Table
    from monitor.record import Decoded


class ArrowDecoder:
    """Reads native Arrow streams; rows count as lines. A damaged stream is one problem.

    Raises
    ------
    InputError
        pyarrow is not installed.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        require_pyarrow()
        self._limits = limits or Limits()
        rules = TimeRules(max_future_seconds=self._limits.max_future_seconds)
        self._reader = TableReader("", "", rules, self._limits)

    def decode(self, payload: bytes, received_at: int) -> Decoded:
        """Read a payload as `Decoder` says."""

        def read(table: Table) -> Decoded:
            return self._reader.read(table, native_roles(table.names), received_at)

        return decode_table(open_stream(payload), read)
