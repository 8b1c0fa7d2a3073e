"""What people say about the data, and what is told once."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.errors import ParameterError
from detectors.quality.newcomers import Newcomers
from detectors.quality.rates import RateRule
from detectors.quality.replay import HASHES, WINDOWS, RecentRows
from detectors.quality.rules import Action, ColumnRules, Rules
from detectors.quality.schema import one_schema_change, unknown_column
from detectors.result import QualityFinding, QualityKind
from tests.detectors.quality.world import Rows, World, told

SHORT = 12
"""Windows of a baseline here: enough for every rule, quick to learn."""


def lost(rows: Rows, share: float = 0.03) -> None:
    """Some ages are missing."""
    rows.numeric["age"][: int(share * rows.rows)] = np.nan


def cents(rows: Rows) -> None:
    rows.numeric["amount"] = rows.numeric["amount"] * 100


def world(**rules: object) -> World:
    return World(windows=SHORT, rules=Rules(**rules))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("most", "share", "expected"),
    [(0.05, 0.03, []), (0.05, 0.06, ["broken"]), (0.0, 0.001, ["broken"]), (1.0, 0.9, [])],
)
def test_missing_values_up_to_what_is_allowed(
    most: float, share: float, expected: list[str]
) -> None:
    rules = {"age": ColumnRules(missing_max=most)}
    found = world(columns=rules).broken(1, lambda rows: lost(rows, share))
    assert [f.severity for f in found if f.kind == "missing"] == expected


def test_without_a_rule_the_baseline_says_how_much_may_be_missing() -> None:
    assert told(world().broken(1, lost)) == [("missing", "age", "warning")]


@pytest.mark.parametrize(
    ("action", "expected"), [("allow", []), ("warn", ["warning"]), ("break", ["broken"])]
)
def test_actions(action: str, expected: list[str]) -> None:
    chosen = {QualityKind.UNITS: Action(action)}
    for rules in ({"actions": chosen}, {"columns": {"amount": ColumnRules(actions=chosen)}}):
        found = world(**rules).broken(1, cents)
        assert [f.severity for f in found if f.kind == "units"] == expected


def test_a_column_s_rule_wins() -> None:
    rules = Rules(
        {QualityKind.UNITS: Action.ALLOW},
        {"amount": ColumnRules(actions={QualityKind.UNITS: Action.WARN})},
    )
    finding = QualityFinding("amount", QualityKind.UNITS, "broken", 1, 1, "amount: converted")
    (ruled,) = rules.told([finding])
    assert ruled.severity == "warning"
    assert rules.told([ruled]) == (ruled,)


def test_declared_placeholders_are_watched_as_missing_values_are() -> None:
    """Nines stand for missing: the usual few are no news, nor is the column rounder."""

    def nines(rows: Rows, share: float = 0.02) -> None:
        rows.numeric["weight"][:: int(1 / share)] = 99

    rules = {"weight": ColumnRules(sentinels=(99.0,))}
    watched = World(nines, windows=SHORT, rules=Rules(columns=rules))
    assert watched.broken(1, lambda _: None) == ()
    (finding,) = watched.broken(1, lambda rows: nines(rows, 0.1))
    assert finding.text.startswith("weight: 10 % of the values are 99, which stands for missing (")


def test_known_placeholders_are_found_by_themselves() -> None:
    def unknown(rows: Rows, share: float = 0.02) -> None:
        rows.numeric["weight"][:: int(1 / share)] = -999

    watched = World(unknown, windows=SHORT)
    assert watched.broken(1, lambda _: None) == ()
    (finding,) = watched.broken(1, lambda rows: unknown(rows, 0.1))
    assert "are -999, which stands for missing (baseline 2 %)" in finding.text


def test_shares_have_a_domain() -> None:
    with pytest.raises(ParameterError, match="missing_max must be in"):
        ColumnRules(missing_max=1.5)


def vanished(name: str, *, rare: bool = False) -> QualityFinding:
    severity = "warning" if rare else "broken"
    return QualityFinding(name, QualityKind.SCHEMA, severity, 1.0, 0.0, f"{name}: vanished")  # type: ignore[arg-type]


def test_columns_that_go_and_come_together_are_one_change() -> None:
    other = QualityFinding("", QualityKind.VOLUME, "warning", 1, 2, "few records")
    gone = [vanished(f"old{i}") for i in range(7)]
    found = one_schema_change([other, *gone, unknown_column("new")])
    assert found[0] is other
    assert found[1].text == (
        "the schema changed: old0, old1, old2, old3, old4 and 2 more vanished; new appeared"
    )
    assert (found[1].column, found[1].severity) == ("", "broken")
    assert found[1].columns == (*(f"old{i}" for i in range(7)), "new")
    assert len(found) == 2


def test_one_column_that_goes_is_told_by_itself() -> None:
    alone = (vanished("a"),)
    assert one_schema_change(alone) == alone
    (rare,) = one_schema_change([vanished("a", rare=True), unknown_column("b")])
    assert rare.severity == "warning"


def test_a_new_category_is_told_once_and_after_a_restart_too() -> None:
    watched, known = world(), Newcomers()
    rows = watched.window(20, 1)
    rows.mislabelled("city", {})
    rows.categorical["city"][:9] = -3
    rows.unseen["city"] = {"Basel": 9}
    profile, _ = rows.measured()
    (finding,) = known.find(watched.baseline, profile)
    assert (
        finding.text == "city: a new value, 'Basel' (0.6 % of the values, 9 times); it is told once"
    )
    assert known.find(watched.baseline, profile) == ()
    again = Newcomers.restore(known.state())
    assert again.find(watched.baseline, profile) == ()
    assert again.state() == known.state()


def test_a_new_category_that_a_finding_names_is_known_then() -> None:
    watched, known = world(), Newcomers()
    rows = watched.window(20, 1)
    rows.categorical["city"][:60] = -3
    rows.unseen["city"] = {"Basel": 60}
    profile, _ = rows.measured()
    assert known.find(watched.baseline, profile, ["city"]) == ()
    assert known.find(watched.baseline, profile) == ()


def test_too_many_newcomers_are_a_column_s_nature() -> None:
    watched = world()
    known = Newcomers({"city": {f"place {i}" for i in range(200)}})
    rows = watched.window(20, 1)
    rows.categorical["city"][:9] = -3
    rows.unseen["city"] = {"Basel": 9}
    assert known.find(watched.baseline, rows.measured()[0]) == ()


def test_row_hashes_are_remembered_within_bounds_and_restored() -> None:
    recent, rng = RecentRows(), np.random.default_rng(2)
    hashes = [np.sort(rng.integers(0, 2**64, 1024, dtype=np.uint64)) for _ in range(WINDOWS + 5)]
    for start, some in enumerate(hashes):
        recent.add(start, some)
    assert len(recent.windows) == WINDOWS
    assert {len(kept) for _, kept in recent.windows} == {HASHES}
    restored = RecentRows.restore(recent.state())
    assert restored.compare(hashes[20]) == recent.compare(hashes[20])
    assert (recent.compare(hashes[20]).start, recent.compare(hashes[20]).rows) == (20, HASHES)
    assert recent.compare(hashes[0]).rows == 0
    assert recent.compare(hashes[20][:10]).sampled == 0


def test_a_replayed_part_is_measured_without_bias() -> None:
    """Share of an earlier window among the rows of a larger one: exact on average."""
    rng = np.random.default_rng(3)
    shares = []
    for _ in range(200):
        old = rng.integers(0, 2**64, 3_000, dtype=np.uint64)
        new = np.concatenate([old[:1_000], rng.integers(0, 2**64, 4_000, dtype=np.uint64)])
        recent = RecentRows()
        recent.add(0, np.sort(old)[:1024])
        found = recent.compare(np.sort(new)[:1024])
        shares.append(found.rows / found.sampled)
    assert np.mean(shares) == pytest.approx(0.2, abs=0.01)


def test_the_order_of_rows_changes_nothing() -> None:
    watched = world()
    rows, shuffled = watched.window(20, 1), watched.window(20, 1)
    lost(rows), lost(shuffled)
    order = np.random.default_rng(4).permutation(rows.rows)
    for columns in (shuffled.numeric, shuffled.categorical):
        for name in columns:
            columns[name] = columns[name][order]
    shuffled.times, shuffled.keys = shuffled.times[order], shuffled.keys[order]
    assert watched.judge(rows) == watched.judge(shuffled)
    assert watched.baseline.rule == RateRule()
