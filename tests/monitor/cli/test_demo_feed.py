"""The demo's traffic is what a model service would log: every flight once, every truth once."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from monitor.cli.demo_data import MODEL, NEVER, FlightLog, load
from monitor.cli.demo_feed import BATCH, known_between, labels, records
from monitor.columnar import values_of
from monitor.decoders.native import NativeLines

LATER = 2**60


@pytest.fixture(scope="module")
def log() -> FlightLog:
    """A few batches of the year's first flights."""
    return load().slice(0, 2 * BATCH + 17)


def test_records_decode_to_the_flights(log: FlightLog) -> None:
    decoded = [NativeLines().decode(payload, LATER) for payload in records(log)]
    assert [one.received for one in decoded] == [BATCH, BATCH, 17]
    assert not any(one.problems for one in decoded)
    batches = [batch for one in decoded for batch in one.records]
    assert {batch.model for batch in batches} == {MODEL}
    assert [name for batch in batches for name in batch.ids] == log.ids.tolist()
    times = np.concatenate([batch.times for batch in batches])
    np.testing.assert_array_equal(times, log.times)
    distances = [v for batch in batches for v in values_of(batch.columns["distance"])]
    assert distances == values_of(log.features["distance"])


def test_every_known_truth_comes_once_when_it_is_known(log: FlightLog) -> None:
    months = np.linspace(log.times[0] - 1, int(log.label_times[log.label_times < NEVER].max()), 7)
    cuts = months.astype(np.int64).tolist()
    parts = [known_between(log, low, high) for low, high in pairwise(cuts)]
    rows = np.concatenate(parts)
    assert len(set(rows.tolist())) == len(rows) == int((log.label_times < NEVER).sum())
    for part, high in zip(parts, cuts[1:], strict=True):
        assert (log.label_times[part] <= high).all()
        assert (np.diff(log.label_times[part]) >= 0).all()


def test_labels_decode_to_the_truths(log: FlightLog) -> None:
    rows = known_between(log, 0, NEVER)
    decoded = [NativeLines().decode(payload, LATER) for payload in labels(log, rows)]
    assert not any(one.problems or one.records for one in decoded)
    found = [batch for one in decoded for batch in one.labels]
    assert [name for batch in found for name in batch.ids] == log.ids[rows].tolist()
    truths = np.array(values_of(log.labels), dtype=object)[rows]
    assert [truth for batch in found for truth in values_of(batch.labels)] == truths.tolist()
