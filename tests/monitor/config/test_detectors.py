"""What the configuration says of detectors reaches the engine, and mistakes are named by place."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from detectors.univariate.psi import PopulationStability
from monitor.app.models import detectors_of, unknown_columns
from monitor.config.watched import DetectorConfig, JudgedModel


def model(*detectors: dict[str, Any]) -> JudgedModel:
    return JudgedModel.model_validate_json(json.dumps({"name": "shop", "detectors": detectors}))


def said(detector: DetectorConfig) -> list[tuple[Any, str]]:
    return list(detector.rules())


def test_auto_leaves_the_choice_to_driftd() -> None:
    assert detectors_of(JudgedModel(name="shop")) is None


def test_parameters_columns_and_severity_reach_the_engine() -> None:
    (psi,) = (
        detectors_of(
            model(
                {
                    "name": "psi",
                    "params": {"threshold": 0.2},
                    "columns": ["price"],
                    "severity": "drift",
                },
                {"name": "moments"},
            )
        )
        or ()
    )
    assert psi.detector == PopulationStability(threshold=0.2)
    assert (psi.columns, psi.severity) == (("price",), "drift")


def test_a_detector_without_a_threshold_of_its_own_only_describes() -> None:
    ks, chi2 = (
        detectors_of(model({"name": "ks"}, {"name": "chi2", "params": {"alpha": 0.01}})) or ()
    )
    assert ks.severity == ""
    assert chi2.severity == "warning"


def test_severity_needs_a_threshold() -> None:
    detector = DetectorConfig.model_construct(name="psi", params={}, columns=None, severity="drift")
    assert said(detector) == [
        (
            ("severity",),
            "is for a statistic that alarms: give it a 'threshold' or an 'alpha' in params",
        )
    ]


@pytest.mark.parametrize("params", [{"threshold": -1}, {"alpha": 2}, {"bins": 3}])
def test_bad_parameters_are_refused(params: dict[str, Any]) -> None:
    detector = DetectorConfig.model_construct(
        name="psi", params=params, columns=None, severity="warning"
    )
    ((place, _),) = said(detector)
    assert place[0] == "params"


def test_columns_that_the_baseline_lacks_are_named_with_their_place() -> None:
    baseline: Any = SimpleNamespace(frame=SimpleNamespace(columns=("price",)), known=("price",))
    asked = model({"name": "ks"}, {"name": "psi", "columns": ["price", "size"]})
    assert unknown_columns(asked, baseline) == [
        "detectors[1].columns[1]: the baseline has no column 'size'"
    ]


def test_severities_are_few() -> None:
    with pytest.raises(ValidationError, match="severity"):
        DetectorConfig(name="psi", severity="loud")  # type: ignore[arg-type]
