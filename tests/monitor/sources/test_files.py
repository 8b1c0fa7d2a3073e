"""Tailing real files: rotation, half lines, restarts, limits, confinement."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from monitor.errors import InputError, UsageError
from monitor.record import Position
from monitor.sources.confinement import Confinement
from monitor.sources.files import FilesSource
from monitor.sources.registry import BUILT_IN, source_class

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.sources.base import Delivery


class Reader:
    """A source and its caller: commits positions, and can crash."""

    def __init__(self, directory: Path, pattern: str = "*.ndjson", **options: Any) -> None:
        self._make = lambda: FilesSource("logs", Confinement(directory), pattern, **options)
        self.committed: list[bytes] = []
        self._state: str | None = None
        self.source = self._make()
        self.restart()

    def restart(self) -> None:
        """A new process opens at what was committed last."""
        self.source.close()
        self.source = self._make()
        state = None if self._state is None else json.loads(self._state)
        self.source.open(None if state is None else Position("logs", state))

    def read(self, max_bytes: int = 1 << 20, *, commit: bool = True) -> Delivery | None:
        delivery = self.source.read(max_bytes)
        if delivery and commit:
            assert delivery.position.source == "logs"
            self.committed += delivery.payload.splitlines()
            self._state = json.dumps(delivery.position.state)
        return delivery

    def drain(self, max_bytes: int = 1 << 20) -> list[bytes]:
        """Read until nothing is left; what has been committed since the start."""
        while self.read(max_bytes):
            pass
        return self.committed


def lines(numbers: Iterable[int]) -> list[bytes]:
    return [b'{"id":%d}' % number for number in numbers]


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def write(path: Path, numbers: Iterable[int]) -> None:
    append(path, b"".join(line + b"\n" for line in lines(numbers)))


class TestTailing:
    """Files that grow."""

    def test_reads_what_is_there_and_what_comes(self, tmp_path: Path) -> None:
        log = tmp_path / "app.ndjson"
        write(log, range(3))
        reader = Reader(tmp_path)
        assert reader.drain() == lines(range(3))
        assert reader.read() is None
        write(log, range(3, 5))
        assert reader.drain() == lines(range(5))

    def test_a_half_line_waits_at_every_byte(self, tmp_path: Path) -> None:
        log = tmp_path / "app.ndjson"
        reader = Reader(tmp_path)
        for number, line in enumerate(lines(range(3))):
            for at in range(len(line)):
                append(log, line[at : at + 1])
                assert reader.read() is None
            append(log, b"\n")
            assert reader.drain() == lines(range(number + 1))

    def test_small_reads_return_whole_lines(self, tmp_path: Path) -> None:
        write(tmp_path / "app.ndjson", range(100))
        reader = Reader(tmp_path)
        first = reader.read(30)
        assert first
        assert first.payload == b'{"id":0}\n{"id":1}\n{"id":2}\n'
        assert reader.drain(1) == lines(range(100))

    def test_a_restart_at_every_delivery(self, tmp_path: Path) -> None:
        write(tmp_path / "a.ndjson", range(10))
        write(tmp_path / "b.ndjson", range(10, 20))
        reader = Reader(tmp_path)
        while reader.read(25):
            reader.read(25, commit=False)
            reader.restart()
        assert sorted(reader.committed) == sorted(lines(range(20)))

    def test_a_line_beyond_the_limit_is_cut_and_skipped(self, tmp_path: Path) -> None:
        log = tmp_path / "app.ndjson"
        write(log, [1])
        append(log, b"x" * 250)
        reader = Reader(tmp_path, max_line_bytes=100)
        assert reader.drain(40) == [*lines([1]), b"x" * 100]
        reader.restart()
        append(log, b"x" * 250 + b"\n")
        write(log, [2])
        assert reader.drain(40) == [*lines([1]), b"x" * 100, *lines([2])]

    def test_the_oldest_file_comes_first(self, tmp_path: Path) -> None:
        for age, name in enumerate(("c", "a", "b")):
            write(tmp_path / f"{name}.ndjson", [age])
            os.utime(tmp_path / f"{name}.ndjson", (1_000 + age, 1_000 + age))
        assert Reader(tmp_path).drain() == lines(range(3))

    def test_a_busy_file_starves_nobody(self, tmp_path: Path) -> None:
        busy = tmp_path / "a.ndjson"
        write(busy, range(3))
        os.utime(busy, (1, 1))
        write(tmp_path / "b.ndjson", [100])
        reader = Reader(tmp_path)
        for number in range(3, 20):
            write(busy, [number])
            reader.read(10)
        assert lines([100])[0] in reader.committed

    def test_too_many_files_are_reported_and_wait(self, tmp_path: Path) -> None:
        for number in range(4):
            write(tmp_path / f"{number}.ndjson", [number])
        reader = Reader(tmp_path, max_files=3)
        assert len(reader.drain()) == 3
        assert len(reader.source.faults) == 1


class TestRotation:
    """Log files that are moved, copied, truncated or replaced."""

    def test_renamed_while_lines_are_left(self, tmp_path: Path) -> None:
        log = tmp_path / "app.ndjson"
        write(log, range(10))
        reader = Reader(tmp_path)
        reader.read(30)
        log.rename(tmp_path / "app.ndjson.1")
        write(log, range(100, 103))
        reader.restart()
        write(tmp_path / "app.ndjson.1", [10])  # a writer that has not noticed yet
        assert sorted(reader.drain()) == sorted(lines([*range(11), *range(100, 103)]))
        write(tmp_path / "app.ndjson.1", [11])
        assert lines([11])[0] in reader.drain()

    def test_renamed_before_anything_was_read(self, tmp_path: Path) -> None:
        log = tmp_path / "app.ndjson"
        append(log, b'{"id":')
        reader = Reader(tmp_path)
        assert reader.read() is None
        append(log, b"0}\n")
        log.rename(tmp_path / "app.ndjson.1")
        assert reader.drain() == lines([0])

    def test_renamed_twice_and_deleted(self, tmp_path: Path) -> None:
        log, old, older = (tmp_path / f"app.ndjson{end}" for end in ("", ".1", ".2"))
        reader = Reader(tmp_path, "app.ndjson*")
        for start in (0, 10, 20, 30):
            write(log, range(start, start + 5))
            reader.read(20)
            if old.exists():
                old.rename(older)
            log.rename(old)
            reader.drain()
        assert sorted(reader.committed) == sorted(
            lines(start + step for start in (0, 10, 20, 30) for step in range(5))
        )

    @pytest.mark.parametrize("pattern", ["*.ndjson", "app*"])
    def test_copied_and_truncated_while_lines_are_left(self, tmp_path: Path, pattern: str) -> None:
        log, copy = tmp_path / "app.ndjson", tmp_path / "app.ndjson.1"
        write(log, range(10))
        reader = Reader(tmp_path, pattern)
        reader.read(30)
        shutil.copy(log, copy)
        reader.read(30)
        os.truncate(log, 0)
        write(log, range(100, 103))
        reader.restart()
        assert sorted(reader.drain()) == sorted(lines([*range(10), *range(100, 103)]))

    def test_a_copy_waits_for_the_truncation(self, tmp_path: Path) -> None:
        log, copy = tmp_path / "app.ndjson", tmp_path / "app-1.ndjson"
        write(log, range(100))
        reader = Reader(tmp_path)
        reader.drain()
        copy.write_bytes(log.read_bytes()[:600])  # the copy is under way
        assert reader.read() is None
        assert "copy" in reader.source.faults[str(copy)]
        shutil.copy(log, copy)
        assert reader.read() is None
        os.truncate(log, 0)
        write(log, [100])
        assert reader.drain() == lines(range(101))

    def test_truncated_and_grown_beyond_the_old_offset(self, tmp_path: Path) -> None:
        log = tmp_path / "app.ndjson"
        write(log, range(3))
        reader = Reader(tmp_path)
        reader.drain()
        os.truncate(log, 0)
        write(log, range(10, 20))
        assert reader.drain() == lines([*range(3), *range(10, 20)])

    def test_a_new_file_with_an_old_inode(self, tmp_path: Path) -> None:
        log = tmp_path / "app.ndjson"
        reader = Reader(tmp_path)
        for start in (0, 10, 20):
            write(log, range(start, start + 5))
            reader.drain()
            log.unlink()
        assert reader.committed == lines([*range(5), *range(10, 15), *range(20, 25)])

    def test_a_synchronised_file_is_replaced_by_a_longer_one(self, tmp_path: Path) -> None:
        log = tmp_path / "app.ndjson"
        write(log, range(5))
        reader = Reader(tmp_path)
        reader.drain()
        longer = tmp_path / ".app.tmp"
        longer.write_bytes(log.read_bytes() + b"".join(line + b"\n" for line in lines([5, 6])))
        longer.replace(log)
        assert reader.drain() == lines(range(7))

    def test_files_that_begin_alike_are_two_files(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            write(tmp_path / f"{name}.ndjson", [0])
        reader = Reader(tmp_path)
        assert reader.drain() == lines([0, 0])
        write(tmp_path / "b.ndjson", [1])
        assert reader.drain() == lines([0, 0, 1])

    def test_a_hard_link_is_no_second_file(self, tmp_path: Path) -> None:
        write(tmp_path / "a.ndjson", [0])
        os.link(tmp_path / "a.ndjson", tmp_path / "b.ndjson")
        reader = Reader(tmp_path)
        reader.drain()
        write(tmp_path / "a.ndjson", [1])
        assert reader.drain() == lines([0, 1])


class TestCsv:
    """The header goes with every delivery."""

    def test_header(self, tmp_path: Path) -> None:
        log = tmp_path / "app.csv"
        append(log, b"\xef\xbb\xbf\r\na,b\r\n1,2\r\n3,4\r\n5,")
        reader = Reader(tmp_path, "*.csv", content="csv")
        first = reader.read(6)
        assert first
        assert (first.content, first.payload) == ("csv", b"a,b\n1,2\r\n")
        reader.restart()
        second = reader.read()
        assert second
        assert second.payload == b"a,b\n3,4\r\n"
        append(log, b"6\n")
        third = reader.read()
        assert third
        assert third.payload == b"a,b\n5,6\n"

    def test_a_header_alone_is_no_delivery(self, tmp_path: Path) -> None:
        log = tmp_path / "app.csv"
        append(log, b"a,b")
        reader = Reader(tmp_path, "*.csv", content="csv")
        assert reader.read() is None
        append(log, b"\n")
        assert reader.read() is None

    @pytest.mark.parametrize(
        ("after", "payload"),
        [
            (b"5,6\n", b"a,b\n5,6\n"),
            (b"a,b\n5,6\n", b"a,b\n5,6\n"),
            (b"b,c\n5,6\n", b"b,c\n5,6\n"),
        ],
    )
    def test_after_a_truncation(self, tmp_path: Path, after: bytes, payload: bytes) -> None:
        log = tmp_path / "app.csv"
        append(log, b"a,b\n1,2\n3,4\n")
        reader = Reader(tmp_path, "*.csv", content="csv")
        reader.drain()
        os.truncate(log, 0)
        append(log, after)
        delivery = reader.read()
        assert delivery
        assert delivery.payload == payload


class TestTrouble:
    """What cannot be read is said, and does not stop the rest."""

    def test_an_unreadable_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(tmp_path / "a.ndjson", [0])
        write(tmp_path / "b.ndjson", [1])
        reader = Reader(tmp_path)
        really_open = os.open

        def refuse(path: Path, *args: Any) -> int:
            if Path(path).name == "a.ndjson":
                raise PermissionError(13, "Permission denied", str(path))
            return really_open(path, *args)

        reader.drain()
        write(tmp_path / "a.ndjson", [2])
        write(tmp_path / "b.ndjson", [3])
        with monkeypatch.context() as patch:
            patch.setattr(os, "open", refuse)
            assert reader.drain() == lines([0, 1, 3])
            assert "Permission denied" in reader.source.faults[str(tmp_path / "a.ndjson")]
            reader.restart()
            assert reader.drain() == lines([0, 1, 3])
        assert reader.drain() == lines([0, 1, 3, 2])
        assert reader.source.faults == {}

    def test_a_directory_that_vanishes_for_a_while(self, tmp_path: Path) -> None:
        logs = tmp_path / "logs"
        logs.mkdir()
        write(logs / "a.ndjson", [0])
        reader = Reader(tmp_path, "logs/*.ndjson")
        reader.drain()
        logs.rename(tmp_path / "away")
        assert reader.read() is None
        (tmp_path / "away").rename(logs)
        write(logs / "a.ndjson", [1])
        assert reader.drain() == lines([0, 1])

    def test_pipes_and_directories_are_no_files(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.ndjson")
        (tmp_path / "directory.ndjson").mkdir()
        assert Reader(tmp_path).read() is None

    def test_positions_of_another_kind(self, tmp_path: Path) -> None:
        source = FilesSource("logs", Confinement(tmp_path), "*")
        for state in ({}, {"tails": [{}]}, {"tails": [1]}):
            with pytest.raises(InputError, match="something else before"):
                source.open(Position("logs", state))

    def test_vanished_files_are_forgotten_in_the_end(self, tmp_path: Path) -> None:
        reader = Reader(tmp_path)
        for number in range(100):
            write(tmp_path / f"{number}.ndjson", [number])
            delivery = reader.read()
            (tmp_path / f"{number}.ndjson").unlink()
        assert delivery
        assert len(delivery.position.state["tails"]) <= 66


class TestConfinement:
    """No path leads outside."""

    @pytest.mark.parametrize("pattern", ["", "../*.ndjson", "a/../../x", "/etc/*", "/"])
    def test_patterns(self, tmp_path: Path, pattern: str) -> None:
        with pytest.raises(InputError):
            FilesSource("logs", Confinement(tmp_path), pattern).check()

    def test_absolute_patterns_within_a_root(self, tmp_path: Path) -> None:
        (tmp_path / "in").mkdir()
        write(tmp_path / "in" / "a.ndjson", [0])
        assert Reader(tmp_path, str(tmp_path / "in" / "*.ndjson")).drain() == lines([0])

    def test_links_are_resolved_and_judged(self, tmp_path: Path) -> None:
        root, outside = tmp_path / "root", tmp_path / "outside"
        root.mkdir()
        outside.mkdir()
        write(outside / "secret.ndjson", [0])
        write(root / "real.txt", [1])
        (root / "out.ndjson").symlink_to(outside / "secret.ndjson")
        (root / "in.ndjson").symlink_to("real.txt")
        (root / "directory").symlink_to(outside)
        reader = Reader(root, "**/*.ndjson")
        assert reader.drain() == lines([1])
        assert "outside" in reader.source.faults[str(root / "out.ndjson")]
        allowed = FilesSource("logs", Confinement(root, [outside]), "*.ndjson")
        allowed.open(None)
        assert allowed.read(100)

    def test_a_missing_directory(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="not a directory"):
            FilesSource("logs", Confinement(tmp_path / "none"), "*").check()


def test_registry() -> None:
    assert all(callable(source_class(name).open) for name in BUILT_IN)
    with pytest.raises(UsageError, match="there is no source 'ftp'"):
        source_class("ftp")


class Logs(RuleBasedStateMachine):
    """A writer that rotates as it likes and a reader that crashes as it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.log = self.directory / "app.ndjson"
        self.reader = Reader(self.directory, "app*")
        self.written = 0
        self.half = b""
        self.rotations = 0

    @rule(count=st.integers(1, 8), cut=st.integers(0, 7))
    def append(self, count: int, cut: int) -> None:
        new = b"".join(line + b"\n" for line in lines(range(self.written, self.written + count)))
        data = self.half + new
        self.half = data[len(data) - cut :]
        if self.half.endswith(b"\n") and cut < len(b'{"id":0}\n'):
            append(self.log, data[: len(data) - cut])
        else:
            append(self.log, data)
            self.half = b""
        self.written += count

    def _flush(self) -> None:
        append(self.log, self.half)
        self.half = b""

    @rule()
    def finish_line(self) -> None:
        self._flush()

    def _next_name(self) -> Path:
        self.rotations += 1
        return self.directory / f"app.ndjson.{self.rotations}"

    @precondition(lambda self: self.log.exists())
    @rule()
    def rename(self) -> None:
        self._flush()
        self.log.rename(self._next_name())

    @precondition(lambda self: self.log.exists())
    @rule(scan=st.booleans())
    def copy_and_truncate(self, *, scan: bool) -> None:
        self._flush()
        shutil.copy(self.log, self._next_name())
        if scan:
            self.reader.read(20)
        os.truncate(self.log, 0)

    @rule(size=st.integers(1, 60), commit=st.booleans())
    def read(self, size: int, *, commit: bool) -> None:
        delivery = self.reader.read(size, commit=commit)
        if delivery and not commit:
            self.reader.restart()

    @rule()
    def restart(self) -> None:
        self.reader.restart()

    @invariant()
    def nothing_twice(self) -> None:
        assert len(set(self.reader.committed)) == len(self.reader.committed)

    def teardown(self) -> None:
        self._flush()
        committed = self.reader.drain()
        shutil.rmtree(self.directory)
        assert sorted(committed) == sorted(lines(range(self.written)))


TestLogs = Logs.TestCase
TestLogs.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
