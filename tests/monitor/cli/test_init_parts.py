"""The parts of `driftd init`: windows, tasks, YAML that reads back as itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.cli.init_log import name_of
from monitor.cli.init_text import flow, scalar, task_of
from monitor.cli.init_window import choose
from monitor.clock import MICROS
from monitor.config.document import parse
from monitor.config.environment import References
from monitor.schema import ColumnSpec, Guess, Kind

HOUR = 3_600 * MICROS


def spread(rows: int, hours: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.linspace(0, hours * HOUR - 1, rows).astype(np.int64)


@pytest.mark.parametrize(
    ("rows", "hours", "text"),
    [
        (50_000, 24 * 60, "{every: 1d, lateness: 10m}"),
        (50_000, 24 * 8, "{every: 6h, lateness: 10m}"),
        (50_000, 36, "{every: 1h, lateness: 10m}"),
        (50_000, 3, "{every: 5m, lateness: 5m}"),
        (50_000, 24 * 365, "{every: 7d, lateness: 10m}"),
        (50_000, 0.1, "{records: 1600}"),
        (5_000, 24 * 60, "{records: 160}"),
        (300, 24 * 60, "{records: 50}"),
    ],
)
def test_windows_have_enough_records_and_there_are_enough(
    rows: int, hours: float, text: str
) -> None:
    assert choose(spread(rows, hours), timed=True).text == text


def test_without_times_windows_count() -> None:
    choice = choose(np.zeros(400_000, dtype=np.int64), timed=False)
    assert choice.text == "{records: 10000}"
    assert choice.why.startswith("the records state no times")


def test_small_windows_lower_what_is_enough() -> None:
    assert choose(spread(3_000, 5), timed=False).min_records == 100


def guesses(**kinds: Kind) -> list[Guess]:
    return [Guess(ColumnSpec(name.replace("_", "."), kind), "", "") for name, kind in kinds.items()]


@pytest.mark.parametrize(
    ("kinds", "classes", "task", "positive"),
    [
        ({"x": "numeric"}, (), "none", None),
        ({"prediction": "numeric"}, (), "regression", None),
        ({"prediction": "boolean"}, ("0", "1"), "binary", "1"),
        ({"prediction": "boolean"}, ("false", "true"), "binary", "true"),
        ({"prediction": "categorical"}, ("bad", "good"), "binary", "good"),
        ({"prediction": "categorical"}, ("a", "b", "c"), "multiclass", None),
        ({"prediction": "categorical", "score_a": "numeric"}, ("b",), "binary", "b"),
    ],
)
def test_tasks(
    kinds: dict[str, Kind], classes: tuple[str, ...], task: str, positive: str | None
) -> None:
    found = task_of(guesses(**kinds), classes)
    assert (found.name, found.positive) == (task, positive)


@pytest.mark.parametrize(
    ("path", "name"), [("a/flights 2013.csv", "flights-2013"), ("é.csv", "model"), ("--x.csv", "x")]
)
def test_names_of_models(path: str, name: str) -> None:
    assert name_of(Path(path)) == name


VALUES = st.one_of(st.none(), st.booleans(), st.integers(-99, 99), st.text(max_size=30))
NAMES = st.text(min_size=1, max_size=30)


def read(text: str) -> Any:
    document = parse(text, "x", References({}))
    assert not document.troubles
    return document.tree


@given(VALUES)
def test_every_value_reads_back_as_itself(value: Any) -> None:
    assert read(f"key: {scalar(value)}") == {"key": value}


@given(st.dictionaries(NAMES, VALUES | st.lists(VALUES, max_size=3), min_size=1, max_size=4))
def test_every_mapping_reads_back_as_itself(values: dict[str, Any]) -> None:
    assert read(f"key: {flow(values)}") == {"key": values}
