"""Standard Webhooks: our signatures before the reference implementation's own verifier."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from alerts.channels.signing import Signer
from alerts.errors import ChannelError

KEYS = st.binary(min_size=24, max_size=64)


def secret(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


@given(KEYS, st.text(alphabet="msg_0123456789abcdef", min_size=1), st.text())
def test_the_reference_accepts_what_we_sign(key: bytes, message_id: str, text: str) -> None:
    headers = Signer([secret(key)]).headers(message_id, int(time.time()), text.encode("utf-8"))
    Webhook(secret(key)).verify(text.encode(), headers, json_parse=False)


@given(KEYS, KEYS)
def test_with_two_secrets_a_receiver_may_know_either(old: bytes, new: bytes) -> None:
    headers = Signer([secret(old), secret(new)]).headers("msg_1", int(time.time()), b"{}")
    for key in (old, new):
        assert Webhook(secret(key)).verify(b"{}", headers) == {}


def test_one_changed_byte_or_another_key_is_refused() -> None:
    key = bytes(range(32))
    headers = Signer([secret(key)]).headers("msg_1", int(time.time()), b"{}")
    with pytest.raises(WebhookVerificationError):
        Webhook(secret(key)).verify(b"{ }", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret(key[::-1])).verify(b"{}", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret(key)).verify(b"{}", headers | {"webhook-id": "msg_2"})


def test_a_known_signature() -> None:
    """From openssl.

    printf 'msg_1.1614265330.{"a":1}' |
        openssl dgst -sha256 -mac HMAC -macopt hexkey:000102...1f -binary | base64
    """
    signed = Signer([secret(bytes(range(32)))]).headers("msg_1", 1_614_265_330, b'{"a":1}')
    assert signed == {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,glGkvNcadkg5eS0kC1lHn//MXDsMAhfgJN70uXXgt2s=",
    }


def test_secrets_come_from_files_and_may_lack_padding() -> None:
    padded, bare = secret(b"x" * 25) + "\n", secret(b"x" * 25).rstrip("=")
    one, two = (Signer([text]).headers("msg_1", 1, b"") for text in (padded, bare))
    assert one == two


@pytest.mark.parametrize(
    ("secrets", "problem"),
    [
        ([], "secret is missing"),
        (["hush-hush-hush"], "must begin with whsec_"),
        (["whsec_hush!hush"], "must be base64"),
        (["whsec_" + "hü" * 20], "must be base64"),
        ([secret(b"hush")], "must have 24 to 64 bytes, got 4"),
        ([secret(b"h" * 65)], "must have 24 to 64 bytes, got 65"),
        (["whsec_"], "must have 24 to 64 bytes, got 0"),
    ],
)
def test_bad_secrets_are_refused_and_not_shown(secrets: list[str], problem: str) -> None:
    with pytest.raises(ChannelError, match=problem) as caught:
        Signer(secrets)
    assert "hush" not in str(caught.value)
