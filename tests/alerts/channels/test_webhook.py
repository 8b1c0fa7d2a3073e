"""The webhook channel end to end: a real receiver, the reference verifier, every kind of answer."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest
from standardwebhooks import Webhook

from alerts.channels.address import AddressPolicy
from alerts.channels.base import Attempt, ChannelServices, OutboundMessage, Outcome, Reason
from alerts.channels.transport import Transport
from alerts.channels.webhook import WebhookChannel, judge_status
from alerts.errors import ChannelError
from monitor.clock import ManualClock, SystemClock
from tests.alerts.receiver import SECRET, Receiver, Reply

OTHER = "whsec_" + base64.b64encode(b"another-key-of-the-receiver").decode()
MESSAGE = OutboundMessage("msg_1", "subject", '{"über":1}'.encode(), "application/cloudevents+json")


def channel(url: str, secrets: tuple[str, ...] = (SECRET,), timeout: float = 5.0) -> WebhookChannel:
    clock = SystemClock()
    transport = Transport(AddressPolicy.allowing(["127.0.0.1"]), clock, timeout=timeout)
    return WebhookChannel("ops", url, secrets, transport=transport, clock=clock, allow_http=True)


def test_the_reference_verifier_accepts_what_the_receiver_got(receiver: Receiver) -> None:
    assert channel(receiver.url(), (SECRET, OTHER)).send(MESSAGE) == Attempt(
        Outcome.DELIVERED, Reason.OK, detail="HTTP 200"
    )
    (got,) = receiver.got
    assert got.body == MESSAGE.body
    assert got.headers["content-type"] == "application/cloudevents+json"
    assert got.headers["webhook-id"] == "msg_1"
    for secret in (SECRET, OTHER):
        assert Webhook(secret).verify(got.body, got.headers) == {"über": 1}


def test_every_attempt_is_signed_for_its_own_time(receiver: Receiver) -> None:
    clock = ManualClock(1_000_000_000_999_999)
    transport = Transport(AddressPolicy.allowing(["127.0.0.1"]), SystemClock(), timeout=5.0)
    sender = WebhookChannel(
        "ops", receiver.url(), [SECRET], transport=transport, clock=clock, allow_http=True
    )
    sender.send(MESSAGE)
    clock.advance(3600)
    sender.send(MESSAGE)
    first, second = receiver.got
    assert first.headers["webhook-timestamp"] == "1000000000"
    assert second.headers["webhook-timestamp"] == "1000003600"
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


@pytest.mark.parametrize(
    ("reply", "attempt"),
    [
        (Reply(204, body=b""), Attempt(Outcome.DELIVERED, Reason.OK, None, "HTTP 204")),
        (Reply(500), Attempt(Outcome.RETRY, Reason.SERVER_ERROR, None, "HTTP 500")),
        (
            Reply(429, {"Retry-After": "120"}),
            Attempt(Outcome.RETRY, Reason.RATE_LIMITED, 120.0, "HTTP 429"),
        ),
        (
            Reply(503, {"Retry-After": "soon"}),
            Attempt(Outcome.RETRY, Reason.SERVER_ERROR, None, "HTTP 503"),
        ),
        (
            Reply(410, {"Retry-After": "1"}),
            Attempt(Outcome.DISABLED, Reason.GONE, None, "HTTP 410"),
        ),
        (
            Reply(307, {"Location": "http://127.0.0.1/"}),
            Attempt(Outcome.FAILED, Reason.REDIRECT, None, "HTTP 307"),
        ),
        (Reply(413), Attempt(Outcome.FAILED, Reason.CLIENT_ERROR, None, "HTTP 413")),
        (Reply(raw=b"nonsense\r\n"), Attempt(Outcome.RETRY, Reason.BAD_RESPONSE, None, "")),
    ],
)
def test_answers(receiver: Receiver, reply: Reply, attempt: Attempt) -> None:
    receiver.default = reply
    got = channel(receiver.url()).send(MESSAGE)
    assert (got.outcome, got.reason, got.retry_after) == (
        attempt.outcome,
        attempt.reason,
        attempt.retry_after,
    )
    assert got.detail.startswith(attempt.detail)
    assert len(receiver.got) == 1


def test_a_retry_after_date(receiver: Receiver) -> None:
    later = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 600))
    receiver.default = Reply(429, {"Retry-After": later})
    wait = channel(receiver.url()).send(MESSAGE).retry_after
    assert wait is not None
    assert 500 < wait <= 600


def test_no_answer_is_retried_and_a_refused_address_is_not(receiver: Receiver) -> None:
    receiver.default = Reply(hang=True)
    hung = channel(receiver.url(), timeout=0.2).send(MESSAGE)
    assert (hung.outcome, hung.reason) == (Outcome.RETRY, Reason.TIMEOUT)
    refused = channel(receiver.url(host="127.0.0.2")).send(MESSAGE)
    assert (refused.outcome, refused.reason) == (Outcome.FAILED, Reason.REFUSED_ADDRESS)


def test_every_status_has_a_meaning() -> None:
    outcomes = {status: judge_status(status)[0] for status in range(100, 1000)}
    assert {s for s, outcome in outcomes.items() if outcome is Outcome.DELIVERED} == set(
        range(200, 300)
    )
    assert {s for s, outcome in outcomes.items() if outcome is Outcome.DISABLED} == {410}
    assert all(outcomes[status] is Outcome.RETRY for status in range(500, 600))
    assert all(outcomes[status] is Outcome.RETRY for status in (401, 403, 404, 408, 425, 429))
    assert all(outcomes[status] is Outcome.FAILED for status in (301, 302, 308, 400, 405, 422))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "url is missing"),
        ({"url": "https://a.example/"}, "secret is missing"),
        ({"url": "http://a.example/", "secrets": [SECRET]}, "allow_http: true"),
        (
            {"url": "http://a.example/", "secrets": [SECRET], "allow_http": "no"},
            "allow_http: true",
        ),
        ({"url": "https://a.example/", "secret": SECRET}, "webhook has no option secret"),
    ],
)
def test_options(options: dict[str, Any], problem: str) -> None:
    clock = ManualClock()
    services = ChannelServices(Transport(AddressPolicy(), clock), clock)
    with pytest.raises(ChannelError, match=problem):
        WebhookChannel.from_options("ops", options, services)
