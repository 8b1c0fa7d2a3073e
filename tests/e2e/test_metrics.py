"""`/metrics`, the probes and the pages of the running daemon, as their readers see them."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests import shop
from tests.daemon import Daemon, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

PROMTOOL = shutil.which("promtool")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, shop_baseline: bytes) -> Iterator[Daemon]:
    """A daemon that has seen four windows, the last of them drifted, and a bad line."""
    with shop.place(tmp_path_factory.mktemp("metrics"), shop_baseline) as running:
        running.start()
        per = shop.PER_WINDOW
        running.send(shop.lines(shop.stream(0, 2 * per)) + b"{\n")
        running.send(shop.lines(shop.stream(2 * per, 2 * per, shift=3.0)))
        running.send(shop.lines(shop.label(n, shop.LIVE) for n in range(5)))
        eventually(running.caught_up, "the engine has caught up")
        yield running


@pytest.fixture(scope="module")
def families(daemon: Daemon) -> dict[str, Metric]:
    text = daemon.ask("GET", "/metrics").text
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(families: dict[str, Metric], family: str, **labels: str) -> float:
    """The one sample of a family that has these labels."""
    (found,) = [
        sample.value
        for sample in families[family].samples
        if labels.items() <= sample.labels.items() and not sample.name.endswith("_created")
    ]
    return found


def test_counters_agree_with_what_was_sent(families: dict[str, Metric]) -> None:
    sent = 4 * shop.PER_WINDOW
    accepted = value(families, "driftd_records", model="shop", source="http", outcome="accepted")
    assert accepted == sent + 5
    assert value(families, "driftd_records", model="", outcome="rejected") == 1
    assert value(families, "driftd_labels", model="shop", outcome="accepted") == 5
    assert value(families, "driftd_engine_lag_records") == 0


def test_the_drift_is_on_the_column(families: dict[str, Metric]) -> None:
    whole = {"model": "shop", "segment": ""}
    assert value(families, "driftd_drift_status", column="amount", **whole) == 2
    assert value(families, "driftd_drift_status", column="age", **whole) == 0
    assert value(families, "driftd_evidence_log10", column="amount", **whole) > value(
        families, "driftd_evidence_alarm_log10", column="amount", **whole
    )
    assert value(families, "driftd_drift_effect", column="amount", detector="ks", **whole) > 0.5


def test_the_public_names_are_there(families: dict[str, Metric]) -> None:
    public = (
        "drift_statistic drift_threshold missing_ratio invalid_ratio unseen_ratio window_records "
        "last_record_timestamp_seconds watermark_timestamp_seconds decisions alerts "
        "config_last_reload_successful evaluation_duration_seconds build_info"
    )
    assert {"driftd_" + name for name in public.split()} <= families.keys()


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_promtool_has_nothing_to_say(daemon: Daemon) -> None:
    text = daemon.ask("GET", "/metrics").body
    checked = subprocess.run(
        [str(PROMTOOL), "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_probes_and_pages_answer(daemon: Daemon) -> None:
    for path in ("/livez", "/readyz", "/healthz"):
        assert daemon.ask("GET", path).status == 200
    newest = daemon.get("/v1/decisions?limit=1")["items"][0]["decision_id"]
    for path in ("/", "/models/shop", f"/decisions/{newest}"):
        page = daemon.ask("GET", path)
        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "shop" in page.text
        assert "script-src 'self'" in page.headers["content-security-policy"]
    assert daemon.ask("GET", "/models/nobody").status == 404


def test_the_api_agrees_with_itself(daemon: Daemon) -> None:
    model = daemon.get("/v1/models/shop")
    assert model["model"]["verdict"] == "drift"
    windows = daemon.get("/v1/models/shop/windows")
    made = [one for one in daemon.decisions() if not one["segment"]]
    assert [one["decision_id"] for one in windows] == [one["decision_id"] for one in made]
    evidence = daemon.get(f"/v1/decisions/{made[-1]['decision_id']}/evidence")
    assert evidence
    paths = daemon.get("/openapi.json")["paths"]
    assert "/v1/records" in paths
    status = daemon.get("/v1/status")
    assert status["windows_judged"] == len(daemon.decisions())
    assert status["budget"]
