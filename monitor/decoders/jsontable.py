"""Flat JSON objects as a `Table`; nested objects are spread into `<outer>.<inner>` columns."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from monitor.columnar import columns_of
from monitor.decoders.assembly import text_of
from monitor.decoders.csvtable import words_of
from monitor.decoders.strictjson import Int64, listing, mapping
from monitor.record import Numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from monitor.record import Column, Limits, Texts


class JsonTable:
    """Rows of values.

    Parameters
    ----------
    rows : sequence of mapping
        Objects made flat by `flat`.
    lines : sequence of (int, bytes)
        Number and bytes of the line of each row.
    expected : sequence of str
        Columns that exist even if no row has them; all missing then.
    """

    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]],
        lines: Sequence[tuple[int, bytes]],
        expected: Sequence[str],
    ) -> None:
        self.lines: NDArray[np.int64] = np.array([number for number, _ in lines], dtype=np.int64)
        self._rows = rows
        self._lines = lines
        self._expected = expected

    @cached_property
    def _columns(self) -> Mapping[str, Column]:
        return columns_of(self._rows)

    @property
    def names(self) -> Sequence[str]:
        """Keys of all rows in order of first appearance, then what else was expected."""
        return list(dict.fromkeys((*self._columns, *self._expected)))

    def column(self, name: str) -> Column:
        """Values of a column."""
        if name in self._columns:
            return self._columns[name]
        return Numbers(np.full(len(self._rows), np.nan))

    instants = column

    def texts(self, name: str) -> list[str | None]:
        """Values of a column, numbers and booleans as JSON spells them."""
        values = (row.get(name) for row in self._rows)
        return [None if value is None else text_of(value) for value in values]

    def words(self, name: str) -> Texts:
        """Values of a column spelled as texts, each different one once."""
        return words_of(self.texts(name))

    def payload(self, row: int) -> bytes:
        """Give back the line of a row."""
        return self._lines[row][1]


def objects(limits: Limits, text: Any) -> msgspec.json.Decoder[dict[str, Any]]:
    """Parser of objects of scalars, lists of scalars, and such objects again."""
    scalar: Any = Int64 | float | text | bool | None
    items, value = scalar, scalar
    for _ in range(limits.max_depth - 1):
        value = scalar | listing(items) | mapping(text, value, limits)
        items = scalar | listing(items)
    return msgspec.json.Decoder(mapping(text, value, limits))


def flat_colons(row: Mapping[str, Any]) -> int:
    """Colons that a flat object must be written with."""
    texts = sum([value.count(":") for value in row.values() if type(value) is str])
    return len(row) + texts


def flat(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Spread nested objects; a spread name never replaces one that stands in the row itself."""
    if dict not in set(map(type, row.values())):
        return row
    spread: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            spread |= {f"{name}.{inner}": item for inner, item in flat(value).items()}
    own = {name: value for name, value in row.items() if not isinstance(value, dict)}
    return spread | own
