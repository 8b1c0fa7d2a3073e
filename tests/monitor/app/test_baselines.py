"""Which baseline counts: a new file, or what was activated since; and all models or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor.app import baselines
from monitor.app.baselines import CONFIGURED, build_from_rows, load_or_build, settle
from monitor.archive import baselines as stored
from monitor.archive.archive import Archive
from monitor.archive.baselines import Activation, StoredBaseline
from monitor.clock import ManualClock
from monitor.config.load import load
from monitor.errors import ConfigError, InputError, StorageError
from tests import shop as lines
from tests.monitor.drivers.setting import BASELINE, CONFIG, MODEL, config_text, learned, place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor.baseline import Baseline
    from monitor.config.watched import ModelConfig

A = learned()
B = learned(segments=("region", "country"))
C = learned(segments=("country", "region"))


@pytest.fixture
def archive(folder: Path) -> Iterator[Archive]:
    with Archive(f"sqlite:///{folder / 'driftd.db'}", ManualClock()) as opened:
        yield opened


def start(folder: Path, archive: Archive, baseline: Baseline | None = None) -> str:
    """A start of the daemon, maybe with another file."""
    if baseline is not None:
        (folder / BASELINE).write_bytes(baseline.to_bytes())
    return settle(load(folder / CONFIG), archive, ManualClock())[MODEL]


def activate(archive: Archive, baseline: Baseline) -> None:
    """What `driftd baseline activate` does."""
    change = Activation(MODEL, baseline.id, 0, "driftd baseline activate")
    archive.writer.submit(lambda link: stored.activate(link, change)).result(10)


def store(archive: Archive, baseline: Baseline) -> None:
    row = StoredBaseline(baseline.id, MODEL, 0, baseline.to_bytes())
    archive.writer.submit(lambda link: stored.add(link, row)).result(10)


def reasons(archive: Archive) -> list[tuple[str, str]]:
    past = archive.reader.run(lambda link: stored.history(link, MODEL))
    return [(one.baseline, one.reason) for one in past]


def test_the_file_is_stored_and_activated_once(folder: Path, archive: Archive) -> None:
    assert start(folder, archive) == A.id
    assert start(folder, archive) == A.id
    assert reasons(archive) == [(A.id, CONFIGURED)]
    kept = archive.reader.run(lambda link: stored.get(link, A.id))
    assert kept.body == A.to_bytes()


def test_another_file_takes_over(folder: Path, archive: Archive) -> None:
    start(folder, archive)
    assert start(folder, archive, B) == B.id
    assert start(folder, archive, A) == A.id


def test_an_activation_by_hand_outlives_restarts_until_the_file_changes(
    folder: Path, archive: Archive
) -> None:
    start(folder, archive)
    store(archive, B)
    activate(archive, B)
    assert start(folder, archive) == B.id
    assert start(folder, archive) == B.id
    assert start(folder, archive, C) == C.id


def test_a_file_that_follows_the_activation_is_remembered(folder: Path, archive: Archive) -> None:
    """The file becomes what was activated by hand; the next hand still counts."""
    start(folder, archive)
    store(archive, B)
    activate(archive, B)
    assert start(folder, archive, B) == B.id
    activate(archive, A)
    assert start(folder, archive) == A.id


def test_an_activated_baseline_must_fit_too(folder: Path, archive: Archive) -> None:
    start(folder, archive)
    other = learned(segments=())
    store(archive, other)
    activate(archive, other)
    with pytest.raises(ConfigError, match="knows no segments of region"):
        start(folder, archive)


def test_if_one_model_does_not_fit_nothing_changes(folder: Path, archive: Archive) -> None:
    start(folder, archive)
    (folder / BASELINE).write_bytes(B.to_bytes())
    (folder / "other.baseline").write_bytes(A.to_bytes())
    more = "  - {name: other, baseline: other.baseline, window: {every: 60s, lateness: 10s}}\n"
    (folder / CONFIG).write_text(config_text() + more)
    with pytest.raises(ConfigError, match="was learned for model 'shop'"):
        start(folder, archive)
    assert archive.reader.run(stored.active) == {MODEL: A.id}
    assert len(archive.reader.run(stored.heads)) == 1


def test_rows_instead_of_a_baseline_are_learned_from(folder: Path) -> None:
    rows = lines.stream(0, 600, start=lines.START)
    (folder / BASELINE).rename(folder / "built")
    (folder / "rows.ndjson").write_bytes(lines.lines(rows) + b"not json\n")
    text = config_text().replace("shop.baseline", "rows.ndjson")
    model = place(folder, text).models[0]
    built = load_or_build(model, folder / "rows.ndjson", 0)
    assert built.rows == 600
    assert {c.name for c in built.columns} >= {"amount", "age", "country", "prediction", "score.1"}
    assert load_or_build(model, folder / "rows.ndjson", 10**15).id == built.id, (
        "the clock has no part in it"
    )


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("absent.ndjson", None, "cannot be read"),
        ("rows.xml", b"<x/>", "cannot tell its format"),
        ("rows.ndjson", b'{"model":"else","features":{"a":1}}\n', "holds no records of model"),
        ("rows.ndjson", b"", "holds no records of model 'shop'"),
        ("rows.ndjson", b'{"model":"shop","features":{}}\n' * 300, "no column to watch"),
    ],
)
def test_files_that_cannot_be_learned_from(
    folder: Path, name: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (folder / name).write_bytes(content)
    model = load(folder / CONFIG).models[0]
    with pytest.raises(InputError, match=said):
        build_from_rows(model, folder / name, 0)


def test_a_damaged_baseline_file_is_refused(folder: Path, archive: Archive) -> None:
    (folder / BASELINE).write_bytes(A.to_bytes()[:-100])
    with pytest.raises(StorageError, match="damaged"):
        start(folder, archive)


def test_rows_are_learned_from_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    build = baselines.build_from_rows

    def counted(model: ModelConfig, path: Path, now: int) -> Baseline:
        built.append(path.name)
        return build(model, path, now)

    monkeypatch.setattr(baselines, "build_from_rows", counted)
    (folder / BASELINE).rename(folder / "built")
    rows = lines.stream(0, 600, start=lines.START)
    (folder / "rows.ndjson").write_bytes(lines.lines(rows))
    (folder / CONFIG).write_text(config_text().replace("shop.baseline", "rows.ndjson"))
    with Archive(f"sqlite:///{folder / 'driftd.db'}", ManualClock()) as archive:
        first = settle(load(folder / CONFIG), archive, ManualClock())
        assert settle(load(folder / CONFIG), archive, ManualClock(10**9)) == first
        assert built == ["rows.ndjson"]
        (folder / "rows.ndjson").write_bytes(lines.lines(rows[:500]))
        assert settle(load(folder / CONFIG), archive, ManualClock()) != first
        assert len(built) == 2
        text = (folder / CONFIG).read_text().replace("min_records: 20", "min_records: 30")
        (folder / CONFIG).write_text(text)
        settle(load(folder / CONFIG), archive, ManualClock())
        assert len(built) == 3, "other settings learn something else"


def test_a_baseline_without_phases_cannot_match_seasons(folder: Path, archive: Archive) -> None:
    text = config_text().replace("shop.baseline", "{path: shop.baseline, season: true}")
    (folder / CONFIG).write_text(text)
    with pytest.raises(ConfigError, match="learned without 'season'"):
        settle(load(folder / CONFIG), archive, ManualClock())
