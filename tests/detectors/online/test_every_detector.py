"""Laws that hold for every online detector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from detectors import registry
from detectors.errors import InputError, ParameterError, StateError
from detectors.result import GuaranteeKind
from monitor.packing import pack, unpack
from tests.detectors.online.cases import BINARY, NAMES, SLOW, changing, gaussian, reference_for

if TYPE_CHECKING:
    from detectors.online.alarms import Alarms
    from detectors.protocols import RunningOnline

LENGTH = {"kswin": 400}


def fitted(name: str, columns: int = 3) -> RunningOnline:
    detector: RunningOnline = registry.load(name, [])().fit(reference_for(name, columns))
    return detector


def rows_for(name: str, columns: int = 3, seed: int = 1) -> np.ndarray:
    return changing(name, LENGTH.get(name, 3_000), columns, seed)


def pairs(alarms: Alarms, offset: int = 0) -> list[tuple[int, int]]:
    return list(zip((alarms.rows + offset).tolist(), alarms.columns.tolist(), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_finds_a_large_change_in_every_column(name: str) -> None:
    alarms = fitted(name).update(rows_for(name))
    assert set(alarms.columns.tolist()) == {0, 1, 2}
    assert (np.diff(alarms.rows) >= 0).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cuts", [[1, 2, 50], [137], [0, 200, 200, 399]])
def test_splitting_a_batch_changes_nothing(name: str, cuts: list[int]) -> None:
    values = rows_for(name)
    whole, split = fitted(name), fitted(name)
    expected = pairs(whole.update(values))
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(values)], strict=True):
        found += pairs(split.update(values[start:end]), start)
    assert found == expected
    assert pack(split.state()) == pack(whole.state())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("at", [0, 40, 190, 333])
def test_a_restored_detector_has_the_same_future(name: str, at: int) -> None:
    values = rows_for(name, seed=2)
    first = fitted(name)
    first.update(values[:at])
    state = unpack(pack(first.state()))
    second = fitted(name)
    second.restore(state)
    assert pairs(second.update(values[at:])) == pairs(first.update(values[at:]))
    assert pack(second.state()) == pack(first.state())


@pytest.mark.parametrize("name", NAMES)
def test_a_fresh_one_has_seen_nothing_and_shares_nothing(name: str) -> None:
    values = rows_for(name)
    used = fitted(name)
    expected = pairs(used.update(values))
    after = pack(used.state())
    fresh = used.fresh()
    assert pairs(fresh.update(values)) == expected
    assert pack(used.state()) == after


@pytest.mark.parametrize("name", NAMES)
def test_columns_do_not_know_each_other(name: str) -> None:
    values = rows_for(name)
    together = fitted(name).update(values)
    for column in range(3):
        alone = fitted(name, 1).update(values[:, column])
        assert alone.rows.tolist() == together.rows[together.columns == column].tolist()


@pytest.mark.parametrize("name", NAMES)
def test_no_value_raises_or_warns(name: str) -> None:
    odd = np.array([np.nan, np.inf, -np.inf, 1e308, -1e308, 0.0, -0.0, 5e-324, 0.5, 7.0])
    detector = fitted(name, 1)
    detector.update(np.tile(odd, 30))
    detector.update(np.empty(0))
    assert len(fitted(name).update(np.full((200, 3), np.nan))) == 0


@pytest.mark.parametrize("name", NAMES)
def test_missing_values_are_as_if_they_had_not_come(name: str) -> None:
    values = rows_for(name, 1)[:, 0]
    known = np.flatnonzero(~np.isnan(values))
    dense = fitted(name, 1).update(values[known])
    assert known[dense.rows].tolist() == fitted(name, 1).update(values).rows.tolist()


@pytest.mark.parametrize("name", NAMES)
def test_a_state_of_something_else_is_refused(name: str) -> None:
    other = "adwin" if name != "adwin" else "cusum"
    with pytest.raises(StateError, match=f"is of detector '{other}', not of '{name}'"):
        fitted(name).restore(fitted(other).state())
    with pytest.raises(StateError, match="is of columns"):
        fitted(name, 2).restore(fitted(name, 3).state())


@pytest.mark.parametrize("name", NAMES)
def test_rows_of_another_width_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"shape \(n, 3\)"):
        fitted(name).update(np.zeros((5, 2)))


@pytest.mark.parametrize("name", NAMES)
def test_the_run_length_is_stated(name: str) -> None:
    promise = fitted(name, 1).guarantee(0)
    assert promise.kind is GuaranteeKind.RUN_LENGTH
    assert promise.level is not None
    assert promise.level > 300
    assert "records, if they are independent" in promise.text


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(BINARY) - set(SLOW)))
def test_a_column_of_zeros_and_ones_will_do(name: str) -> None:
    reference = reference_for("ddm")
    values = changing("ddm", 3_000, 1, 3)
    assert len(registry.load(name, [])().fit(reference).update(values))


@pytest.mark.parametrize("name", BINARY)
def test_what_needs_zeros_and_ones_says_so(name: str) -> None:
    with pytest.raises(ParameterError, match=f"{name} takes 0 and 1 only; not so: x0"):
        registry.load(name, [])().fit(gaussian())


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("cusum", {"allowance": 0.0}, r"allowance must be in \(0, 5\], got 0"),
        ("cusum", {"threshold": -1.0}, r"threshold must be in \(0, 200\], got -1"),
        ("cusum", {"run_length": 1.0}, r"run_length must be in \[10, 1e\+12\] records, got 1"),
        ("ewma", {"weight": 1.5}, r"weight must be in \(0, 1\], got 1.5"),
        ("ewma", {"width": 0.0}, r"width must be in \(0, 200\], got 0"),
        ("adwin", {"delta": 1.0}, r"delta must be in \(0, 1\), got 1"),
        ("adwin", {"clock": 0}, "clock must be at least 1, got 0"),
        ("adwin", {"grace_period": -1}, "grace_period must not be negative, got -1"),
        ("page_hinkley", {"mode": "sideways"}, "mode must be one of up, down, both"),
        ("page_hinkley", {"threshold": 0.0}, "threshold must be positive"),
        ("page_hinkley", {"alpha": 0.0}, r"alpha must be in \(0, 1\]"),
        ("page_hinkley", {"delta": -1.0}, "delta must not be negative"),
        ("page_hinkley", {"min_instances": 0}, "min_instances must be at least 1"),
        ("ddm", {"warm_start": 0}, "warm_start must be at least 1"),
        ("ddm", {"drift_threshold": 1.0}, r"warning_threshold must be in \(0, drift_threshold\]"),
        ("eddm", {"warm_start": 0}, "warm_start must be at least 1"),
        ("eddm", {"beta": 0.99}, r"beta must be in \(0, alpha\]"),
        ("hddm_a", {"drift_confidence": 0.0}, r"drift_confidence must be in \(0, warn"),
        ("hddm_w", {"lambda_val": 1.0}, r"lambda_val must be in \(0, 1\), got 1"),
        ("kswin", {"alpha": 0.0}, r"alpha must be in \(0, 1\), got 0"),
        ("kswin", {"stat_size": 60}, "at most half of window_size, got 60 and 100"),
    ],
)
def test_parameters_out_of_their_domain(name: str, params: dict, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        registry.load(name, [])(**params)
