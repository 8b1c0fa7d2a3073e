"""What detectors outside of this process said of windows, and when it is told.

A worker's answer comes as a control entry of the journal, some time after the decision on the
window that it speaks of. That decision is made; the next one of the same stream tells it. A replay
reads the same entries and needs no worker.

    {"type": "external", "model": name, "version": version, "detector": name,
     "start": micros, "end": micros, "severity": "warning" or "drift",
     "alarm": bool, "statistic": x, "p_value": x, "threshold": x, "time": micros,
     "shares": {column: part}}
or, where there was no answer, "error": why instead of the last two lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from monitor.engine.decision import Finding, rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.engine.windows import ClosedWindow

KIND: Final = "external"
MAX_WAITING: Final = 256
"""Answers that wait for a decision; of more the oldest are forgotten."""


class ExternalWatch:
    """Answers about one model that wait to be told."""

    def __init__(self) -> None:
        self._waiting: list[Mapping[str, Any]] = []

    def add(self, message: Mapping[str, Any]) -> None:
        """Take in an answer; one that found nothing is not kept, and a repeated one counts once."""
        if not message.get("alarm") and "error" not in message:
            return
        known = [other for other in self._waiting if _place(other) != _place(message)]
        self._waiting = [*known, message][-MAX_WAITING:]

    def take(self, window: ClosedWindow) -> tuple[Finding, ...]:
        """Findings for the decision on a window of the whole stream; they wait no more."""
        stream = window.stream
        if stream.segment:
            return ()
        due = [message for message in self._waiting if message["version"] == stream.version]
        self._waiting = [message for message in self._waiting if message not in due]
        return tuple(map(_finding, sorted(due, key=_place)))

    def state(self) -> list[dict[str, Any]]:
        """Plain data that `restore` continues from."""
        return [dict(message) for message in self._waiting]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Continue where `state` was taken."""
        self._waiting = list(state)


def _place(message: Mapping[str, Any]) -> tuple[int, str, str]:
    return int(message["start"]), str(message["version"]), str(message["detector"])


def _finding(message: Mapping[str, Any]) -> Finding:
    detector, start = message["detector"], rfc3339(message["start"])
    since = rfc3339(message["time"]) if message.get("time") is not None else start
    failed = "error" in message
    return Finding(
        kind=KIND,
        column="",
        severity="warning" if failed else message["severity"],
        measure=detector,
        text=_failure(message, start) if failed else _alarm(message, start, since),
        since=since,
        since_low=start,
        since_high=since,
        effect=message.get("statistic"),
        effect_unit="" if failed else "statistic",
        shares=message.get("shares") or {},
    )


def _failure(message: Mapping[str, Any], start: str) -> str:
    return f"{message['detector']} could not judge the window from {start}: {message['error']}"


def _alarm(message: Mapping[str, Any], start: str, since: str) -> str:
    detector, p, line = message["detector"], message.get("p_value"), message.get("threshold")
    if p is not None:
        said = f"the window from {start} differs from the baseline (p = {p:.2g}, level {line:g})"
        text = f"{detector}: {said}"
    else:
        at = f"at the record of {since}, statistic {message['statistic']:.3g} over {line:.3g}"
        text = f"{detector} alarmed in the window from {start} ({at})"
    most = sorted((message.get("shares") or {}).items(), key=lambda item: (-item[1], item[0]))
    columns = [name for name, _ in most[:3]]
    return f"{text}, mostly by {', '.join(columns)}" if columns else text
