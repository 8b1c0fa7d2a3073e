"""What every channel promises: results instead of exceptions, and no secret anywhere.

A new channel needs a line in `SAMPLES`; without it the first test fails.
"""

from __future__ import annotations

import base64
import copy
import logging
import pickle
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from alerts.channels import registry
from alerts.channels.address import AddressPolicy
from alerts.channels.base import Attempt, Channel, ChannelServices, OutboundMessage, Outcome
from alerts.channels.registry import build_channel, known_channels
from alerts.channels.transport import Transport
from alerts.errors import ChannelError, UnknownChannelError
from alerts.outbox import rows_for
from alerts.worker import DeliveryWorker
from monitor.clock import SystemClock
from tests.alerts.receiver import Receiver, Reply, receiving
from tests.alerts.sqlite_store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = b"hush-hush-hush-hush-hush-hush"
ENCODED = base64.b64encode(KEY).decode()
TOKEN = "T0KEN-hush"  # noqa: S105
MESSAGE = OutboundMessage("msg_1", "subject", b'{"a":1}', "application/json")


def webhook(url: str) -> dict[str, Any]:
    return {"url": url, "secrets": [f"whsec_{ENCODED}"], "allow_http": True}


SAMPLES = {"webhook": webhook}
SECRETS = (TOKEN, KEY.decode(), ENCODED, ENCODED[6:20], repr(KEY))


@dataclass(frozen=True)
class Case:
    """A channel of one type, pointed at a receiver by an address with a token in it."""

    channel: Channel
    receiver: Receiver
    options: dict[str, Any]


def services(timeout: float = 0.3, network: str = "127.0.0.1") -> ChannelServices:
    clock = SystemClock()
    return ChannelServices(
        Transport(AddressPolicy.allowing([network]), clock, timeout=timeout), clock
    )


@pytest.fixture(params=sorted(SAMPLES))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def case(kind: str) -> Iterator[Case]:
    with receiving() as receiver:
        options = SAMPLES[kind](receiver.url(f"/{TOKEN}?t={TOKEN}"))
        yield Case(build_channel(kind, "ops", options, services()), receiver, options)


def clean(text: str) -> bool:
    return not any(secret in text for secret in SECRETS)


def test_every_registered_channel_is_tested_here() -> None:
    assert set(SAMPLES) == set(known_channels())


REPLIES = [
    *(Reply(status) for status in (200, 302, 400, 401, 404, 410, 413, 429, 500, 503, 599)),
    Reply(429, {"Retry-After": "x" * 1000}),
    Reply(302, {"Location": f"http://127.0.0.1/{TOKEN}"}),
    Reply(500, body=f"echo {TOKEN} {ENCODED}".encode()),
    Reply(hang=True),
    Reply(raw=b"\x00\xff" * 10),
    Reply(raw=f"{TOKEN} {ENCODED}\r\n\r\n".encode()),
    Reply(raw=b""),
    Reply(body=b"x" * 1_000_000),
]


@pytest.mark.parametrize("reply", REPLIES, ids=repr)
def test_whatever_the_receiver_does_is_a_result_without_secrets(
    case: Case, reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    case.receiver.default = reply
    store = SqliteStore()
    store.add(rows_for(MESSAGE, ["ops"], 0))
    results = []

    class Watching:
        def on_attempt(self, *values: object) -> None:
            results.append(values)

    with caplog.at_level(logging.DEBUG):
        attempt = case.channel.send(MESSAGE)
        DeliveryWorker(
            store,
            [case.channel],
            SystemClock(),
            np.random.default_rng(1),
            observer=Watching(),
        ).run_once()
    assert isinstance(attempt, Attempt)
    assert results[0][1] is attempt.outcome
    assert results[0][2] is attempt.reason
    for text in (repr(attempt), str(attempt), caplog.text, repr(results), repr(store.rows())):
        assert clean(text)
    store.close()


def test_without_a_receiver_too(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    with receiving() as receiver:
        options = SAMPLES[kind](receiver.url(f"/{TOKEN}"))
    nobody = build_channel(kind, "ops", options, services())
    refused = build_channel(kind, "ops", options, services(network="10.0.0.0/8"))
    with caplog.at_level(logging.DEBUG):
        attempts = [nobody.send(MESSAGE), refused.send(MESSAGE)]
    assert [attempt.outcome for attempt in attempts] == [Outcome.RETRY, Outcome.FAILED]
    assert clean(repr(attempts) + caplog.text)


def test_nothing_that_shows_a_channel_shows_a_secret(case: Case) -> None:
    channel = case.channel
    parts = [channel, *vars(channel).values()]
    for part in parts:
        assert clean(f"{part!r} {part!s} {part} {[part]}")
    assert clean(channel.name + channel.target)
    assert clean("".join(traceback.format_exception(RuntimeError(channel))))


def test_a_channel_cannot_be_written_away_or_copied(case: Case) -> None:
    for attempt in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            attempt(case.channel)


def test_every_wrong_option_is_an_error_without_its_value(kind: str, case: Case) -> None:
    wrong = [TOKEN, [TOKEN], [f"whsec_{TOKEN}"], f"http://[{TOKEN}", f"https://a/{TOKEN}\n", None]
    for name in [*case.options, "surplus"]:
        for value in wrong:
            if name == "allow_http":
                continue
            with pytest.raises(ChannelError, match=r"^channel ops: ") as caught:
                build_channel(kind, "ops", case.options | {name: value}, services())
            text = "".join(traceback.format_exception(caught.value))
            assert clean(str(caught.value))
            assert clean(text.replace("build_channel", ""))


def test_the_target_is_a_function_of_the_address(kind: str, case: Case) -> None:
    again = build_channel(kind, "other", case.options, services())
    moved = build_channel(kind, "ops", SAMPLES[kind]("https://elsewhere.example/"), services())
    assert case.channel.target == again.target != moved.target


def test_an_unknown_type_is_named_with_those_there_are() -> None:
    with pytest.raises(UnknownChannelError, match=r"no channel type fax, there is .*webhook"):
        build_channel("fax", "ops", {}, services())


def test_a_name_that_two_packages_claim_names_both(monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        name = "webhook"
        value = "other.package:Hook"

    monkeypatch.setattr(registry, "entry_points", lambda **_: [Point])
    with pytest.raises(ChannelError, match=r"alerts\.channels\.webhook.*other\.package:Hook"):
        known_channels()


def test_a_plug_in_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        name = "paper"
        value = "alerts.channels.webhook:WebhookChannel"

    monkeypatch.setattr(registry, "entry_points", lambda **_: [Point])
    channel = build_channel("paper", "ops", webhook("https://a.example/"), services())
    assert channel.name == "ops"
