"""How alerts live: examples a person can follow, then laws over all histories."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.alert import Change, Severity, Signal, State, alert_id
from alerts.errors import PolicyError
from alerts.life import Advanced, LifePolicy, advance
from tests.alerts.making import DAY, START, Story, bad, day

CRITICAL = Severity.CRITICAL


def kinds(step: Advanced) -> list[Change]:
    return [change for note in step.notifications for change, _ in note.changes]


def test_the_first_bad_window_fires_by_default() -> None:
    step = Story().tell(day(0), bad())
    (alert,) = step.alerts
    assert alert.state is State.FIRING
    assert alert.id == alert_id(alert.key, day(0).decision_id)
    assert (alert.opened_at, alert.fired_at, alert.resolved_at) == (START + DAY, START + DAY, None)
    assert kinds(step) == [Change.FIRED]


def test_a_quiet_decision_changes_nothing() -> None:
    assert Story().tell(day(0)) == Advanced((), ())


def test_firing_takes_for_windows_in_a_row() -> None:
    story = Story(LifePolicy(for_windows=3))
    steps = story.days([[bad()], [bad()], [], [bad()], [bad()], [bad()]])
    assert [kinds(step) for step in steps] == [[], [], [], [], [], [Change.FIRED]]
    assert steps[2].alerts[0].state is State.RESOLVED
    assert steps[2].alerts[0].fired_at is None
    assert steps[5].alerts[0].windows == 3


def test_resolving_takes_recover_windows_in_a_row_and_happens_once() -> None:
    steps = Story().days([[bad()], [], [], [bad()], [], [], [], []])
    assert [kinds(step) for step in steps[1:]] == [[], [], [], [], [], [Change.RESOLVED], []]
    resolved = steps[6].alerts[0]
    assert (resolved.state, resolved.windows) == (State.RESOLVED, 2)
    assert resolved.last_decision == day(6).decision_id
    assert steps[7] == Advanced((), ())


def test_a_later_relapse_is_a_new_alert() -> None:
    story = Story(LifePolicy(recover_windows=1))
    first, _, second = story.days([[bad()], [], [bad()]])
    assert first.alerts[0].id != second.alerts[0].id
    assert kinds(second) == [Change.FIRED]


def test_worse_is_told_at_once_and_milder_only_when_it_held() -> None:
    severe, mild = bad(severity=CRITICAL), bad()
    steps = Story().days([[mild], [severe], [mild], [severe], [mild], [mild], [mild], [mild]])
    told = [kinds(step) for step in steps]
    assert told == [[Change.FIRED], [Change.SEVERITY], [], [], [], [], [Change.SEVERITY], []]
    assert steps[-1].alerts[0].severity is Severity.WARNING


def test_forty_columns_of_one_decision_are_one_message_in_the_order_of_importance() -> None:
    signals = [bad(f"c{i}", "missing", CRITICAL) for i in reversed(range(40))]
    step = Story().tell(day(0), *signals)
    (note,) = step.notifications
    assert [alert.key.column for _, alert in note.changes] == [s.column for s in signals]
    assert [alert.key.column for alert in step.alerts] == sorted(s.column for s in signals)


def test_one_message_leads_with_what_fires_and_counts_what_goes_on() -> None:
    story = Story(LifePolicy(recover_windows=1))
    story.tell(day(0), bad("a"), bad("b"), bad("c"))
    (note,) = story.tell(day(1), bad("b"), bad("c", severity=CRITICAL), bad("d")).notifications
    assert [(change, alert.key.column) for change, alert in note.changes] == [
        (Change.FIRED, "d"),
        (Change.SEVERITY, "c"),
        (Change.RESOLVED, "a"),
    ]
    assert (note.still_firing, note.firing, note.severity) == (1, True, CRITICAL)


def test_an_insufficient_decision_neither_advances_nor_resolves() -> None:
    story = Story(LifePolicy(recover_windows=2))
    story.tell(day(0), bad())
    story.tell(day(1))
    before = dict(story.open)
    assert story.tell(day(2, conclusive=False), bad("other")) == Advanced((), ())
    assert story.open == before
    assert kinds(story.tell(day(3))) == [Change.RESOLVED]


def test_a_column_that_was_not_judged_keeps_its_alert() -> None:
    story = Story(LifePolicy(recover_windows=1))
    story.tell(day(0), bad("a"), bad("b"))
    step = story.tell(day(1, unjudged=frozenset({"a"})))
    assert [alert.key.column for alert in step.alerts] == ["b"]
    assert [key.column for key in story.open] == ["a"]


def test_other_models_and_segments_are_left_alone() -> None:
    story = Story(LifePolicy(recover_windows=1))
    story.tell(day(0, segment="origin=EWR"), bad())
    story.tell(day(0, model="churn"), bad())
    assert story.tell(day(1)) == Advanced((), ())
    assert len(story.open) == 2


def test_two_versions_side_by_side_do_not_contradict_each_other() -> None:
    """Version 8 is fine about the hours in which version 7 is not: no recovery."""
    story = Story()
    for number in range(6):
        story.tell(day(number, version="7"), bad())
        assert not story.tell(day(number, version="8")).notifications
    assert [kinds(story.tell(day(n, version="8"))) for n in (6, 7, 8)][-1] == [Change.RESOLVED]


def test_the_first_of_two_signals_with_one_key_counts() -> None:
    step = Story().tell(day(0), bad(summary="location"), bad(summary="scale"))
    assert [alert.summary for alert in step.alerts] == ["location"]


@pytest.mark.parametrize("name", ["for_windows", "recover_windows"])
def test_a_policy_without_windows_is_refused(name: str) -> None:
    with pytest.raises(PolicyError, match=f"{name} must be at least 1, got 0"):
        LifePolicy(**{name: 0})


SIGNALS = st.lists(
    st.builds(
        bad,
        column=st.sampled_from(["a", "b"]),
        kind=st.sampled_from(["drift", "missing"]),
        severity=st.sampled_from(Severity),
    ),
    max_size=3,
)
HISTORIES = st.lists(SIGNALS, max_size=25)
POLICIES = st.builds(LifePolicy, for_windows=st.integers(1, 3), recover_windows=st.integers(1, 4))


@given(HISTORIES, POLICIES)
def test_equal_histories_give_equal_alerts_and_messages(
    history: list[list[Signal]], policy: LifePolicy
) -> None:
    assert Story(policy).days(history) == Story(policy).days(history)


@given(HISTORIES, POLICIES)
def test_every_alert_is_told_firing_then_resolved_and_each_at_most_once(
    history: list[list[Signal]], policy: LifePolicy
) -> None:
    told: dict[str, list[Change]] = {}
    for step in Story(policy).days(history):
        assert len(step.notifications) <= 1
        for note in step.notifications:
            for change, alert in note.changes:
                told.setdefault(alert.id, []).append(change)
    for changes in told.values():
        assert changes[0] is Change.FIRED
        assert changes.count(Change.FIRED) == 1
        assert changes.count(Change.RESOLVED) <= 1
        assert Change.RESOLVED not in changes[:-1]


@given(HISTORIES, POLICIES)
def test_nothing_fires_or_resolves_sooner_than_the_policy_says(
    history: list[list[Signal]], policy: LifePolicy
) -> None:
    """Independent of the counters: look back at the raw history whenever something is told."""
    steps = Story(policy).days(history)
    for number, step in enumerate(steps):
        for note in step.notifications:
            for change, alert in note.changes:
                named = [
                    (alert.key.column, alert.key.kind) in {(s.column, s.kind) for s in signals}
                    for signals in history[: number + 1]
                ]
                if change is Change.FIRED:
                    assert all(named[-policy.for_windows :])
                    assert len(named) >= policy.for_windows
                if change is Change.RESOLVED:
                    assert not any(named[-policy.recover_windows :])


@given(st.lists(st.booleans(), max_size=60), POLICIES)
def test_no_flapping(badness: list[bool], policy: LifePolicy) -> None:
    """Between two firings of one key lie at least `recover_windows` good windows in a row."""
    steps = Story(policy).days([[bad()] if it else [] for it in badness])
    fired = [number for number, step in enumerate(steps) if kinds(step) == [Change.FIRED]]
    for one, next_one in pairwise(fired):
        good = "".join("b" if it else "g" for it in badness[one:next_one])
        assert "g" * policy.recover_windows in good


@given(HISTORIES)
def test_what_is_not_reported_as_changed_did_not_change(history: list[list[Signal]]) -> None:
    story = Story()
    for number, signals in enumerate(history):
        before = dict(story.open)
        step = advance(before, signals, day(number), START, story.policy)
        story.keep(step.alerts)
        for alert in step.alerts:
            assert before.get(alert.key) != alert
        untouched = before.keys() - {alert.key for alert in step.alerts}
        assert all(story.open[key] == before[key] for key in untouched)
