"""Which file on disk continues which position: rotation, truncation, copies.

Each known position is matched with a file by inode first and by content second, and every match
is proved by the digests of what was read. So a log that was renamed is read to its end, a log
that was copied and truncated is finished from the copy, and the file that took the old name
starts from its beginning.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from monitor.errors import InputError
from monitor.sources.tail import HEAD_BYTES, Tail, digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from monitor.sources.confinement import Confinement, Found

MAX_GONE: Final = 64
"""Positions of files that have disappeared are kept this long, should they come back."""

_TRIED: Final = 10_000


@dataclass(slots=True, eq=False)
class Tracked:
    """A position, and the file that continues it (None while it is gone)."""

    tail: Tail
    file: Found | None = None


@dataclass(slots=True)
class Tracker:
    """All positions of one source.

    `faults` says by path what the last `scan` could not look at.
    """

    confinement: Confinement
    pattern: str
    max_files: int
    tracked: list[Tracked] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)
    _tried: set[tuple[object, ...]] = field(default_factory=set)
    _blind: bool = False

    def scan(self) -> list[Tracked]:
        """Match positions and files anew; the files that have something unread, oldest first."""
        self.faults.clear()
        self._blind = False
        matched = self._look(self._matches(), wanted=True)
        nearby = self._look(self._nearby(), wanted=False)
        lost = self._match_by_inode(matched, nearby)
        lost = self._match_by_content(lost, {**nearby, **matched})
        self._start_new(matched, lost)
        self._forget(lost)
        unread = [each for each in self.tracked if each.file and each.file.size > each.tail.offset]
        return sorted(unread, key=_age)

    def _look(self, paths: Iterable[Path], *, wanted: bool) -> dict[Path, Found]:
        """Look at paths; one that leads outside of the roots matters only if it is `wanted`."""
        found: dict[Path, Found] = {}
        for path in paths:
            try:
                file = self.confinement.look(path)
            except InputError as error:
                if wanted:
                    self.faults[str(path)] = str(error)
                continue
            except OSError as error:
                self.faults[str(path)] = str(error)
                self._blind = True
                continue
            if file:
                found[file.path] = file
        return found

    def _matches(self) -> list[Path]:
        try:
            return list(self.confinement.matches(self.pattern))
        except OSError as error:
            self.faults[self.pattern] = str(error)
            self._blind = True
            return []

    def _nearby(self) -> Iterator[Path]:
        """Everything in the directories of the positions: rotation may leave the pattern."""
        for directory in {self.confinement.parent(each.tail.path) for each in self.tracked}:
            try:
                yield from list(directory.iterdir())
            except FileNotFoundError:
                continue
            except OSError as error:
                self.faults[str(directory)] = str(error)
                self._blind = True

    def _match_by_inode(
        self, matched: dict[Path, Found], nearby: dict[Path, Found]
    ) -> list[Tracked]:
        by_inode = {file.inode: file for file in (*nearby.values(), *matched.values())}
        lost = []
        # Live ones come first: a position that was given up cannot take a file from them.
        for each in self.tracked:
            file = by_inode.get(each.tail.inode)
            if file is None or not self._continues(each, file, matched):
                lost.append(each)
                continue
            del by_inode[each.tail.inode]
            each.tail = replace(each.tail, path=str(file.path))
            each.file = file
        return lost

    def _continues(self, each: Tracked, file: Found, matched: dict[Path, Found]) -> bool:
        if each.file == file:
            return True
        if each.tail.offset == 0 and file.path not in matched:
            # Nothing read, nothing to prove it by: a renamed log keeps the beginning of its name.
            return _related(file.path.name, each.tail.path)
        with self._opened(file) as descriptor:
            # What cannot be opened now keeps its position; reading it will say why.
            return descriptor is None or each.tail.fits(descriptor)

    def _match_by_content(self, lost: list[Tracked], files: dict[Path, Found]) -> list[Tracked]:
        taken = self._taken(lost)
        still = []
        for each in lost:
            parent = self.confinement.parent(each.tail.path)
            free = [file for file in files.values() if file.identity not in taken]
            near = (file for file in free if file.path.parent == parent)
            copy = next((file for file in near if self._copies(each, file)), None)
            if copy is None:
                still.append(each)
                continue
            each.tail = replace(each.tail, path=str(copy.path), inode=copy.inode)
            each.file = copy
            taken.add(copy.identity)
        return still

    def _taken(self, lost: list[Tracked]) -> set[tuple[int, int]]:
        alive = (each.file for each in self.tracked if each not in lost)
        return {file.identity for file in alive if file}

    def _copies(self, each: Tracked, file: Found) -> bool:
        if not 0 < each.tail.offset <= file.size:
            return False
        key = (each.tail.head, each.tail.last, each.tail.offset, file)
        if key in self._tried:
            return False
        with self._opened(file) as descriptor:
            if descriptor is not None and each.tail.fits(descriptor):
                return True
        if len(self._tried) >= _TRIED:
            self._tried.clear()
        self._tried.add(key)
        return False

    def _start_new(self, matched: dict[Path, Found], lost: list[Tracked]) -> None:
        taken = self._taken(lost)
        for path, file in sorted(matched.items(), key=lambda item: item[1].modified):
            if file.identity in taken or self._is_copy_in_waiting(file, lost):
                continue
            if len(self.tracked) - len(lost) >= self.max_files:
                self.faults[str(path)] = f"more than {self.max_files} files match {self.pattern}"
                continue
            before = next((each.tail for each in lost if each.tail.inode == file.inode), None)
            header = before.header if before else None
            taken.add(file.identity)
            self.tracked.append(Tracked(Tail(str(path), file.inode, header=header), file))

    def _is_copy_in_waiting(self, file: Found, lost: list[Tracked]) -> bool:
        """Hold back a file that starts like a live log it is named after.

        A log about to be truncated is copied first. Reading the copy now would deliver its lines
        twice; once the log is truncated, its position moves to the copy.
        """
        for each in self.tracked:
            if each in lost or each.file is None or each.file.path.parent != file.path.parent:
                continue
            if _related(file.path.name, each.tail.path) and self._begins_like(file, each):
                self.faults[str(file.path)] = f"starts like {each.tail.path}, taken for a copy"
                return True
        return False

    def _begins_like(self, file: Found, each: Tracked) -> bool:
        log = each.file
        # A copy is never larger than the log, which only grows until it is truncated.
        if log is None or not 0 < file.size <= log.size:
            return False
        size = min(file.size, HEAD_BYTES + len(each.tail.header or ""))
        with self._opened(file) as copy, self._opened(log) as original:
            if copy is None or original is None:
                return False
            return digest(copy, 0, size) == digest(original, 0, size)

    def _forget(self, lost: list[Tracked]) -> None:
        """Keep positions of vanished files for a while, unless nothing was read from them.

        As long as something cannot be looked at, more are kept: it may be hiding them.
        """
        for each in lost:
            each.file = None
        limit = self.max_files if self._blind else MAX_GONE
        gone = [each for each in lost if each.tail.offset][-limit:]
        self.tracked = [each for each in self.tracked if each.file] + gone

    @contextmanager
    def _opened(self, file: Found) -> Iterator[int | None]:
        try:
            descriptor = self.confinement.open(file)
        except OSError as error:
            self.faults[str(file.path)] = str(error)
            yield None
            return
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def _age(each: Tracked) -> tuple[int, str]:
    return (each.file.modified if each.file else 0, each.tail.path)


def _related(name: str, path: str) -> bool:
    """Whether a name begins like that of a log: `app.log.1` and `app-0601.log` like `app.log`."""
    stem = path.rpartition("/")[2].partition(".")[0]
    return bool(stem) and name.startswith(stem)
