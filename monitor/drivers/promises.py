"""Control entries that take effect before their place in the journal.

A baseline becomes due at one entry and is built while others are appended. Its control entry says
`after`: the entry at which it was due. Live, it is applied there at once; whoever reads the journal
again (a restart, a replay) looks ahead for it, so that both are the same.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from monitor.archive import journal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.archive.journal import Entry
    from monitor.archive.reader import Reader
    from monitor.engine.decision import Decision
    from monitor.engine.engine import Engine


class Promises:
    """The control entries behind an engine's cursor that belong somewhere before their place.

    They are looked for when something is first due: only then has one been written.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._by_place: dict[int, list[Entry]] | None = None

    def keep(self, engine: Engine) -> Iterator[Decision]:
        """Apply what belongs behind the engine's cursor; must be exhausted."""
        if not engine.due():
            return
        if self._by_place is None:
            self._by_place = self._found(engine.cursor)
        for entry in self._by_place.get(engine.cursor, ()):
            yield from engine.keep(entry.seq, entry.payload)

    def _found(self, cursor: int) -> dict[int, list[Entry]]:
        found: dict[int, list[Entry]] = defaultdict(list)
        for entry in self._reader.run(lambda link: journal.controls(link, cursor)):
            place = json.loads(entry.payload).get("after")
            if place is not None:
                found[place].append(entry)
        return dict(found)
