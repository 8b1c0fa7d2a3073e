"""Online detectors from the configuration: what they read, and what the budget makes of them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from monitor.app.models import build_engines, check_baseline, ledger_for
from monitor.app.online import PART, columns_of, online_of, part_of, problems_of
from monitor.clock import MICROS
from monitor.config.digest import decision_config
from monitor.errors import ConfigError
from tests.monitor.drivers.setting import MODEL, config_text, learned, place
from tests.monitor.engine.labelled_streams import baseline as labelled_baseline

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.config.model import Config
    from monitor.model import OnlineSpec

labelled = cache(labelled_baseline)
AUTO = "{name: moments}, {name: correlation}"


def config(folder: Path, *detectors: str) -> Config:
    listed = ", ".join((AUTO, *detectors))
    return place(folder, config_text(model=f"    detectors: [{listed}]\n"))


def specs(folder: Path, *detectors: str) -> tuple[OnlineSpec, ...]:
    decided = decision_config(config(folder, *detectors))
    return online_of(decided, {MODEL: learned()})[MODEL]


def test_auto_has_none(tmp_path: Path) -> None:
    decided = decision_config(place(tmp_path, config_text()))
    assert online_of(decided, {MODEL: learned()}) == {MODEL: ()}
    assert part_of(decided.models) == 0


def test_what_is_configured_is_taken(tmp_path: Path) -> None:
    one = "{name: adwin, params: {delta: 0.1}, columns: [age], severity: drift}"
    (spec,) = specs(tmp_path, one)
    assert (spec.name, spec.columns, spec.severity) == ("adwin", ("age",), "drift")
    assert spec.detector.delta == 0.1
    assert spec.derivation == ""


def test_charts_read_all_numbers_unless_told(tmp_path: Path) -> None:
    (spec,) = specs(tmp_path, "{name: cusum}")
    assert spec.columns == learned().frame.numeric.names


def test_a_run_length_is_derived_from_the_budget(tmp_path: Path) -> None:
    baseline = learned()
    charts = specs(tmp_path, "{name: cusum}", "{name: ewma, columns: [age]}")
    records = baseline.rows / ((baseline.end - baseline.start) / (86_400 * MICROS)) * 30
    streams = len(baseline.frame.numeric.names) + 1
    for chart in charts:
        assert chart.detector.run_length == pytest.approx(records * streams / PART)
        assert chart.derivation == "; derived from the budget"
    assert part_of(config(tmp_path, "{name: cusum}").models) == PART


@pytest.mark.parametrize("said", ["run_length: 5000", "threshold: 5"])
def test_a_given_one_leaves_the_budget_alone(tmp_path: Path, said: str) -> None:
    (spec,) = specs(tmp_path, f"{{name: cusum, params: {{{said}}}}}")
    assert spec.derivation == ""
    assert part_of(config(tmp_path, f"{{name: cusum, params: {{{said}}}}}").models) == 0


def test_the_rest_of_the_budget_is_divided_among_everything_else(tmp_path: Path) -> None:
    baselines = {MODEL: learned()}
    whole = ledger_for(decision_config(config(tmp_path)), baselines)
    less = ledger_for(decision_config(config(tmp_path, "{name: cusum}")), baselines)
    assert less.budget.false_alarms == pytest.approx((1 - PART) * whole.budget.false_alarms)


def test_the_engine_has_them(tmp_path: Path) -> None:
    decided = decision_config(config(tmp_path, "{name: cusum}", "{name: adwin, columns: [age]}"))
    engine = build_engines(decided, "digest", {MODEL: learned()})[MODEL]
    assert [spec.name for spec in engine.spec.online] == ["cusum", "adwin"]


@pytest.mark.parametrize(
    ("detector", "said"),
    [
        ("{name: adwin, columns: [country]}", "'adwin' cannot read 'country': it is not numeric"),
        ("{name: adwin, columns: [nobody]}", "'nobody': the baseline has no such column"),
        ("{name: cusum, columns: [error]}", "'error': the baseline has no labels"),
        ("{name: cusum, columns: [label]}", "'label': the baseline has no labels"),
        ("{name: ddm}", "'ddm' has nothing to read; name its columns"),
        ("{name: ddm, columns: [age]}", "'ddm' cannot read 'age': it takes 0 and 1 only"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, detector: str, said: str) -> None:
    model = config(tmp_path, detector).models[0]
    assert any(said in problem for problem in problems_of(model, learned()))
    with pytest.raises(ConfigError, match=said.replace("(", r"\(")):
        check_baseline(model, learned())


def test_others_than_online_detectors_have_no_severity(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is for detectors without a budget; moments has one"):
        config(tmp_path, "{name: moments, severity: drift}")


def test_scores_are_read_by_default(tmp_path: Path) -> None:
    model = config(tmp_path, "{name: adwin, columns: [age]}", "{name: adwin}").models[0]
    chosen, default = [d for d in model.detectors if d.name == "adwin"]
    assert columns_of(chosen, learned()) == ("age",)
    names = learned().frame.numeric.names
    assert columns_of(default, learned()) == tuple(n for n in names if n.startswith("score"))


def test_score_is_every_score(tmp_path: Path) -> None:
    (detector,) = (
        config(tmp_path, "{name: adwin, columns: [income, score]}").models[0].detectors[-1:]
    )
    assert columns_of(detector, labelled()) == ("income", "score.1")


def test_errors_are_read_where_the_baseline_has_labels(tmp_path: Path) -> None:
    named = ("{name: ddm}", "{name: adwin}", "{name: cusum}", "{name: eddm, columns: [label]}")
    model = config(tmp_path, *named).models[0]
    read = {one.name: columns_of(one, labelled()) for one in model.detectors[-4:]}
    assert read == {
        "ddm": ("error",),
        "adwin": ("score.1", "error"),
        "cusum": ("income", "score.1", "error"),
        "eddm": ("label",),
    }
    assert list(problems_of(model, labelled())) == []
