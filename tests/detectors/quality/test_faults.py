"""Every clear fault is found, named, and told once; injected into ordinary windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pytest

from tests.detectors.quality.world import HOUR, Rows, World, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from detectors.result import QualityFinding

Fault: TypeAlias = "Callable[[Rows], None]"
WORLD = World()
WINDOWS_OF_A_FAULT = (3, 15)
"""One at night and one in the afternoon: what has a season is looked at in both."""


def values(column: str, change: Callable[[np.ndarray], Any]) -> Fault:
    """Change the values of one column."""

    def fault(rows: Rows) -> None:
        rows.numeric[column] = change(rows.numeric[column])

    return fault


def some(column: str, share: float, change: Callable[[np.ndarray], Any]) -> Fault:
    """Change some of the values of one column, here and there."""

    def fault(rows: Rows) -> None:
        old = rows.numeric[column]
        hit = np.random.default_rng([rows.index, 7]).random(len(old)) < share
        rows.numeric[column] = np.where(hit, change(old), old)

    return fault


def written(column: str, share: float, value: float) -> Fault:
    """One number here and there."""
    return some(column, share, lambda old: np.full_like(old, value))


def stuck(column: str) -> Fault:
    """One number for 40 % of the window."""

    def change(old: np.ndarray) -> np.ndarray:
        new = old.copy()
        new[300:900] = new[300]
        return new

    return values(column, change)


def named(column: str, **names: str) -> Fault:
    """Write other names for categories."""
    return lambda rows: rows.mislabelled(column, {k.replace("_", " "): v for k, v in names.items()})


def renamed(column: str, names: dict[str, str]) -> Fault:
    return lambda rows: rows.mislabelled(column, names)


def copied(rows: Rows, source: Rows, count: int, start: int = 0) -> None:
    """Take `count` rows from another window, under new ids and times."""
    for mine, theirs in ((rows.numeric, source.numeric), (rows.categorical, source.categorical)):
        for name in mine:
            mine[name][start : start + count] = theirs[name][:count]


def duplicated(rows: Rows) -> None:
    copied(rows, rows, 750, 750)


def replayed(rows: Rows) -> None:
    copied(rows, WORLD.window(40, 1), 900)


def same_ids(rows: Rows, count: int = 400) -> None:
    """Rows of the baseline under their own ids."""
    sample, frame = WORLD.baseline.sample, WORLD.baseline.frame
    rows.keys[:count] = sample.keys[:count]
    for j, name in enumerate(frame.numeric.names):
        rows.numeric[name][:count] = sample.numeric[:count, j]
    for j, name in enumerate(frame.categorical.names):
        rows.categorical[name][:count] = sample.categorical[:count, j]


def taxed(rows: Rows) -> None:
    """The same records, one feature of which serving computes differently."""
    same_ids(rows)
    rows.numeric["weight"][:400] *= 1.019


def paused(rows: Rows) -> None:
    """Records that should have come between minutes 25 and 35 came before that."""
    minute = rows.times - rows.index * HOUR
    hit = (minute > HOUR * 25 // 60) & (minute < HOUR * 35 // 60)
    rows.times = np.where(hit, rows.times - HOUR // 6, rows.times)


def probed(count: int, step: float) -> Fault:
    """One client asks for the same record again and again, with another weight."""

    def fault(rows: Rows) -> None:
        copied(rows, rows, 1)
        for columns in (rows.numeric, rows.categorical):
            for name in columns:
                columns[name][:count] = columns[name][0]
        rows.numeric["weight"][:count] = 50 + step * np.arange(count)
        rows.categorical["client"][:count] = 7

    return fault


def jittered(rows: Rows) -> None:
    """One client sends the same record with a little noise in all of its numbers."""
    rng = np.random.default_rng(8)
    for name, column in rows.numeric.items():
        column[:200] = column[0] * (1 + 1e-4 * rng.normal(size=200))
        rows.numeric[name] = column
    rows.categorical["client"][:200] = 7


def random_input(rows: Rows) -> None:
    """One client sends numbers drawn evenly from everything that ever came."""
    rng = np.random.default_rng(9)
    for name in ("weight", "temperature", "stock", "sensor", "score", "heavy"):
        column = rows.numeric[name]
        column[:250] = rng.uniform(column.min(), column.max(), 250)
    rows.categorical["client"][:250] = 3


def hugging(rows: Rows) -> None:
    """One client searches for the threshold."""
    rows.numeric["score"][:200] = 0.4 + 0.002 * np.random.default_rng(4).normal(size=200)
    rows.categorical["prediction"] = (rows.numeric["score"] > 0.4).astype(np.int32)
    rows.categorical["client"][:200] = 3


UNITS: dict[str, tuple[str, Fault, str]] = {
    "x1000": ("amount", values("amount", lambda x: x * 1000), "multiplied by 1000"),
    "euros to cents": ("amount", values("amount", lambda x: x * 100), "multiplied by 100"),
    "x10": ("heavy", values("heavy", lambda x: x * 10), "multiplied by 10"),
    "a tail of t1.5 / 1000": ("heavy", values("heavy", lambda x: x / 1000), "divided by 1000"),
    "zero-inflated x100": ("stock", values("stock", lambda x: x * 100), "multiplied by 100"),
    "counts x10": ("clicks", values("clicks", lambda x: x * 10), "multiplied by 10"),
    "rarely filled x1000": ("rare", values("rare", lambda x: x * 1000), "multiplied by 1000"),
    "Celsius to Fahrenheit": ("temperature", values("temperature", lambda x: x * 1.8 + 32),
                              "in Fahrenheit instead of Celsius"),
    "Celsius to Kelvin": ("temperature", values("temperature", lambda x: x + 273.15),
                          "in Kelvin instead of Celsius"),
    "kg to lb": ("weight", values("weight", lambda x: x * 2.2046226), "kg to lb"),
    "miles to km": ("weight", values("weight", lambda x: x * 1.609344), "miles to km"),
    "km to miles": ("weight", values("weight", lambda x: x / 1.609344), "km to miles"),
    "sign": ("weight", values("weight", lambda x: -x), "of opposite sign"),
    "logarithm": ("amount", values("amount", lambda x: np.log(np.maximum(x, 0.01))),
                  "natural logarithms"),
    "log(1 + x)": ("age", values("age", np.log1p), "natural logarithms of 1 + the value"),
    "exponential": ("score", values("score", np.exp), "exponentials"),
    "log odds": ("score", values("score", lambda x: np.log(x / (1 - x))), "log odds"),
    "one producer of six": ("amount", some("amount", 0.15, lambda x: x * 1000),
                            "multiplied by 1000"),
}  # fmt: skip
SENTINELS: dict[str, tuple[str, Fault, str]] = {
    f"{value} in {column}": (column, written(column, 0.05, value), "5.")
    for column in ("amount", "weight", "temperature", "heavy", "clicks", "age", "sensor", "score")
    for value in (-1, 999, -9999)
} | {
    "0 in weight": ("weight", written("weight", 0.05, 0), "are 0, which often stands for"),
    "-1 in stock": ("stock", written("stock", 0.05, -1), "are -1"),
    "-999 in rare": ("rare", written("rare", 0.03, -999), "are -999"),
    "any other value": ("heavy", written("heavy", 0.04, 1234.5), "1234.5; the baseline"),
}
PRECISION: dict[str, tuple[str, Fault, str]] = {
    "cents cut off": ("amount", values("amount", np.round), "multiples of 1:"),
    "two decimals": ("weight", values("weight", lambda x: np.round(x, 2)), "multiples of 0.01:"),
    "tens": ("age", values("age", lambda x: np.round(x, -1)), "multiples of 10:"),
    "counts computed": ("clicks", values("clicks", lambda x: x * 1.0001), "no multiples of 1:"),
    "halves": ("age", some("age", 0.5, lambda x: x + 0.5), "no multiples of 1:"),
}
MATRIX: dict[str, tuple[str, str, Fault, str]] = {
    **{f"units: {name}": ("units", *case) for name, case in UNITS.items()},
    **{f"sentinel: {name}": ("sentinel", *case) for name, case in SENTINELS.items()},
    **{f"precision: {name}": ("precision", *case) for name, case in PRECISION.items()},
    **{
        f"stuck: {column}": ("stuck", column, stuck(column), "for 2")
        for column in ("amount", "weight", "temperature", "heavy", "sensor", "score", "age")
    },
    "renamed: one value": ("renamed", "carrier", named("carrier", UA="United"), "'UA' to 'United'"),
    "renamed: a rare one": ("renamed", "carrier", named("carrier", HA="Hawaiian"), "'Hawaiian'"),
    "renamed: lower case": (
        "renamed", "carrier", named("carrier", UA="ua", DL="dl", AA="aa", HA="ha"), "and 1 more",
    ),
    "encoding: UTF-8 as Latin-1": (
        "encoding", "city", renamed("city", {"São Paulo": "SÃ£o Paulo", "Zürich": "ZÃ¼rich"}),
        "for 'São Paulo'",
    ),
    "encoding: twice": (
        "encoding", "city", renamed("city", {"São Paulo": "SÃƒÂ£o Paulo"}), "for 'São Paulo'",
    ),
    "encoding: replaced": (
        "encoding", "city", renamed("city", {"São Paulo": "S\N{REPLACEMENT CHARACTER}o Paulo"}),
        "for 'São Paulo'",
    ),
    "encoding: question mark": (
        "encoding", "city", renamed("city", {"Zürich": "Z?rich"}), "for 'Zürich'",
    ),
    "encoding: in an address": (
        "encoding", "city", renamed("city", {"Zürich": "Z%C3%BCrich"}), "for 'Zürich'",
    ),
    "duplicates": ("duplicates", "", duplicated, "50 % of the rows repeat"),
    "replay": ("replay", "", replayed, "in the window of 1970-01-02 16:00"),
    "skew": ("skew", "weight", taxed, "100 % of 400 sampled records with the same id, such as"),
    "a pause": ("freshness", "", paused, "hardly a record from"),
    "probing: a grid": ("probing", "", probed(200, 0.5), "in weight only, in steps of 0.5"),
    "probing: a short one": ("probing", "", probed(100, 2.0), "in steps of 2"),
    "probing: noise": ("probing", "", jittered, "nearly the same as another one"),
    "suspicious: random input": ("suspicious", "", random_input, "have client='client 3'"),
    "suspicious: the boundary": ("suspicious", "", hugging, "right at the decision boundary"),
}  # fmt: skip


def of_kind(findings: tuple[QualityFinding, ...], kind: str) -> list[QualityFinding]:
    return [finding for finding in findings if finding.kind == kind]


@pytest.mark.parametrize("index", WINDOWS_OF_A_FAULT)
@pytest.mark.parametrize("name", MATRIX)
def test_a_clear_fault_is_found_and_named(name: str, index: int) -> None:
    kind, column, fault, words = MATRIX[name]
    findings = WORLD.broken(index, fault)
    (finding,) = of_kind(findings, kind)
    assert finding.column == column
    assert words in finding.text
    others = {(other.kind, other.column) for other in findings} - {(finding.kind, column)}
    # Noise in all numbers and numbers drawn evenly have decimals that the columns never had.
    assert {kind for kind, _ in others} <= {"precision"}, told(findings)


@pytest.mark.parametrize("name", [name for name in MATRIX if name.startswith("units")])
def test_a_conversion_is_broken_at_once(name: str) -> None:
    _, _, fault, _ = MATRIX[name]
    assert WORLD.broken(3, fault)[0].severity == "broken"


def test_a_client_is_named() -> None:
    (finding,) = of_kind(WORLD.broken(3, probed(200, 0.5)), "probing")
    assert "100 % of them have client='client 7'" in finding.text


def test_the_same_values_under_the_same_ids_are_no_skew() -> None:
    assert of_kind(WORLD.broken(3, same_ids), "skew") == []


def test_ids_that_mean_something_else_now_are_no_skew() -> None:
    def reused(rows: Rows) -> None:
        rows.keys[:400] = WORLD.baseline.sample.keys[:400]

    assert WORLD.broken(3, reused) == ()


def test_a_change_that_is_no_conversion_is_left_to_drift() -> None:
    for factor in (1.3, 1.8, 5.0):
        fault = values("weight", lambda x, factor=factor: x * factor)
        assert of_kind(WORLD.broken(3, fault), "units") == []
    for column, shift in (("temperature", 25.0), ("weight", 48.0), ("weight", -30.0)):
        shifted = values(column, lambda x, shift=shift: x + shift)
        assert of_kind(WORLD.broken(3, shifted), "units") == []


def test_a_replay_among_ordinary_traffic_is_found_from_a_fifth_on() -> None:
    def partly(rows: Rows) -> None:
        copied(rows, WORLD.window(40, 1), 400)

    assert of_kind(WORLD.broken(3, partly), "replay")
