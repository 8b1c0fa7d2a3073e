"""Replay makes the same bytes from the archive alone, and sees when something was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, update

from monitor.app.models import ArchiveResolver
from monitor.archive.tables import decisions as decisions_table
from monitor.archive.tables import journal as journal_table
from monitor.archive.tables import snapshots
from monitor.drivers import live
from monitor.drivers.replay import Replay, replay
from monitor.errors import NotFoundError, StorageError
from tests.monitor.drivers.setting import learned, rows, setting, window, window_times

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor.archive.decisions import DecisionRow
    from tests.monitor.drivers.setting import Setting


@pytest.fixture
def year(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setting]:
    """Eleven windows with a shift, judged, with several snapshots and two configurations."""
    monkeypatch.setattr(live, "SNAPSHOT_DECISIONS", 6)
    with setting(tmp_path) as shop:
        for index in range(12):
            times = window_times(index, 100)
            shop.append(rows(index, times[:50], shift=0 if index < 5 else 2))
            shop.append(rows(100 + index, times[50:], shift=0 if index < 5 else 2))
            if index == 7:
                shop.configure(baseline=learned(segments=("region", "country")))
            shop.step()
        yield shop


def run(shop: Setting, *wanted: DecisionRow, complete: bool = False) -> Replay:
    reader = shop.archive.reader
    return replay(reader, ArchiveResolver(reader), wanted, complete=complete)


def change(shop: Setting, statement: Any) -> None:
    shop.write(lambda link: link.execute(statement))


def test_everything_comes_out_as_archived(year: Setting) -> None:
    wanted = year.decisions()
    heard: list[tuple[int, int]] = []
    found = replay(
        year.archive.reader,
        ArchiveResolver(year.archive.reader),
        tuple(wanted),
        complete=True,
        progress=lambda done, total, /: heard.append((done, total)),
    )
    assert found.identical
    assert [one.archived for one in found.compared] == wanted
    assert (found.extra, found.start) == ((), 0)
    assert heard[-1] == (len(wanted), len(wanted))


def test_any_single_decision_can_be_replayed_from_a_snapshot(year: Setting) -> None:
    starts = set()
    for row in year.decisions()[::4]:
        found = run(year, row)
        assert found.identical, row
        assert found.start < row.journal_from
        starts.add(found.start)
    assert len(starts) > 3, "snapshots are used"


def test_nothing_wanted_is_nothing_found(year: Setting) -> None:
    found = run(year)
    assert (found.identical, found.compared) == (True, ())


def test_a_tampered_decision_is_seen(year: Setting) -> None:
    row = year.decisions()[9]
    body = row.body.replace(b'"verdict":"', b'"verdict":"x')
    table = decisions_table
    chosen = table.c.decision_id == row.decision_id
    change(year, update(table).where(chosen).values(body=body))
    found = run(year, *year.decisions(), complete=True)
    different = [one for one in found.compared if not one.identical]
    assert [one.archived.decision_id for one in different] == [row.decision_id]
    assert (different[0].replayed, different[0].evidence_identical) == (row.body, True)


def test_tampered_evidence_is_seen(year: Setting) -> None:
    row = year.decisions()[4]
    table = decisions_table
    chosen = table.c.decision_id == row.decision_id
    change(year, update(table).where(chosen).values(evidence=b"{}"))
    (found,) = run(year, row).compared
    assert (found.identical, found.evidence_identical) == (False, False)
    assert found.replayed == row.body


def test_a_missing_decision_is_seen_when_all_are_wanted(year: Setting) -> None:
    row = year.decisions()[4]
    change(year, delete(decisions_table).where(decisions_table.c.decision_id == row.decision_id))
    rest = year.decisions()
    assert run(year, *rest, complete=True).extra == (row.decision_id,)
    assert not run(year, *rest, complete=True).identical
    assert run(year, *rest).identical


def test_an_invented_decision_is_seen(year: Setting) -> None:
    row = year.decisions()[4]
    table = decisions_table
    chosen = table.c.decision_id == row.decision_id
    change(year, update(table).where(chosen).values(decision_id="f" * 64))
    found = run(year, *year.decisions(), complete=True)
    assert [one.replayed for one in found.compared].count(None) == 1
    assert found.extra == (row.decision_id,)


def test_a_missing_journal_entry_is_seen(year: Setting) -> None:
    row = next(row for row in year.decisions() if row.window_index % 60 == 46)
    assert run(year, row).identical
    change(year, delete(journal_table).where(journal_table.c.seq == row.journal_to))
    assert not run(year, row).identical


def test_a_damaged_journal_entry_is_refused(year: Setting) -> None:
    row = year.decisions()[-1]
    chosen = journal_table.c.seq == row.journal_to
    change(year, update(journal_table).where(chosen).values(payload=b"other"))
    with pytest.raises(StorageError, match=f"journal entry {row.journal_to} is damaged"):
        run(year, row)


def test_a_tampered_snapshot_is_seen_or_refused(year: Setting) -> None:
    change(year, update(snapshots).values(state=b"other"))
    with pytest.raises(StorageError, match="damaged"):
        run(year, year.decisions()[-1])


def test_without_snapshots_it_starts_at_the_beginning(year: Setting) -> None:
    change(year, delete(snapshots))
    found = run(year, year.decisions()[-1])
    assert (found.identical, found.start) == (True, 0)


def test_a_missing_baseline_says_so(year: Setting) -> None:
    change(year, delete(snapshots))
    link_free = ArchiveResolver(year.archive.reader)
    with pytest.raises(NotFoundError, match="no baseline"):
        link_free.baseline("0" * 64)


def test_it_may_run_beside_the_daemon(year: Setting) -> None:
    """Entries that the engine has not come to yet are no difference."""
    year.append(window(20))
    year.append(window(21))
    assert run(year, *year.decisions(), complete=True).identical
