"""What the bench measures on the detectors' layer is what the daemon's engine decides."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from detectors.profile.profile import Profile
from monitor.drivers.learn import build_baseline
from monitor.engine.columns import Framer
from tests.bench.quality.ours import drifts
from tests.bench.quality.worlds import Seen
from tests.monitor.engine.streams import HOUR, SPEC, START, WINDOWS, baseline, journal_of, rows
from tests.monitor.engine.streams import started as started_engine

CHANGED_AT = 12


def test_the_engine_tells_what_the_bench_counts() -> None:
    learned = baseline()
    rng = np.random.default_rng(77)
    batches = [
        rows(WINDOWS + hour, rng, shift=0.4 if hour >= CHANGED_AT else 0.0) for hour in range(40)
    ]
    engine = started_engine(learned)
    journal = journal_of(learned, batches)[1:]
    made = [d for seq, entry in enumerate(journal, 2) for d in engine.step(seq, *entry)]
    whole = [json.loads(d.body) for d in made]
    by_engine = {
        finding["column"]: decision["window"]["index"]
        for decision in reversed(whole)
        if not decision["segment"]
        for finding in decision["findings"]
        if finding["kind"] == "drift"
    }

    part = learned.whole
    framer, frame = Framer(learned.frame), learned.frame
    profiles = []
    for batch in batches:
        profile = Profile(frame)
        profile.add(framer.block(batch))
        profiles.append(profile)
    hours = START + WINDOWS + np.arange(len(batches))
    x = part.season.design(hours * HOUR + HOUR // 2)
    y = np.stack([part.bank.measure(profile) for profile in profiles])
    size = np.array([profile.rows for profile in profiles])
    seen = Seen(y, x, size, hours, part.bank, 0, [])
    lines = np.full(part.calibration.columns, 1e4)
    told = drifts(part.calibration, seen, lines, min_effect=0.05)
    by_bench = {
        frame.columns[f]: int(hours[told[:, f].argmax()]) for f in np.flatnonzero(told.any(axis=0))
    }
    assert by_bench == {"price": START + WINDOWS + CHANGED_AT}
    assert by_engine == by_bench


def test_holidays_of_the_configuration_reach_the_season() -> None:
    days = (START // 24 + 1, START // 24 + 40)
    rng = np.random.default_rng(5)
    hours = [rows(hour, rng) for hour in range(WINDOWS)]
    season = build_baseline(hours, replace(SPEC, holidays=days)).whole.season
    assert season.holidays == days
    assert "holidays" in season.describe()
