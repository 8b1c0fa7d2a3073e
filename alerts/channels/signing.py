"""Standard Webhooks signatures (symmetric, `v1`): HMAC-SHA256 over `{id}.{timestamp}.{body}`.

Source: standard-webhooks, spec/standard-webhooks.md, at b2fa7b8.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING

from alerts.errors import ChannelError
from alerts.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable

_PREFIX = "whsec_"
_MIN_KEY, _MAX_KEY = 24, 64


class Signer:
    """Signs with every key it has, so that a receiver may know the old or the new one.

    Parameters
    ----------
    secrets
        Texts `whsec_` + base64 of 24 to 64 bytes; surrounding white space is dropped, for they
        come from files. `ChannelError` when there is none or one is malformed.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._keys = tuple(Secret(_key(text.strip())) for text in secrets)
        if not self._keys:
            raise ChannelError("secret is missing: the receiver could not tell our messages apart")

    def headers(self, message_id: str, seconds: int, body: bytes) -> dict[str, str]:
        """Return the three headers for exactly these bytes, at this time (seconds since epoch)."""
        content = f"{message_id}.{seconds}.".encode() + body
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": " ".join(_signature(key, content) for key in self._keys),
        }

    def __repr__(self) -> str:
        return f"<signer with {len(self._keys)} keys>"


def _signature(key: Secret[bytes], content: bytes) -> str:
    digest = hmac.digest(key.reveal(), content, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode("ascii")


def _key(text: str) -> bytes:
    """Decode one secret; base64 padding may be missing."""
    if not text.startswith(_PREFIX):
        raise ChannelError("secret must begin with whsec_")
    encoded = text.removeprefix(_PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ChannelError("secret must be base64 after whsec_") from None
    if not _MIN_KEY <= len(key) <= _MAX_KEY:
        raise ChannelError(f"secret must have {_MIN_KEY} to {_MAX_KEY} bytes, got {len(key)}")
    return key
