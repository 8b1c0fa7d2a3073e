"""From configuration to specs: the configuration's words win, and what does not fit is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from monitor.app.models import (
    DAY,
    ArchiveResolver,
    build_engines,
    check_baseline,
    described,
    ledger_for,
    spec_of,
    windows_per_day,
)
from monitor.config.digest import decision_config
from monitor.errors import ConfigError
from monitor.model import PolicySpec, WindowSpec
from monitor.schema import ColumnSpec
from tests.monitor.drivers.setting import (
    COLUMNS,
    EVERY,
    LATENESS,
    MODEL,
    PER_WINDOW,
    config_text,
    learned,
    place,
)

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.config.watched import ModelConfig
    from tests.monitor.drivers.setting import Setting

MORE = """\
    policy: {min_effect: 0.2, recover_windows: 5}
    positive: "1"
    columns:
      amount: {unit: USD, range: [0, null], importance: 2}
      country: {kind: text}
"""


def model(folder: Path, **options: str) -> ModelConfig:
    return place(folder, config_text(**options)).models[0]  # type: ignore[arg-type]


def test_the_spec_says_what_the_configuration_says(tmp_path: Path) -> None:
    spec = spec_of(model(tmp_path, model=MORE), COLUMNS)
    assert (spec.name, spec.min_records, spec.segments) == (MODEL, 20, ("region",))
    assert (spec.window.every, spec.window.records, spec.window.lateness) == (EVERY, None, LATENESS)
    assert spec.policy == PolicySpec(0.2, 5)
    assert spec.positive == "1"
    columns = {column.name: column for column in spec.columns}
    assert columns["amount"] == ColumnSpec("amount", "numeric", "USD", (0, math.inf), 2)
    assert columns["country"].kind == "text"
    assert columns["age"] == COLUMNS[1]


def test_what_is_not_said_stays_as_learned() -> None:
    assert described(COLUMNS[0], {}) == COLUMNS[0]


def test_a_fitting_baseline_is_taken(tmp_path: Path) -> None:
    check_baseline(model(tmp_path), learned())
    check_baseline(model(tmp_path, segments="[]"), learned())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"window": "{every: 61s, lateness: 1s}"},
            "was cut into other windows than models[].window says",
        ),
        ({"window": "{records: 60}"}, "was cut into other windows than models[].window says"),
        ({"segments": "[region, store]"}, "knows no segments of store"),
    ],
)
def test_another_baseline_is_refused_with_what_to_do(
    tmp_path: Path, options: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        check_baseline(model(tmp_path, **options), learned())
    (problem,) = raised.value.problems
    expected = f"model 'shop': its baseline {said}; build it anew with: driftd baseline build shop"
    assert problem.startswith(expected)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    baseline = replace(learned(segments=()), model="other", window=WindowSpec(records=5))
    with pytest.raises(ConfigError) as raised:
        check_baseline(model(tmp_path), baseline)
    assert len(raised.value.problems) == 3
    assert "was learned for model 'other'" in str(raised.value)


def test_windows_per_day(tmp_path: Path) -> None:
    assert windows_per_day(model(tmp_path), learned()) == 24 * 60
    counted = model(tmp_path, window="{records: 50}")
    baseline = learned(every=None, records=50)
    days = (baseline.end - baseline.start) / DAY
    assert windows_per_day(counted, baseline) == pytest.approx(40 * PER_WINDOW / days / 50)


def test_the_ledger_spends_no_more_than_the_budget(tmp_path: Path) -> None:
    config = decision_config(place(tmp_path))
    ledger = ledger_for(config, {MODEL: learned()})
    assert list(ledger.streams) == ["shop/", "shop/region=north", "shop/region=south"]
    assert 0 < ledger.expected_false_alarms() <= config.budget.false_alarms


def test_engines_are_fresh_each_time(tmp_path: Path) -> None:
    config = decision_config(place(tmp_path))
    one, other = (build_engines(config, "digest", {MODEL: learned()}) for _ in range(2))
    assert list(one) == [MODEL]
    assert one[MODEL] is not other[MODEL]
    assert one[MODEL].baseline.id == learned().id


def test_the_resolver_finds_what_was_archived(shop: Setting) -> None:
    shop.step()
    configuration = shop.driver.engine.configuration
    resolver = ArchiveResolver(shop.archive.reader)
    assert list(resolver(configuration)) == [MODEL]
    assert resolver.baseline(learned().id) is resolver.baseline(learned().id)
