"""The address of a receiver, checked once and never shown: many receivers put a token into it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from alerts.errors import ChannelError
from alerts.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, repr=False)
class ReceiverUrl:
    """An http or https URL without user, password and fragment.

    Attributes
    ----------
    scheme, host, port
        `host` without brackets; `port` is explicit even when it is the scheme's own.
    target
        Path and query as they go on the wire, kept secret.
    fingerprint
        16 hex digits over the whole URL: tells two addresses apart and shows neither.
    """

    scheme: str
    host: str
    port: int
    target: Secret[str]
    fingerprint: str

    @classmethod
    def parse(cls, text: str, *, allow_http: bool) -> ReceiverUrl:
        """Check and split `text`; `ChannelError` names what is wrong and shows nothing of it."""
        parts = _split(text)
        for problem in _problems(text, parts, allow_http=allow_http):
            raise ChannelError(f"url {problem}")
        path = parts.path or "/"
        return cls(
            scheme=parts.scheme,
            host=parts.hostname or "",
            port=parts.port or _PORTS[parts.scheme],
            target=Secret(f"{path}?{parts.query}" if parts.query else path),
            fingerprint=hashlib.sha256(text.encode()).hexdigest()[:16],
        )

    @property
    def host_header(self) -> str:
        """The Host header: IPv6 in brackets, the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __repr__(self) -> str:
        return f"<receiver {self.fingerprint}>"


def _split(text: str) -> SplitResult:
    """Split and force the port to be read; the parser's own messages quote the URL."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ChannelError("url is not a valid URL") from None
    return parts


def _problems(text: str, parts: SplitResult, *, allow_http: bool) -> Iterator[str]:
    """Say what is wrong, the first problem first."""
    if not text.isascii() or not text.isprintable() or " " in text:
        yield "must be ASCII without spaces: percent-encode the path, write the host in xn-- form"
    if parts.scheme not in _PORTS:
        yield "must begin with https://"
    if parts.scheme == "http" and not allow_http:
        yield "must be https; say allow_http: true if the way to this receiver is trusted"
    if parts.username is not None or parts.password is not None:
        yield "must not contain a user or password: use a token or a signature"
    if not parts.hostname:
        yield "has no host"
    if parts.port == 0:
        yield "has port 0"
    if parts.fragment:
        yield "must not have a fragment"
