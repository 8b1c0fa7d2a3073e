"""The digest changes with what decides, and with nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor.config.digest import (
    canonical_decision_config,
    decision_config,
    decision_digest,
    read_decision_config,
)
from monitor.config.load import parse_config
from monitor.errors import StorageError

if TYPE_CHECKING:
    from monitor.config.model import Config

BASE = {
    "models": [
        {"name": "flights", "baseline": "a.parquet", "columns": {"x": {"unit": "minutes"}}},
        {"name": "loans", "baseline": "b.parquet", "window": {"records": 500}},
    ]
}


def digest(tree: dict[str, object], base: str = "/etc") -> str:
    return decision_digest(config_of(tree, base))


def config_of(tree: dict[str, object], base: str = "/etc") -> Config:
    data = json.dumps(tree).encode()
    return parse_config(data, name="x", base=Path(base), environ={})


def changed(**model: object) -> dict[str, object]:
    first, second = BASE["models"]
    return {"models": [{**first, **model}, second]}


@pytest.mark.parametrize(
    "tree",
    [
        {**BASE, "server": {"port": 1}},
        {**BASE, "archive": {"retention_days": 3}},
        {**BASE, "limits": {"depth": 2}},
        {**BASE, "sources": [{"type": "files", "path": "a.ndjson"}]},
        {"models": BASE["models"][::-1]},
        changed(baseline="elsewhere.parquet"),
        changed(sampling={"rate": 0.5}),
        changed(window={"every": "24h", "lateness": "600s", "idle": "1h"}),
        changed(policy={"for_windows": 4}),
        changed(min_records=200),
    ],
)
def test_what_decides_nothing_leaves_it(tree: dict[str, object]) -> None:
    assert digest(tree, "/srv") == digest(BASE)


@pytest.mark.parametrize(
    "tree",
    [
        {**BASE, "budget": {"false_alarms": 2}},
        changed(name="other"),
        changed(window={"every": "1h"}),
        changed(min_records=201),
        changed(policy={"min_effect": 0.1}),
        changed(policy={"recover_windows": 4}),
        changed(segments=["origin"]),
        changed(columns={"x": {"unit": "hours"}}),
        changed(detectors=[{"name": "ks"}]),
        changed(positive="1"),
    ],
)
def test_what_decides_changes_it(tree: dict[str, object]) -> None:
    assert digest(tree) != digest(BASE)


def test_digest_is_the_same_on_every_machine() -> None:
    """Archived decisions are named by it; a change here breaks replay of old archives."""
    small = {"models": [{"name": "flights", "baseline": "a.parquet"}]}
    assert canonical_decision_config(config_of(small)) == (
        b'{"baselines":{},"budget":{"false_alarms":1.0,"per_days":30.0},"format":1,"models":['
        b'{"columns":{},"detectors":"auto","fairness":{"groups":[],"metrics":[],"min_rows":100},'
        b'"holidays":[],"label_horizon":"14d","min_records":200,"name":"flights","performance":'
        b'{"cost_matrix":[],"importance_weighting":false,"matured":0.95,"max_waiting":200000,'
        b'"metrics":[],"min_effect":0.02,"objective":null,"quantile":0.5,"tolerance":null},'
        b'"policy":{"min_effect":0.05,"recover_windows":3},"positive":null,"quality":{},'
        b'"segments":[],"task":"none","window":{"every":"1d","lateness":"10m","records":null}}]}'
    )


def test_canonical_bytes_are_read_back() -> None:
    config = config_of(changed(columns={"x": {"range": [None, 3], "importance": 0.4}}))
    again = read_decision_config(canonical_decision_config(config))
    assert again == decision_config(config)
    assert again.models[0].columns["x"].range == (None, 3.0)


@pytest.mark.parametrize("data", [b"", b"{}", b'{"format":2,"budget":{},"models":[]}'])
def test_damaged_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(StorageError, match="an archived configuration cannot be read"):
        read_decision_config(data)
