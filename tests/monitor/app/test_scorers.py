"""Detectors of several columns are reachable from the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from detectors import registry
from detectors.multivariate.classifier import Classifier
from detectors.multivariate.mmd import MaximumMeanDiscrepancy
from detectors.multivariate.only import Only
from monitor.app.models import scorers_of, spec_of
from monitor.drivers.learn import build_baseline
from monitor.errors import ConfigError
from tests.monitor.drivers.setting import COLUMNS, config_text, history, place

if TYPE_CHECKING:
    from pathlib import Path

NAMED = """\
    detectors:
      - {name: mmd, params: {features: 64}}
      - {name: classifier, params: {model: linear}, columns: [amount, country]}
      - {name: ks}
"""


def test_named_detectors_take_their_parameters_and_columns(tmp_path: Path) -> None:
    model = place(tmp_path, config_text(model=NAMED)).models[0]
    assert scorers_of(model) == (
        MaximumMeanDiscrepancy(features=64),
        Only(Classifier(model="linear"), ("amount", "country")),
    )


@pytest.mark.parametrize("name", sorted(registry.FAMILIES[registry.MULTIVARIATE]))
def test_every_one_of_them_can_be_learned_with(tmp_path: Path, name: str) -> None:
    text = config_text(model=f"    detectors: [{{name: {name}}}]\n", segments="[]")
    spec = spec_of(place(tmp_path, text).models[0], COLUMNS)
    learned = build_baseline(history(), spec)
    assert len(learned.scorers) == 1
    panel = learned.whole.panel
    assert (panel is None) == (name == "embedding")  # the shop logs no vectors


def test_wrong_parameters_are_refused_where_they_are_written(tmp_path: Path) -> None:
    text = config_text(model="    detectors: [{name: mmd, params: {features: 7}}]\n")
    with pytest.raises(ConfigError, match="features must be even and positive, got 7"):
        place(tmp_path, text)


def test_an_encoder_that_is_not_installed_is_refused(tmp_path: Path) -> None:
    text = config_text(model="    columns: {note: {kind: text, encoder: mine}}\n")
    with pytest.raises(ConfigError, match="'mine' is not installed; installed: none"):
        place(tmp_path, text)
