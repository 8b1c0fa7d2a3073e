"""Bearer tokens from a file, and the cookie that stands for one in a browser.

The cookie is `expiry.HMAC(token, expiry)`: it proves that somebody showed the token, ends by
itself, dies with the token, and does not reveal it.
"""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

MIN_LENGTH = 16
COOKIE = "driftd_session"
COOKIE_SECONDS = 30 * 86_400

_PURPOSE = b"driftd page session until "


def read_tokens(path: str | Path) -> tuple[str, ...]:
    """Tokens of a file: one per line; blank lines and lines that begin with `#` do not count.

    Raises
    ------
    UsageError
        The file cannot be read, holds no token, or one that is too short to be safe. The message
        never quotes a token.
    """
    try:
        lines = Path(path).read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot read the token file: {type(error).__name__}") from None
    tokens = []
    for number, line in enumerate(lines, start=1):
        token = line.strip()
        if not token or token.startswith("#"):
            continue
        if len(token) < MIN_LENGTH or " " in token:
            raise UsageError(
                f"{path}:{number}: a token is one word of at least {MIN_LENGTH} characters; "
                "make one with: openssl rand -hex 32"
            )
        tokens.append(token)
    if not tokens:
        raise UsageError(f"{path}: holds no token; make one with: openssl rand -hex 32")
    return tuple(tokens)


def matching(shown: str, tokens: Iterable[str]) -> str | None:
    """The token that equals `shown`; always compares with all of them, in constant time."""
    found = None
    given = shown.encode("utf-8", "surrogateescape")
    for token in tokens:
        if hmac.compare_digest(given, token.encode()):
            found = token
    return found


def make_cookie(token: str, now: int) -> str:
    """Value of the cookie for `token`; `now` in microseconds since the epoch."""
    expiry = str(now // 1_000_000 + COOKIE_SECONDS)
    return f"{expiry}.{_signature(token, expiry)}"


def cookie_valid(value: str, tokens: Iterable[str], now: int) -> bool:
    """Whether `value` was made for one of `tokens` and has not ended."""
    expiry, _, signature = value.partition(".")
    good = False
    for token in tokens:
        expected = _signature(token, expiry)
        good |= hmac.compare_digest(signature.encode("utf-8", "surrogateescape"), expected.encode())
    return good and expiry.isdecimal() and int(expiry) * 1_000_000 > now


def _signature(token: str, expiry: str) -> str:
    message = _PURPOSE + expiry.encode("utf-8", "surrogateescape")
    return hmac.digest(token.encode(), message, "sha256").hex()
