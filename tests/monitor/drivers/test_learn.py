"""A baseline is cut like live traffic; where that gives too little, it says what it rests on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from detectors.profile.profile import Profile
from monitor.columnar import take
from monitor.drivers.learn import MIN_WINDOWS, build_baseline
from monitor.engine.columns import Framer
from monitor.errors import InputError
from monitor.model import ModelSpec, WindowSpec
from monitor.packing import pack
from monitor.record import Numbers, RecordBatch, Texts
from monitor.schema import ColumnSpec
from tests.monitor.drivers.setting import (
    COLUMNS,
    EVERY,
    MODEL,
    PER_WINDOW,
    START,
    WINDOWS,
    history,
    learned,
    rows,
    setting,
    window,
    window_times,
)

if TYPE_CHECKING:
    from monitor.baseline import Baseline
    from monitor.record import Column

SPEC = ModelSpec(MODEL, COLUMNS, WindowSpec(every=EVERY), min_records=20, segments=("region",))


def whole() -> RecordBatch:
    """The history in one batch of no particular order."""
    batch = rows(1, [time for i in range(WINDOWS) for time in window_times(i, start=START)])
    return take(batch, np.random.default_rng(1).permutation(len(batch)))


def test_it_holds_all_rows_of_each_segment() -> None:
    baseline = learned()
    assert baseline.rows == WINDOWS * PER_WINDOW
    parts = {name: part.profile.rows for name, part in baseline.segments.items()}
    assert parts[""] == parts["region=north"] + parts["region=south"]
    assert (baseline.start, baseline.columns) == (START, COLUMNS)
    assert START < baseline.end <= START + WINDOWS * EVERY


def test_windows_are_cut_like_live_ones(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The profile scores of the history are those that the live engine would have seen."""
    baseline = learned()
    framer, bank = Framer(baseline.frame), baseline.whole.bank
    for index, batch in enumerate(history()):
        profile = Profile(baseline.frame)
        profile.add(framer.block(batch))
        np.testing.assert_array_equal(baseline.whole.history.series[index], bank.measure(profile))
    assert baseline.whole.history.rows.tolist() == [PER_WINDOW] * WINDOWS
    assert np.diff(baseline.whole.history.mid).tolist() == [EVERY] * (WINDOWS - 1)
    with setting(tmp_path_factory.mktemp("shop") / "a") as shop:
        shop.append(window(0))
        shop.append(window(1))
        shop.step()
        (first, *_) = [row for row in shop.decisions() if not row.segment]
        assert (first.window_start + first.window_end) // 2 == EVERY + int(
            baseline.whole.history.mid[-1]
        )


def test_the_order_of_rows_and_batches_does_not_matter() -> None:
    batch = whole()
    parts = [take(batch, np.arange(start, len(batch), 3)) for start in range(3)]
    one, several = build_baseline([batch], SPEC), build_baseline(parts, SPEC)
    assert pack(one.whole.profile.state()) == pack(several.whole.profile.state())
    np.testing.assert_array_equal(one.whole.history.rows, several.whole.history.rows)
    np.testing.assert_array_equal(one.whole.history.series, several.whole.history.series)


def test_learning_again_gives_the_same_bytes() -> None:
    assert build_baseline(history(), SPEC).to_bytes() == learned_now().to_bytes()


def learned_now() -> Baseline:
    return build_baseline(history(), SPEC)


def test_all_versions_are_one_normal() -> None:
    batches = [replace(batch, version=str(i % 3)) for i, batch in enumerate(history())]
    several = build_baseline(batches, SPEC)
    assert several.versions == ("0", "1", "2")
    assert replace(several, versions=("1",)).named().id == build_baseline(history(), SPEC).id


def test_too_few_windows_are_dealt_at_random_and_said_to_be() -> None:
    few = history()[: MIN_WINDOWS - 1]
    part = build_baseline(few, SPEC).whole
    assert "exchangeable" in part.calibration.guarantee.text
    assert "exchangeable" not in learned().whole.calibration.guarantee.text
    assert part.history.rows.sum() == len(few) * PER_WINDOW
    assert part.history.rows.max() - part.history.rows.min() <= 1
    assert set(part.history.mid.tolist()) == {0}


def test_exactly_enough_windows_are_history() -> None:
    part = build_baseline(history()[:MIN_WINDOWS], SPEC).whole
    assert len(part.history.rows) == MIN_WINDOWS
    assert "exchangeable" not in part.calibration.guarantee.text


def test_windows_that_are_too_small_to_judge_are_no_history() -> None:
    small = rows(99, window_times(WINDOWS, 19, start=START))
    assert len(build_baseline([*history(), small], SPEC).whole.history.rows) == WINDOWS


def test_a_rare_segment_is_learned_by_dealing_or_left_out() -> None:
    batches = []
    for index, batch in enumerate(history()):
        codes = np.zeros(PER_WINDOW, dtype=np.int32)
        codes[:2] = 1
        codes[2] = 2 if index < 10 else 0
        region = Texts(codes, ("usual", "rare", "seldom"))
        batches.append(replace(batch, segments={"region": region}))
    baseline = build_baseline(batches, SPEC)
    assert list(baseline.segments) == ["", "region=rare", "region=usual"]
    rare = baseline.segments["region=rare"]
    assert rare.profile.rows == 2 * WINDOWS
    assert "exchangeable" in rare.calibration.guarantee.text


def test_a_feature_may_be_a_segment_and_its_values_may_hold_equals_signs() -> None:
    batches = [
        replace(batch, segments={"region": Texts(np.zeros(PER_WINDOW, np.int32), ("a=b=c",))})
        for batch in history()
    ]
    spec = replace(SPEC, segments=("region", "country"))
    names = list(build_baseline(batches, spec).segments)
    assert names == ["", "region=a=b=c", "country=de", "country=fr", "country=us"]


def test_windows_of_records() -> None:
    baseline = learned(every=None, records=50)
    assert baseline.whole.history.rows.tolist() == [50] * (WINDOWS * PER_WINDOW // 50)
    assert "exchangeable" not in baseline.whole.calibration.guarantee.text


@pytest.mark.parametrize("count", [0, 1, 19])
def test_too_few_rows_are_an_input_error(count: int) -> None:
    said = f"model 'shop': the baseline has {count} rows, at least 20 are needed"
    batches = [rows(1, window_times(0, count))] if count else []
    with pytest.raises(InputError, match=said):
        build_baseline(batches, SPEC)


def test_a_segment_that_nobody_has_is_an_input_error() -> None:
    with pytest.raises(InputError, match="no record of the baseline has the segment 'store'"):
        build_baseline(history(), replace(SPEC, segments=("store",)))


def test_a_segment_without_a_frequent_value_is_an_input_error() -> None:
    """Its baseline could not be used: `check_baseline` would refuse it, at every start."""
    names = tuple(map(str, range(PER_WINDOW)))
    each = Texts(np.arange(PER_WINDOW, dtype=np.int32), names)
    batches = [replace(batch, segments={"region": each}) for batch in history()[:10]]
    with pytest.raises(InputError, match="no value of the segment 'region' has 20 records"):
        build_baseline(batches, SPEC)


def test_progress_never_goes_back_and_counts_both_passes() -> None:
    heard: list[tuple[int, int]] = []
    build_baseline(history(), SPEC, lambda done, total, /: heard.append((done, total)))
    done = [part for part, _ in heard]
    assert done == sorted(done)
    assert {total for _, total in heard} == {2 * WINDOWS * PER_WINDOW}
    assert WINDOWS * PER_WINDOW <= max(done) <= 2 * WINDOWS * PER_WINDOW


def test_useless_columns_do_not_disturb() -> None:
    """Constant, empty and broken columns are learned as what they are."""
    n = PER_WINDOW
    more: dict[str, Column] = {
        "constant": Numbers(np.full(n, 3.0)),
        "empty": Numbers(np.full(n, np.nan)),
        "infinite": Numbers(np.full(n, np.inf)),
        "word": Texts(np.zeros(n, np.int32), ("x",)),
    }
    kinds = {"constant": "numeric", "empty": "numeric", "infinite": "numeric"}
    columns = (
        *COLUMNS,
        *(ColumnSpec(name, kinds.get(name, "categorical")) for name in (*more, "absent")),  # type: ignore[arg-type]
    )
    batches = [rows(i, window_times(i, start=START), more=more) for i in range(WINDOWS)]
    baseline = build_baseline(batches, replace(SPEC, columns=columns))
    assert set(baseline.frame.columns) == {column.name for column in columns}


def test_columns_to_ignore_are_no_columns() -> None:
    columns = tuple(replace(column, kind="ignore") for column in COLUMNS[:1]) + COLUMNS[1:]
    baseline = build_baseline(history(), replace(SPEC, columns=columns))
    assert "amount" not in baseline.frame.columns
