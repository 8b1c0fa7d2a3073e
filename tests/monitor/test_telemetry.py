"""What a scraper sees, read back with the client library's own parsers."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from monitor.snapshot import (
    ChannelState,
    ColumnState,
    DurationHistogram,
    Measurement,
    ModelState,
    Snapshot,
)
from monitor.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Mapping

OPENMETRICS = "application/openmetrics-text; version=1.0.0"

DELAY = ColumnState(
    "flights",
    "",
    "dep_delay",
    2,
    evidence_log10=9.4,
    alarm_log10=5.2,
    missing_ratio=0.05,
    invalid_ratio=0.0,
    measurements=(Measurement("ks", 0.2, 0.08, 0.2), Measurement("psi", 0.7, 0.2)),
)
FLIGHTS = ModelState(
    "flights",
    labels={"matched": 3},
    decisions={"drift": 18, "stable": 40},
    alerts={("critical", "firing"): 1},
    window_records=950,
    last_record=1_372_550_400_500_000,
    watermark=1_372_550_400_000_000,
)
FULL = Snapshot(
    build={"version": "0.1.0", "sqlite": "3.40.1"},
    records={("flights", "http", "accepted"): 336_701, ("", "http", "rejected"): 2},
    models=(FLIGHTS,),
    columns=(DELAY,),
    channels=(ChannelState("ops", 2, 1_372_550_400_000_000, {"delivered": 5}),),
    engine_lag_records=12,
    config_reload_time=1_372_550_400_000_000,
    budget_expected_ratio=0.9,
    evaluation=DurationHistogram(((0.001, 3), (0.01, 9)), 10, 0.2),
)


def scrape(snapshot: Snapshot, **bounds: int) -> str:
    body, kind = Telemetry(lambda: snapshot, **bounds).render("")
    assert kind.startswith("text/plain")
    return body.decode()


def samples(text: str) -> Mapping[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float | None:
    return samples(text).get((name, tuple(sorted(labels.items()))))


def test_column_values_have_the_public_names_and_labels() -> None:
    text = scrape(FULL)
    place = {"model": "flights", "segment": "", "column": "dep_delay"}
    assert value(text, "driftd_drift_status", **place) == 2
    assert value(text, "driftd_evidence_log10", **place) == 9.4
    assert value(text, "driftd_evidence_alarm_log10", **place) == 5.2
    assert value(text, "driftd_drift_statistic", **place, detector="ks") == 0.2
    assert value(text, "driftd_drift_threshold", **place, detector="psi") == 0.2
    assert value(text, "driftd_drift_effect", **place, detector="ks") == 0.2
    assert value(text, "driftd_missing_ratio", model="flights", column="dep_delay") == 0.05


def test_an_unknown_value_has_no_sample() -> None:
    text = scrape(FULL)
    place = {"model": "flights", "segment": "", "column": "dep_delay"}
    assert value(text, "driftd_drift_effect", **place, detector="psi") is None
    assert value(text, "driftd_unseen_ratio", model="flights", column="dep_delay") is None


def test_ratios_of_segments_are_left_to_the_pages() -> None:
    text = scrape(replace(FULL, columns=(replace(DELAY, segment="origin=EWR"),)))
    assert "driftd_missing_ratio{" not in text
    assert 'segment="origin=EWR"' in text


def test_every_door_is_there_from_zero() -> None:
    text = scrape(FULL)
    doors = ("accepted", "duplicate", "rejected", "sampled_out", "shed")
    counts = [
        value(text, "driftd_records_total", model="flights", source="http", outcome=door)
        for door in doors
    ]
    assert counts == [336_701, 0, 0, 0, 0]
    assert value(text, "driftd_records_total", model="", source="http", outcome="rejected") == 2


def test_a_model_without_history_counts_from_zero() -> None:
    text = scrape(Snapshot(build={"version": "0"}, models=(ModelState("churn"),)))
    assert value(text, "driftd_decisions_total", model="churn", verdict="drift") == 0
    assert value(text, "driftd_alerts", model="churn", severity="critical", state="firing") == 0
    assert value(text, "driftd_last_record_timestamp_seconds", model="churn") is None


def test_times_are_seconds_and_the_daemon_describes_itself() -> None:
    text = scrape(FULL)
    newest = value(text, "driftd_last_record_timestamp_seconds", model="flights")
    assert newest == 1_372_550_400.5
    assert value(text, "driftd_outbox_oldest_timestamp_seconds", channel="ops") == 1_372_550_400
    assert value(text, "driftd_deliveries_total", channel="ops", outcome="retry") == 0
    assert value(text, "driftd_engine_lag_records") == 12
    assert value(text, "driftd_config_last_reload_successful") == 1
    assert value(text, "driftd_build_info", version="0.1.0", sqlite="3.40.1") == 1


def test_the_histogram_is_cumulative_and_ends_with_infinity() -> None:
    text = scrape(FULL)
    name = "driftd_evaluation_duration_seconds"
    assert value(text, f"{name}_bucket", le="0.01") == 9
    assert value(text, f"{name}_bucket", le="+Inf") == 10
    assert value(text, f"{name}_count") == 10
    assert value(text, f"{name}_sum") == 0.2


def test_every_family_has_help_and_none_a_created_series() -> None:
    text = scrape(FULL)
    names = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    helped = set(re.findall(r"^# HELP (\S+) \S", text, re.MULTILINE))
    assert names == helped
    assert "_created" not in text
    assert {name for name in names if not name.startswith(("driftd_", "process_"))} == set()


def test_the_process_is_measured() -> None:
    assert (value(scrape(FULL), "process_resident_memory_bytes") or 0) > 1e6


def test_a_vanished_column_leaves_nothing_behind() -> None:
    state = [FULL]
    telemetry = Telemetry(lambda: state[0])
    assert b"dep_delay" in telemetry.render("")[0]
    state[0] = replace(FULL, columns=())
    assert b"dep_delay" not in telemetry.render("")[0]


def test_over_the_cap_whole_columns_go_and_the_worst_stay() -> None:
    calm = tuple(replace(DELAY, column=f"calm{i}", status=0) for i in range(50))
    telemetry = Telemetry(lambda: replace(FULL, columns=(*calm, DELAY)), max_series=25)
    text = telemetry.render("")[0].decode()
    kept = {dict(labels).get("column") for _, labels in samples(text)} - {None}
    assert kept == {"dep_delay", "calm0"}
    per_column = 3 + 5 + 2
    for column in kept:
        assert text.count(f'column="{column}"') == per_column
    assert value(text, "driftd_series_dropped_total") == 49 * per_column
    again = telemetry.render("")[0].decode()
    assert value(again, "driftd_series_dropped_total") == 2 * 49 * per_column


def test_names_are_escaped() -> None:
    odd = replace(DELAY, column='a"b\\c\nd<script>é')
    text = scrape(replace(FULL, columns=(odd,)))
    columns = {dict(labels).get("column") for _, labels in samples(text)}
    assert odd.column in columns


def test_openmetrics_on_request() -> None:
    body, kind = Telemetry(lambda: FULL).render(OPENMETRICS)
    assert kind.startswith("application/openmetrics-text")
    families = {f.name: f for f in openmetrics.text_string_to_metric_families(body.decode())}
    assert families["driftd_records"].type == "counter"
    assert families["driftd_build"].type == "info"


def test_a_failing_snapshot_fails_the_scrape() -> None:
    def broken() -> Snapshot:
        raise RuntimeError("the archive is gone")

    with pytest.raises(RuntimeError):
        Telemetry(broken).render("")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_has_nothing_to_say() -> None:
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=scrape(FULL).encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
