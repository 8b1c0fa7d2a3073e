"""Whatever is configured, the lines add up to at most the budget."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.errors import InputError, ParameterError
from detectors.result import Guarantee, GuaranteeKind
from detectors.sequential.budget import Budget, Ledger, Share, Stream
from detectors.sequential.calibration import History, estimate
from detectors.sequential.delay import delay_sentence, expected_delay
from tests.calibration.streams import plain_bank

positive = st.floats(0.01, 1000.0)


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    quality, volume, columns, performance = (draw(st.floats(0.01, 0.24)) for _ in range(4))
    budget = Budget(
        draw(positive),
        draw(positive),
        columns=columns,
        quality=quality,
        volume=volume,
        performance=performance,
        multivariate=1 - quality - volume - performance - columns,
    )
    weights = st.lists(st.floats(0.01, 100.0), min_size=1, max_size=8).map(np.array)
    panels = st.dictionaries(st.sampled_from([Share.PERFORMANCE, Share.MULTIVARIATE]), weights)
    streams = [
        Stream(f"stream {k}", draw(positive), draw(weights), draw(positive), draw(panels))
        for k in range(draw(st.integers(1, 5)))
    ]
    return Ledger(budget, streams)


@settings(max_examples=200, deadline=None)
@given(ledgers())
def test_false_alarms_add_up_to_at_most_the_budget(ledger: Ledger) -> None:
    total = sum(ledger.windows(key) / line for key in ledger.streams for line in ledger.lines(key))
    assert total <= ledger.budget.share(Share.COLUMNS, ledger.used) * (1 + 1e-9)
    assert ledger.expected_false_alarms() <= ledger.budget.false_alarms * (1 + 1e-9)


def test_lines_of_one_stream() -> None:
    """720 hourly windows, 60 columns, .6 of .8 alarms: 720 * 60 / .75."""
    ledger = Ledger(Budget(), [Stream("m", 24.0, np.ones(60))])
    assert ledger.lines("m") == pytest.approx(np.full(60, 57_600.0))
    assert ledger.alphas("m", Share.QUALITY) == pytest.approx(np.full(60, 0.1875 / 720 / 60))
    assert ledger.alphas("m", Share.VOLUME).sum() == pytest.approx(0.0625 / 720)
    assert ledger.shares() == pytest.approx({"columns": 0.75, "quality": 0.1875, "volume": 0.0625})
    assert ledger.sentence("m") == (
        "line 10^4.8 per column: 1 false alarm per 30 days over 1 stream with 60 columns"
    )


def test_what_nothing_watches_is_divided_among_the_others() -> None:
    panels = {Share.MULTIVARIATE: np.ones(2)}
    watched = Ledger(Budget(), [Stream("m", 24.0, np.ones(60), panels=panels)])
    assert len(watched.lines("m", Share.PERFORMANCE)) == 0
    assert watched.lines("m", Share.MULTIVARIATE) == pytest.approx(
        np.full(2, 720 * 2 / 0.05 * 0.85)
    )
    assert sum(watched.shares().values()) == pytest.approx(1.0)


def test_important_columns_have_lower_lines() -> None:
    ledger = Ledger(Budget(), [Stream("m", 1.0, np.array([3.0, 1.0]))])
    low, high = ledger.lines("m")
    assert high == pytest.approx(3 * low)
    assert " to " in ledger.sentence("m")


def test_streams_share_by_columns_and_importance() -> None:
    whole = Stream("whole", 1.0, np.ones(4))
    segment = Stream("segment", 1.0, np.ones(4), importance=0.25)
    ledger = Ledger(Budget(), [whole, segment])
    assert ledger.lines("segment")[0] == pytest.approx(4 * ledger.lines("whole")[0])


def test_bad_budgets_are_refused() -> None:
    with pytest.raises(ParameterError, match="false_alarms must be positive, got 0"):
        Budget(0)
    with pytest.raises(ParameterError, match=r"shares must sum to 1, got 1\.4"):
        Budget(columns=1.0)
    with pytest.raises(ParameterError, match="weights"):
        Stream("m", 1.0, np.empty(0))
    with pytest.raises(ParameterError, match="rate"):
        Stream("m", 0.0, np.ones(1))
    with pytest.raises(ParameterError, match="unique"):
        Ledger(Budget(), [Stream("m", 1.0, np.ones(1))] * 2)
    with pytest.raises(InputError, match="no stream 'n'"):
        Ledger(Budget(), [Stream("m", 1.0, np.ones(1))]).lines("n")


def test_smaller_shifts_take_longer() -> None:
    y = np.random.default_rng(0).standard_normal((336, 3))
    none = Guarantee(GuaranteeKind.NONE, None, "test")
    calibration = estimate(History.of(y, np.ones((336, 1))), plain_bank([0, 1, 2]), none)
    line = 720 * 60.0
    delays = [
        expected_delay(calibration, line, series=0, shift=shift, rows=1000.0)
        for shift in (0.5, 0.25, 0.1, 0.05, 0.001)
    ]
    assert delays[0] == delays[1] == 1
    assert delays[2] == pytest.approx(4, abs=1)
    assert delays[3] == pytest.approx(13, abs=4)
    assert delays[4] is None
    text = delay_sentence("location", 0.1, 4)
    assert text == "a shift of 0.1 sd in the location of one column is found in about 4 windows"
    assert "too small" in delay_sentence("location", 0.001, None)
    with pytest.raises(InputError, match="series"):
        expected_delay(calibration, line, series=3, shift=0.1, rows=1000.0)
