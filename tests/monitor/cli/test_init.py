"""`driftd init`: what it makes of logs it has never seen."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from monitor.app.app import Daemon
from monitor.baseline import Baseline
from monitor.cli.main import main
from monitor.clock import SystemClock
from monitor.config.load import load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from monitor.config.watched import ModelConfig

ROWS, DAYS = 20_000, 35
START = datetime(2026, 1, 1, tzinfo=UTC)


def moments(form: str) -> list[str]:
    return [(START + timedelta(days=DAYS * i / ROWS)).strftime(form) for i in range(ROWS)]


def log(**changed: Sequence[Any] | None) -> dict[str, Sequence[Any]]:
    rng = np.random.default_rng(1)
    columns: dict[str, Sequence[Any] | None] = {
        "id": [f"p{i}" for i in range(ROWS)],
        "time": moments("%Y-%m-%dT%H:%M:%SZ"),
        "delay": rng.normal(10, 30, ROWS).round(2).tolist(),
        "origin": rng.choice(["EWR", "JFK", "LGA"], ROWS).tolist(),
        "prediction": rng.integers(0, 2, ROWS).tolist(),
        "score": rng.random(ROWS).round(3).tolist(),
        **changed,
    }
    return {name: values for name, values in columns.items() if values is not None}


def write(path: Path, columns: dict[str, Sequence[Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(columns)
        rows.writerows(zip(*columns.values(), strict=True))
    return path


def initialised(tmp_path: Path, columns: dict[str, Sequence[Any]]) -> ModelConfig:
    data = write(tmp_path / "flights.csv", columns)
    output = tmp_path / "driftd.yaml"
    assert main(["init", str(data), "-o", str(output)]) == 0
    assert main(["config", "check", "-c", str(output)]) == 0
    (model,) = load(output, environ={}).models
    assert Baseline.from_bytes(model.baseline.path.read_bytes()).rows == ROWS
    return model


def test_a_plain_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = initialised(tmp_path, log())
    assert (model.name, model.task, model.positive) == ("flights", "binary", "1")
    assert (model.window.every, model.window.lateness) == (86_400, 600)
    kinds = {name: column.kind for name, column in model.columns.items()}
    assert kinds == {
        "delay": "numeric", "origin": "categorical", "prediction": "boolean", "score": "numeric"
    }  # fmt: skip
    assert model.table is None
    out, err = capsys.readouterr()
    assert "OK: 1 model" in out
    assert "flights.baseline (20,000 records, 35 windows)" in err
    text = (tmp_path / "driftd.yaml").read_text(encoding="utf-8")
    assert "# 35 windows of 1d with typically 571 records" in text
    assert "# such as [origin]:" in text


def test_the_daemon_takes_it_unedited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    initialised(tmp_path, log())
    monkeypatch.setenv("DRIFTD_SERVER__PORT", "0")
    daemon = Daemon(tmp_path / "driftd.yaml", SystemClock())
    daemon.start()
    daemon.stop()


def test_times_without_offset_are_taken_for_utc_and_it_says_so(tmp_path: Path) -> None:
    model = initialised(tmp_path, log(time=moments("%Y-%m-%d %H:%M:%S")))
    assert model.table is not None
    assert (model.table.timezone, model.window.every) == ("UTC", 86_400)
    assert "taken for UTC; correct it if not" in (tmp_path / "driftd.yaml").read_text("utf-8")


def test_times_as_numbers_get_their_unit(tmp_path: Path) -> None:
    start = int(START.timestamp() * 1000)
    times = [start + i * DAYS * 86_400_000 // ROWS for i in range(ROWS)]
    model = initialised(tmp_path, log(time=times))
    assert model.table is not None
    assert model.table.time_unit == "ms"
    assert model.window.every == 86_400


def test_times_under_an_unusual_name_are_found(tmp_path: Path) -> None:
    model = initialised(tmp_path, log(time=None, abflug=moments("%Y-%m-%dT%H:%M:%SZ")))
    assert model.table is not None
    assert model.table.time == "abflug"


def test_times_that_cannot_be_read_cost_no_rows(tmp_path: Path) -> None:
    model = initialised(tmp_path, log(time=moments("%d.%m.%Y")))
    assert model.table is not None
    assert (model.table.time, model.window.every, model.window.records) == ("", None, 660)


def test_ids_that_repeat_are_no_ids(tmp_path: Path) -> None:
    model = initialised(tmp_path, log(id=[f"customer{i % 500}" for i in range(ROWS)]))
    assert model.table is not None
    assert model.table.id == ""


def test_personal_data_is_not_measured_and_the_file_says_why(tmp_path: Path) -> None:
    emails = [f"p{i}@example.org" for i in range(ROWS)]
    model = initialised(tmp_path, log(email=emails))
    assert model.columns["email"].kind == "ignore"
    text = (tmp_path / "driftd.yaml").read_text(encoding="utf-8")
    assert "# looks like e-mail addresses: not measured, but journalled" in text
    assert b"example.org" not in model.baseline.path.read_bytes()


def test_hostile_names_stay_names(tmp_path: Path) -> None:
    names = [
        "a: b",
        "${HOME}",
        "#x",
        "true",
        'q"uo\\te',
        "\U0001f600",
        "[x]",
        "*a",
        "- y",
        "é\u2028",
    ]
    rng = np.random.default_rng(4)
    extra = {name: rng.normal(0, 1, ROWS).tolist() for name in names}
    model = initialised(tmp_path, log(**extra))
    assert set(names) <= set(model.columns)


def test_the_index_of_pandas_is_left_out(tmp_path: Path) -> None:
    model = initialised(tmp_path, {"": range(ROWS), **log()})
    assert set(model.columns) == {"delay", "origin", "prediction", "score"}


def test_rows_that_cannot_be_read_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write(tmp_path / "flights.csv", log())
    with data.open("a", encoding="utf-8") as file:
        file.write("too,few\n")
    assert main(["init", str(data), "-o", str(tmp_path / "d.yaml")]) == 0
    assert f"{data}: 1 of 20,001 rows cannot be read" in capsys.readouterr().err


def test_nothing_is_overwritten_unless_forced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, output = write(tmp_path / "flights.csv", log()), tmp_path / "driftd.yaml"
    output.write_text("mine", encoding="utf-8")
    assert main(["init", str(data), "-o", str(output)]) == 2
    assert f"{output} exists; overwrite with --force" in capsys.readouterr().err
    assert output.read_text(encoding="utf-8") == "mine"
    assert main(["init", str(data), "-o", str(output), "--force"]) == 0


def native(path: Path, models: Sequence[str]) -> Path:
    rng = np.random.default_rng(2)
    with path.open("w", encoding="utf-8") as file:
        for i in range(3_000):
            score = float(rng.random())
            record = {
                "model": models[i % len(models)], "id": f"p{i}",
                "time": (START + timedelta(minutes=i)).isoformat(),
                "features": {"x": float(rng.normal())}, "prediction": "late",
                "scores": {"late": score, "on time": 1 - score},
            }  # fmt: skip
            file.write(json.dumps(record) + "\n")
    return path


def test_native_records_name_their_model_and_one_score_is_enough(tmp_path: Path) -> None:
    data, output = native(tmp_path / "log.ndjson", ["loans"]), tmp_path / "d.yaml"
    assert main(["init", str(data), "-o", str(output)]) == 0
    (model,) = load(output, environ={}).models
    assert (model.name, model.positive) == ("loans", "on time")
    assert model.columns["score.late"].kind == "ignore"
    assert model.window.records == 100


def test_one_of_several_models_must_be_chosen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, output = native(tmp_path / "log.ndjson", ["loans", "flights"]), tmp_path / "d.yaml"
    assert main(["init", str(data), "-o", str(output)]) == 2
    assert "holds records of flights, loans; choose one" in capsys.readouterr().err
    assert main(["init", str(data), "-o", str(output), "--model", "loans"]) == 0
    assert load(output, environ={}).models[0].name == "loans"


@pytest.mark.parametrize(
    ("name", "content"),
    [("empty.csv", ""), ("head.csv", "a,b\n"), ("x.ndjson", "{]"), ("x.txt", "")],
)
def test_what_is_no_log_is_2_and_writes_nothing(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert main(["init", str(tmp_path / name), "-o", str(tmp_path / "d.yaml")]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_a_log_without_a_column_of_truths_is_told_how_to_name_one(tmp_path: Path) -> None:
    hint = "label: COLUMN"
    initialised(tmp_path, log())
    assert hint in (tmp_path / "driftd.yaml").read_text()
    (tmp_path / "driftd.yaml").unlink()
    (tmp_path / "flights.baseline").unlink()
    initialised(tmp_path, log(label=["0", "1"] * (ROWS // 2)))
    assert hint not in (tmp_path / "driftd.yaml").read_text()
