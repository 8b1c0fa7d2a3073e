"""The guarded POST against a real server: what it refuses, bounds and classifies."""

from __future__ import annotations

import gzip
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from alerts.channels.address import AddressPolicy
from alerts.channels.base import Reason
from alerts.channels.guard import system_resolver
from alerts.channels.transport import Answer, NoAnswer, Transport
from alerts.channels.url import ReceiverUrl
from monitor.clock import SystemClock
from tests.alerts.receiver import Receiver, Reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOOPBACK = AddressPolicy.allowing(["127.0.0.0/8"])


def transport(policy: AddressPolicy = LOOPBACK, **options: Any) -> Transport:
    return Transport(policy, SystemClock(), **({"timeout": 5.0} | options))


def post(sender: Transport, url: str, body: bytes = b"{}") -> Answer | NoAnswer:
    return sender.post(ReceiverUrl.parse(url, allow_http=True), {"X-Test": "1"}, body)


def resolver(*addresses: str) -> Callable[[str, int], list[str]]:
    calls = []

    def resolve(host: str, port: int) -> list[str]:
        calls.append(host)
        assert len(calls) == 1, "resolved twice"
        return list(addresses)

    return resolve


def test_the_bytes_arrive_as_they_are(receiver: Receiver) -> None:
    body = bytes(range(256)) * 1000
    answer = post(transport(), receiver.url("/a?b=%20c"), body)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body) == (200, b"{}")
    (got,) = receiver.got
    assert (got.path, got.body) == ("/a?b=%20c", body)
    assert got.headers["x-test"] == "1"
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert got.headers["connection"] == "close"


def test_a_redirect_is_an_answer_and_not_followed(receiver: Receiver) -> None:
    receiver.default = Reply(302, {"Location": receiver.url("/inside")})
    answer = post(transport(), receiver.url())
    assert isinstance(answer, Answer)
    assert answer.status == 302
    assert len(receiver.got) == 1


def test_no_proxy_from_the_environment(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert isinstance(post(transport(), receiver.url()), Answer)


def test_an_endless_answer_is_cut_off(receiver: Receiver) -> None:
    receiver.default = Reply(
        headers={"Content-Length": str(10**15)}, body=b"x" * 1000, endless=True
    )
    answer = post(transport(timeout=2.0), receiver.url())
    assert isinstance(answer, Answer)
    assert answer.body == b"x" * 65_536
    assert receiver.sent_bytes < 20_000_000


def test_a_compressed_answer_stays_compressed(receiver: Receiver) -> None:
    bomb = gzip.compress(b"x" * 10_000_000)
    receiver.default = Reply(headers={"Content-Encoding": "gzip"}, body=bomb)
    answer = post(transport(), receiver.url())
    assert isinstance(answer, Answer)
    assert answer.body == bomb


def test_a_broken_body_after_the_status_is_no_failure(receiver: Receiver) -> None:
    receiver.default = Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
    answer = post(transport(), receiver.url())
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body) == (200, b"short")


def test_a_hanging_receiver_times_out(receiver: Receiver) -> None:
    receiver.default = Reply(hang=True)
    answer = post(transport(timeout=0.2), receiver.url())
    assert answer == NoAnswer(Reason.TIMEOUT, "no answer within 0.2 s")


def test_a_dripping_receiver_meets_one_deadline(receiver: Receiver) -> None:
    """Each byte comes well within a timeout per read; only a deadline over all ends it."""
    receiver.replies.append(Reply(raw=b"HTTP/1.1 200 OK\r\n" + b"X-Long: x\r\n" * 99, drip=0.05))
    answer = post(transport(timeout=0.4), receiver.url())
    assert answer == NoAnswer(Reason.TIMEOUT, "no answer within 0.4 s")
    receiver.replies.append(Reply(body=b"x" * 1000, drip=0.05))
    answer = post(transport(timeout=0.4), receiver.url())
    assert isinstance(answer, Answer)
    assert 0 < len(answer.body) < 100


def test_a_refused_address_gets_no_connection(receiver: Receiver) -> None:
    answer = post(transport(AddressPolicy()), receiver.url())
    assert isinstance(answer, NoAnswer)
    assert answer.reason is Reason.REFUSED_ADDRESS
    assert "loopback" in answer.detail
    assert "127.0.0.1" not in answer.detail
    assert receiver.connections == 0


@pytest.mark.parametrize(
    "host", ["localhost", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "0", "[::1]", "[::]"]
)
def test_no_notation_of_an_address_gets_around(receiver: Receiver, host: str) -> None:
    answer = post(transport(AddressPolicy()), receiver.url(host=host))
    assert isinstance(answer, NoAnswer)
    assert answer.reason in {Reason.REFUSED_ADDRESS, Reason.DNS}
    assert receiver.connections == 0


def test_the_judged_address_is_the_one_connected_to(receiver: Receiver) -> None:
    """The name exists only in the injected resolver, which tolerates one question."""
    answer = post(transport(resolver=resolver("127.0.0.1")), receiver.url(host="receiver.invalid"))
    assert isinstance(answer, Answer)
    assert receiver.got[0].headers["host"] == f"receiver.invalid:{receiver.port}"


def test_one_refused_address_refuses_the_name(receiver: Receiver) -> None:
    answer = post(
        transport(resolver=resolver("127.0.0.1", "10.0.0.1")), receiver.url(host="a.invalid")
    )
    assert isinstance(answer, NoAnswer)
    assert answer.reason is Reason.REFUSED_ADDRESS
    assert receiver.connections == 0


def test_the_next_judged_address_is_tried(receiver: Receiver) -> None:
    answer = post(
        transport(resolver=resolver("127.99.0.1", "127.0.0.1")), receiver.url(host="a.invalid")
    )
    assert isinstance(answer, Answer)


def test_names_without_addresses(receiver: Receiver) -> None:
    def failing(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, f"{host} is not known")

    for answer in (
        post(transport(resolver=failing), receiver.url(host="hush.invalid")),
        post(transport(resolver=resolver()), receiver.url(host="hush.invalid")),
        post(transport(), receiver.url(host="a" * 70 + ".invalid")),
    ):
        assert isinstance(answer, NoAnswer)
        assert answer.reason is Reason.DNS
        assert "hush" not in answer.detail


def test_a_closed_port_is_a_connection_failure() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        answer = post(transport(), f"http://127.0.0.1:{port}/")
    assert answer == NoAnswer(Reason.CONNECTION, "connection failed")


@pytest.mark.parametrize(
    "raw", [b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n", b"\x00" * 200_000]
)
def test_what_is_not_http(receiver: Receiver, raw: bytes) -> None:
    receiver.default = Reply(raw=raw)
    answer = post(transport(), receiver.url())
    assert isinstance(answer, NoAnswer)
    assert answer.reason in {Reason.BAD_RESPONSE, Reason.CONNECTION}


def test_tls_verifies_the_name_at_the_judged_address(
    tls_receiver: Receiver, certificate: Path
) -> None:
    context = ssl.create_default_context(cafile=str(certificate / "cert.pem"))
    for host, reached in (("receiver.test", True), ("other.test", False)):
        sender = transport(resolver=resolver("127.0.0.1"), ssl_context=context)
        answer = post(sender, tls_receiver.url(host=host))
        if reached:
            assert isinstance(answer, Answer)
        else:
            assert answer == NoAnswer(Reason.TLS, "TLS failed")
    assert len(tls_receiver.got) == 1


def test_an_unknown_authority_and_a_plain_server_fail_tls(
    tls_receiver: Receiver, receiver: Receiver
) -> None:
    sender = transport(resolver=resolver("127.0.0.1"))
    assert post(sender, tls_receiver.url(host="receiver.test")) == NoAnswer(
        Reason.TLS, "TLS failed"
    )
    answer = post(transport(), receiver.url().replace("http:", "https:"))
    assert isinstance(answer, NoAnswer)
    assert answer.reason in {Reason.TLS, Reason.CONNECTION}
    assert tls_receiver.got == receiver.got == []


def test_the_system_resolver_normalises_and_lists_each_address_once() -> None:
    assert system_resolver("127.1", 80) == ["127.0.0.1"]
    addresses = system_resolver("localhost", 80)
    assert len(addresses) == len(set(addresses)) > 0
