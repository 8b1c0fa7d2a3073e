"""`driftd check`: verdicts, exit codes, what is written where."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from monitor.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

ROWS = 3_000


def make(seed: int, rows: int = ROWS, **changed: Sequence[Any]) -> dict[str, Sequence[Any]]:
    rng = np.random.default_rng(seed)
    return {
        "id": [f"{seed}-{i}" for i in range(rows)],
        "delay": rng.normal(10, 30, rows).round(3).tolist(),
        "seats": rng.integers(50, 400, rows).tolist(),
        "carrier": rng.choice(["UA", "AA", "B6"], rows, p=[0.5, 0.3, 0.2]).tolist(),
        **changed,
    }


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Mapping[str, Sequence[Any]]], str]:
    def written(name: str, columns: Mapping[str, Sequence[Any]]) -> str:
        with (tmp_path / name).open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(columns)
            rows.writerows(zip(*columns.values(), strict=True))
        return str(tmp_path / name)

    return written


Write = "Callable[[str, Mapping[str, Sequence[Any]]], str]"


def test_two_samples_of_one_source_are_stable(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", write("a.csv", make(1)), write("b.csv", make(2))]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("stable: none of 4 columns changed by 5 % of rows\n")
    assert "assumes independent rows" in err


def test_drift_is_1_and_says_what_moved(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    moved = make(2, delay=np.random.default_rng(5).normal(40, 30, ROWS).tolist())
    assert main(["check", write("a.csv", make(1)), write("b.csv", moved)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "drift: 1 of 4 columns drifted: delay"
    assert lines[3].startswith("delay")
    assert "mean 9.93 to 40.7" in lines[3]


def test_category_drift_names_the_value(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    moved = make(2, carrier=["UA"] * 2_000 + ["AA"] * 600 + ["B6"] * 400)
    assert main(["check", write("a.csv", make(1)), write("b.csv", moved)]) == 1
    assert "to 66.7 %" in capsys.readouterr().out


def test_a_column_that_vanished_is_broken(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    current = make(2)
    del current["delay"]
    assert main(["check", write("a.csv", make(1)), write("b.csv", current)]) == 1
    out = capsys.readouterr().out
    assert out.startswith("broken: 1 of 4 columns broken: delay\n")
    assert "broken: delay: vanished" in out


def test_a_new_column_is_told_and_breaks_nothing(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    current = make(2, extra=[1.5] * ROWS)
    assert main(["check", write("a.csv", make(1)), write("b.csv", current)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("warning: ")
    assert "warning: extra: appeared, the reference has no such column" in out


def test_too_few_rows_are_3(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", write("a.csv", make(1)), write("b.csv", make(2, rows=50))]) == 3
    assert "50 rows on one side are too few" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.csv", "", "holds no records"),
        ("x.xlsx", "PK", "cannot tell its format"),
        ("x.parquet", "not parquet", "holds no records"),
    ],
)
def test_unreadable_input_is_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str, told: str
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert main(["check", str(tmp_path / name), str(tmp_path / name)]) == 2
    assert told in capsys.readouterr().err


def test_absent_file_is_2(write: Write) -> None:
    assert main(["check", write("a.csv", make(1)), "/nowhere/b.csv"]) == 2


def test_rows_that_cannot_be_read_are_told(
    tmp_path: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write("a.csv", make(1))
    with (tmp_path / "a.csv").open("a", encoding="utf-8") as file:
        file.write("one field only\n")
    assert main(["check", path, write("b.csv", make(2))]) == 0
    assert f"{path}: 1 of {ROWS + 1} rows cannot be read" in capsys.readouterr().err


def test_json(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    moved = make(2, delay=np.random.default_rng(5).normal(40, 30, ROWS).tolist())
    assert main(["check", write("a.csv", make(1)), write("b.csv", moved), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    first = told["columns"][0]
    assert (told["verdict"], told["current"]["rows"]) == ("drift", ROWS)
    assert (first["name"], first["status"], first["kind"]) == ("delay", "drift", "numeric")
    assert first["effect"] > first["effect_low"] > 0.05
    assert {"ks", "psi", "wasserstein"} <= set(first["statistics"])
    assert first["p_value"] < 1e-6


def test_html_is_one_file_and_escapes_names_and_values(
    tmp_path: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "<script>alert(1)</script>"
    columns = [
        make(seed, **{evil: np.random.default_rng(seed).choice([evil, "b"], ROWS).tolist()})
        for seed in (1, 2)
    ]
    page = tmp_path / "report.html"
    arguments = [write("a.csv", columns[0]), write("b.csv", columns[1]), "--html", str(page)]
    assert main(["check", *arguments]) == 0
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "http" not in text.replace("http-equiv", "")
    assert text.count("<figure") == 4
    assert f"wrote {page}" in capsys.readouterr().err


def test_native_records_and_several_models(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "log.ndjson"
    rng = np.random.default_rng(3)
    lines = [
        {"model": model, "id": f"{model}{i}", "time": "2026-01-01T00:00:00Z",
         "features": {"x": rng.normal()}, "prediction": "1"}
        for model in ("flights", "loans") for i in range(300)
    ]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert main(["check", str(path), str(path)]) == 2
    assert "holds records of flights, loans; choose one with --model" in capsys.readouterr().err
    assert main(["check", str(path), str(path), "--model", "loans"]) == 0
    assert "none of 2 columns changed" in capsys.readouterr().out
