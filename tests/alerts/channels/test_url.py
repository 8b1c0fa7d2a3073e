"""Receiver addresses: what is accepted, what is refused, and that nothing shows them."""

from __future__ import annotations

import pytest

from alerts.channels.url import ReceiverUrl
from alerts.errors import ChannelError

SECRET = "T0000-hush"  # noqa: S105


@pytest.mark.parametrize(
    ("text", "host", "port", "target", "header"),
    [
        ("https://a.example", "a.example", 443, "/", "a.example"),
        ("https://A.example:443/x?y=1", "a.example", 443, "/x?y=1", "a.example"),
        ("http://127.0.0.1:8080/hook", "127.0.0.1", 8080, "/hook", "127.0.0.1:8080"),
        ("https://[2606:4700::1]:8443/", "2606:4700::1", 8443, "/", "[2606:4700::1]:8443"),
        ("https://xn--bcher-kva.example/%20", "xn--bcher-kva.example", 443, "/%20", None),
    ],
)
def test_parts(text: str, host: str, port: int, target: str, header: str | None) -> None:
    url = ReceiverUrl.parse(text, allow_http=True)
    assert (url.host, url.port, url.target.reveal()) == (host, port, target)
    assert url.host_header == (header or host)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("http://a.example/", "must be https; say allow_http: true"),
        ("ftp://a.example/", "must begin with https://"),
        ("a.example/hook", "must begin with https://"),
        ("https://", "has no host"),
        ("https:///hook", "has no host"),
        (f"https://user:{SECRET}@a.example/", "must not contain a user or password"),
        ("https://user@a.example/", "must not contain a user or password"),
        ("https://a.example/#x", "must not have a fragment"),
        ("https://a.example:0/", "has port 0"),
        ("https://a.example:99999/", "is not a valid URL"),
        ("https://[::1/", "is not a valid URL"),
        ("https://a.example/a b", "must be ASCII without spaces"),
        ("https://a.example/a\r\nHost: b", "must be ASCII without spaces"),
        ("https://a.example\n/", "must be ASCII without spaces"),
        ("https://bücher.example/", "must be ASCII without spaces"),
        ("https://a.example/\x7f", "must be ASCII without spaces"),
    ],
)
def test_problems(text: str, problem: str) -> None:
    with pytest.raises(ChannelError, match=f"^url {problem}") as caught:
        ReceiverUrl.parse(text, allow_http=False)
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_nothing_shows_the_address() -> None:
    url = ReceiverUrl.parse(f"https://hooks.example/{SECRET}", allow_http=False)
    for text in (repr(url), str(url), f"{url}", f"{url.target}", repr([url])):
        assert SECRET not in text
        assert "hooks.example" not in text


def test_the_fingerprint_tells_addresses_apart() -> None:
    one, two, again = (
        ReceiverUrl.parse(f"https://a.example/{path}", allow_http=False) for path in "aba"
    )
    assert one.fingerprint == again.fingerprint != two.fingerprint
