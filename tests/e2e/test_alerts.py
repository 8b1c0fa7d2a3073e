"""Alerts on their way out: signed, repeated after an outage, given up visibly, brought back."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks import Webhook

from tests import shop
from tests.alerts.receiver import SECRET, Got, Receiver, Reply, receiving
from tests.daemon import Daemon, driftd, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PER = shop.PER_WINDOW
CHANNEL = """\
alerts:
  channels:
    - {{name: ops, type: webhook, url: "{url}", secret_file: hook.secret, allow_http: true{more}}}
"""
LOOPBACK = ", allow_networks: [127.0.0.0/8]"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def alerting(folder: Path, baseline: bytes, url: str, more: str = LOOPBACK) -> Daemon:
    (folder / "hook.secret").write_text(SECRET)
    return shop.place(folder, baseline, more=CHANNEL.format(url=url, more=more))


def drift(daemon: Daemon) -> None:
    """A stable hour, then amounts that nobody can overlook."""
    daemon.send(shop.lines(shop.stream(0, 2 * PER)))
    daemon.send(shop.lines(shop.stream(2 * PER, 2 * PER, shift=3.0)))
    eventually(daemon.caught_up, "the engine has caught up")


def verified(got: Got) -> dict[str, Any]:
    """The event, if the signature is right; by the code that receivers use."""
    event: dict[str, Any] = Webhook(SECRET).verify(got.body, got.headers)
    assert event["id"] == got.headers["webhook-id"]
    return event


def dead_letters(folder: Path) -> list[dict[str, Any]]:
    done = driftd(folder, "alerts", "dead-letters", "--json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_an_outage_and_a_restart_delay_an_alert_and_lose_nothing(
    tmp_path: Path, shop_baseline: bytes, receiver: Receiver
) -> None:
    receiver.default = Reply(HTTPStatus.SERVICE_UNAVAILABLE)
    with alerting(tmp_path, shop_baseline, receiver.url()) as daemon:
        daemon.start()
        drift(daemon)
        eventually(lambda: bool(receiver.got), "the first attempt")
        daemon.kill()
        tried = len(receiver.got)
        receiver.default = Reply()
        daemon.start()
        sent = {got.headers["webhook-id"] for got in receiver.got[:tried]}
        eventually(
            lambda: sent <= {got.headers["webhook-id"] for got in receiver.got[tried:]},
            "everything that failed is sent again",
        )
        alerts = daemon.get("/v1/alerts")
        daemon.stop()
    assert {alert["state"] for alert in alerts} == {"firing"}
    bodies: dict[str, set[bytes]] = {}
    for got in receiver.got:
        event = verified(got)
        assert (event["specversion"], event["type"]) == ("1.0", "io.driftd.alert.firing.v1")
        assert got.headers["content-type"] == "application/cloudevents+json"
        bodies.setdefault(event["id"], set()).add(got.body)
    assert {len(same) for same in bodies.values()} == {1}
    events = [verified(got) for got in receiver.got]
    assert any("amount" in event["data"]["text"] for event in events)
    assert all(event["data"]["replay"].startswith("driftd replay ") for event in events)


def test_an_alert_resolves_when_the_stream_is_back(
    tmp_path: Path, shop_baseline: bytes, receiver: Receiver
) -> None:
    with alerting(tmp_path, shop_baseline, receiver.url()) as daemon:
        daemon.start()
        drift(daemon)
        daemon.send(shop.lines(shop.stream(4 * PER, 20 * PER)))
        eventually(daemon.caught_up, "the engine has caught up")
        eventually(lambda: daemon.get("/v1/alerts") == [], "nothing is open any more")
        kinds = {"io.driftd.alert.firing.v1", "io.driftd.alert.resolved.v1"}
        eventually(lambda: {verified(got)["type"] for got in receiver.got} == kinds, "both told")
        assert daemon.get("/v1/alerts?state=resolved")


def test_what_a_receiver_refuses_for_good_is_a_dead_letter(
    tmp_path: Path, shop_baseline: bytes, receiver: Receiver
) -> None:
    receiver.default = Reply(HTTPStatus.BAD_REQUEST)
    with alerting(tmp_path, shop_baseline, receiver.url()) as daemon:
        daemon.start()
        drift(daemon)
        eventually(lambda: bool(dead_letters(tmp_path)), "a dead letter", pause=0.5)
        daemon.stop()
        letters = dead_letters(tmp_path)
        assert {(letter["channel"], letter["reason"]) for letter in letters} == {
            ("ops", "client_error")
        }
        receiver.default = Reply()
        refused = len(receiver.got)
        again = letters[0]["id"]
        done = driftd(tmp_path, "alerts", "redeliver", again, "ops")
        assert done.returncode == 0, done.stderr
        daemon.start()
        eventually(lambda: len(receiver.got) > refused, "it is delivered")
        assert verified(receiver.got[refused])["id"] == again
        eventually(
            lambda: again not in {letter["id"] for letter in dead_letters(tmp_path)},
            "it is no dead letter any more",
            pause=0.5,
        )


def test_a_private_address_is_not_called_unless_it_is_allowed(
    tmp_path: Path, shop_baseline: bytes, receiver: Receiver
) -> None:
    with alerting(tmp_path, shop_baseline, receiver.url(), more="") as daemon:
        daemon.start()
        drift(daemon)
        eventually(lambda: bool(dead_letters(tmp_path)), "a dead letter", pause=0.5)
        daemon.stop()
    assert {letter["reason"] for letter in dead_letters(tmp_path)} == {"refused_address"}
    assert receiver.connections == 0
