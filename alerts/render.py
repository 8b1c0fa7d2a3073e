"""Notifications as text for people and as CloudEvents 1.0 for machines.

The CloudEvent is structured JSON: canonical (sorted keys, no white space), bounded in size, and
made once; from here on it is bytes, stored, signed and sent as they are. It carries the text too,
so that the simplest receiver can pass it on.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined, Template

from alerts.channels.base import OutboundMessage
from alerts.clock import rfc3339
from alerts.wording import word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.alert import Alert, Change, Notification
    from alerts.wording import Wording

FIRING = "io.driftd.alert.firing.v1"
RESOLVED = "io.driftd.alert.resolved.v1"
CONTENT_TYPE = "application/cloudevents+json"

MOST_FINDINGS = 50
MOST_ALERTS = 100
"""Bounds of the event's lists; their true lengths stand beside them."""

_TEXT = """\
{{ words.subject }}
{% if words.moved %}
What moved
{%- for sentence in words.moved %}
  - {{ sentence }}
{%- endfor %}
{%- if words.more %}
  and {{ words.more }}
{%- endif %}
{% endif %}
{%- if words.resolved %}
What is over
{%- for sentence in words.resolved %}
  - {{ sentence }}
{%- endfor %}
{% endif %}
{%- if words.since %}
Since:    {{ words.since }}
{%- endif %}
Where:    {{ words.where }}
{%- if words.cause %}
Cause:    {{ words.cause }}
{%- endif %}
{%- if words.step %}
Next:     {{ words.step }}
{%- endif %}
{%- if words.still_firing %}
Open:     {{ words.still_firing }} more {{ "alert" if words.still_firing == 1 else "alerts" }} here
{%- endif %}
{%- if link %}
Evidence: {{ link }}
{%- endif %}
Replay:   {{ replay }}
"""


def render_message(
    notification: Notification, decision: Mapping[str, Any], *, source: str, link: str = ""
) -> OutboundMessage:
    """Return the notification as it is put into the outbox.

    Parameters
    ----------
    notification
        What changed; its id becomes the message's and the event's.
    decision
        The decision's JSON as data.
    source
        This daemon as a URI reference, e.g. `/driftd/prod-eu`.
    link
        Address of the evidence page; "" leaves it out.
    """
    words = word(notification, decision)
    return OutboundMessage(
        id=notification.id,
        subject=words.subject,
        body=_event(notification, decision, words, source=source, link=link),
        content_type=CONTENT_TYPE,
    )


def render_text(notification: Notification, decision: Mapping[str, Any], *, link: str = "") -> str:
    """Return the notification as plain text of a few lines."""
    return _text(notification, word(notification, decision), link)


def replay_command(decision_id: str) -> str:
    """Return the command that recomputes a decision and compares the bytes."""
    return f"driftd replay {decision_id}"


def _text(notification: Notification, words: Wording, link: str) -> str:
    replay = replay_command(notification.decision.decision_id)
    return _template().render(words=words, link=link, replay=replay)


@cache
def _template() -> Template:
    # Plain text, not HTML: escaping would only make column names unreadable.
    environment = Environment(
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701
    )
    return environment.from_string(_TEXT)


def _event(
    notification: Notification,
    decision: Mapping[str, Any],
    words: Wording,
    *,
    source: str,
    link: str,
) -> bytes:
    """Build the CloudEvent's bytes."""
    event = {
        "specversion": "1.0",
        "id": notification.id,
        "source": source,
        "type": FIRING if notification.firing else RESOLVED,
        "subject": _subject(notification),
        "time": rfc3339(notification.at),
        "datacontenttype": "application/json",
        "data": _data(notification, decision, _text(notification, words, link), link),
    }
    text = json.dumps(
        event, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    # A lone surrogate has no UTF-8; written as \udXXX it is the JSON escape of itself.
    return text.encode("utf-8", "backslashreplace")


def _subject(notification: Notification) -> str:
    """Name the thing as a path, escaped so that no name can pass for another path."""
    ref = notification.decision
    path = f"models/{quote(ref.model, safe='', errors='replace')}"
    if ref.segment:
        path += f"/segments/{quote(ref.segment, safe='=', errors='replace')}"
    return path


def _data(
    notification: Notification, decision: Mapping[str, Any], text: str, link: str
) -> dict[str, Any]:
    ref = notification.decision
    findings = decision.get("findings", ())
    return {
        "model": ref.model,
        "version": ref.version,
        "segment": ref.segment,
        "status": "firing" if notification.firing else "resolved",
        "severity": notification.severity,
        "window": decision.get(
            "window", {"start": rfc3339(ref.window_start), "end": rfc3339(ref.window_end)}
        ),
        "verdict": decision.get("verdict"),
        "guarantee": decision.get("guarantee"),
        "summary": decision.get("summary"),
        "text": text,
        "findings": list(findings[:MOST_FINDINGS]),
        "findings_total": len(findings),
        "alerts": [_alert(change, alert) for change, alert in notification.changes[:MOST_ALERTS]],
        "alerts_total": len(notification.changes),
        "still_firing": notification.still_firing,
        "decision_id": ref.decision_id,
        "replay": replay_command(ref.decision_id),
        "link": link or None,
    }


def _alert(change: Change, alert: Alert) -> dict[str, Any]:
    """Return what a machine needs of one alert; `details` stay behind, the findings have them."""
    return {
        "id": alert.id,
        "change": change.name.lower(),
        "column": alert.key.column,
        "kind": alert.key.kind,
        "severity": alert.severity,
        "state": alert.state,
        "summary": alert.summary,
        "since": _time(alert.since),
        "opened_at": _time(alert.opened_at),
        "fired_at": _time(alert.fired_at),
        "resolved_at": _time(alert.resolved_at),
        "windows": alert.windows,
    }


def _time(micros: int | None) -> str | None:
    return None if micros is None else rfc3339(micros)
