"""What a notification has to say, in words, before it gets a form.

Answers in the order in which a person who is woken up asks: what moved and by how much, since
when, where, is it the data or the world, what to do next, where is the evidence, how to check it.
The sentences about single columns come from the decision, which knows the columns' own units;
here they are chosen, counted and put in order. Nothing here trusts their text: it may quote values
from records, so line breaks and control characters are taken out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alerts.alert import Change
from alerts.clock import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from alerts.alert import Alert, Notification

MOST_ITEMS = 5
"""Sentences in full; what comes after them is counted by kind."""

_MOST_NAMES = 3
_SUBJECT, _SENTENCE = 200, 500
_MASS = 4
"""From so many columns with one kind of trouble on, the trouble leads and not its first column."""

_WORLD = "drift"

_STEPS = {
    "drift": "look at the evidence; if the change is real and here to stay, retrain or build a new "
    "baseline (driftd baseline build)",
    "missing": "ask who fills {column}: a join, an export or a service upstream leaves it empty",
    "range": "check the unit and the source of {column}: values lie outside what is possible",
    "unseen": "check where {column} comes from: it has values the model was never trained on",
    "wrong_type": "check the writer of {column}: its type changed",
    "infinite": "check the computation of {column}: it divides by zero or overflows",
    "duplicates": "check the sender: the same records come more than once",
    "constant": "check the source of {column}: it is stuck on one value",
    "volume": "check the sender: the number of records is not what this hour usually brings",
    "freshness": "check the sender: records stopped coming",
    "schema": "ask who changed the records: columns appeared or vanished",
}
_STEP = "look at the evidence"


@dataclass(frozen=True, slots=True)
class Wording:
    """A notification in words; every text is one line.

    Attributes
    ----------
    subject
        The message in one line of at most 200 characters.
    moved
        The most important sentences, at most `MOST_ITEMS`.
    more
        The remaining ones, counted by kind; "" if there are none.
    resolved
        What is over, at most `MOST_ITEMS` and a line that counts the rest.
    since, where, cause, step
        When it began (with its interval), the place, data or world, and what to do; "" where the
        question does not arise.
    still_firing
        How many other alerts of this model and segment go on.
    """

    subject: str
    moved: tuple[str, ...]
    more: str
    resolved: tuple[str, ...]
    since: str
    where: str
    cause: str
    step: str
    still_firing: int


def word(notification: Notification, decision: Mapping[str, Any]) -> Wording:
    """Put a notification into words.

    Parameters
    ----------
    notification
        What changed.
    decision
        The decision's JSON as data; its `findings` supply the sentences, and an alert without a
        finding there speaks with its own summary.
    """
    alerts = [alert for change, alert in notification.changes if change is not Change.RESOLVED]
    over = [alert for change, alert in notification.changes if change is Change.RESOLVED]
    findings = _findings(decision)
    sentences = [_sentence(alert, findings) for alert in alerts]
    return Wording(
        subject=clean(_subject(notification, alerts, over, sentences), _SUBJECT),
        moved=tuple(sentences[:MOST_ITEMS]),
        more=_counted(alerts[MOST_ITEMS:]),
        resolved=tuple(_over(over)),
        since=_since(alerts, findings),
        where=clean(_where(notification, decision)),
        cause=_cause(alerts, decision),
        step=_step(alerts),
        still_firing=notification.still_firing,
    )


def clean(text: str, limit: int = _SENTENCE) -> str:
    """Make one printable line of at most `limit` characters."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def listing(names: Sequence[str]) -> str:
    """`a, b, c and 37 more`, at most three names."""
    shown = [clean(name, 80) for name in names[:_MOST_NAMES]]
    rest = len(names) - len(shown)
    if rest:
        return f"{', '.join(shown)} and {rest} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))


def _findings(decision: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """The most important finding for each column and kind."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for finding in decision.get("findings", ()):
        found.setdefault((finding["column"], finding["kind"]), finding)
    return found


def _sentence(alert: Alert, findings: Mapping[tuple[str, str], Mapping[str, Any]]) -> str:
    finding = findings.get((alert.key.column, alert.key.kind), {})
    return clean(finding.get("text") or alert.summary)


def _subject(
    notification: Notification,
    alerts: Sequence[Alert],
    over: Sequence[Alert],
    sentences: Sequence[str],
) -> str:
    """Lead with the common trouble of many columns, else with the most important sentence."""
    place = " ".join(filter(None, (notification.decision.model, notification.decision.segment)))
    if not alerts:
        return f"[resolved] {place}: {listing([_name(alert) for alert in over])}"
    head = f"[{notification.severity}] {place}: "
    kind, count = Counter(alert.key.kind for alert in alerts).most_common(1)[0]
    if count >= _MASS:
        names = [alert.key.column for alert in alerts if alert.key.kind == kind]
        return f"{head}{kind} in {count} columns ({listing(names)})"
    rest = f" (and {len(alerts) - 1} more)" if len(alerts) > 1 else ""
    return head + clean(sentences[0], _SUBJECT - len(rest) - len(head)) + rest


def _counted(alerts: Sequence[Alert]) -> str:
    kinds: dict[str, list[str]] = {}
    for alert in alerts:
        kinds.setdefault(alert.key.kind, []).append(alert.key.column or "the whole window")
    return "; ".join(f"{kind}: {listing(names)}" for kind, names in kinds.items())


def _over(alerts: Sequence[Alert]) -> Iterator[str]:
    for alert in alerts[:MOST_ITEMS]:
        yield clean(
            f"{_name(alert)}: good windows in a row: {alert.good_streak}, "
            f"after {alert.windows} bad since {rfc3339(alert.opened_at)}"
        )
    if len(alerts) > MOST_ITEMS:
        yield _counted(alerts[MOST_ITEMS:])


def _name(alert: Alert) -> str:
    return " ".join(filter(None, (alert.key.column, alert.key.kind)))


def _since(alerts: Sequence[Alert], findings: Mapping[tuple[str, str], Mapping[str, Any]]) -> str:
    """When the most important change began, with the interval of the estimate if it has one."""
    for alert in alerts[:1]:
        finding = findings.get((alert.key.column, alert.key.kind), {})
        if since := finding.get("since"):
            low, high = finding.get("since_low"), finding.get("since_high")
            between = f" (between {low} and {high})" if low and high and low != high else ""
            return clean(f"{since}{between}")
        if alert.since is not None:
            return rfc3339(alert.since)
    return ""


def _where(notification: Notification, decision: Mapping[str, Any]) -> str:
    ref = notification.decision
    version = f" version {ref.version}" if ref.version else ""
    segment = f"segment {ref.segment}" if ref.segment else "all traffic"
    records = decision.get("window", {}).get("records")
    size = f", {records} records" if records is not None else ""
    start, end = rfc3339(ref.window_start), rfc3339(ref.window_end)
    return f"model {ref.model}{version}, {segment}, window {start} to {end}{size}"


def _cause(alerts: Sequence[Alert], decision: Mapping[str, Any]) -> str:
    """Say whether the data or the world changed, and claim no more than the checks can carry."""
    if not alerts:
        return ""
    drifting = {alert.key.column for alert in alerts if alert.key.kind == _WORLD}
    broken = {
        finding["column"] for finding in decision.get("findings", ()) if finding["kind"] != _WORLD
    } | {alert.key.column for alert in alerts if alert.key.kind != _WORLD}
    if not drifting:
        return "the data: what arrives is not what the baseline was made of"
    if drifting & broken or "" in broken:
        return "the data, so far: mend them first, what moved may follow from it"
    if any(alert.key.kind != _WORLD for alert in alerts):
        return "both: some columns broke, others moved while passing every data check"
    return "the world, as far as records can tell: these columns passed every data check"


def _step(alerts: Sequence[Alert]) -> str:
    """What to do about the most important trouble; broken data come before what moved."""
    data = [alert for alert in alerts if alert.key.kind != _WORLD]
    for alert in [*data, *alerts][:1]:
        step = _STEPS.get(alert.key.kind, _STEP)
        return step.replace("{column}", clean(alert.key.column, 80) or "the records")
    return ""
