"""Talking to the running daemon, at the address and with the token of its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx2

from monitor.clock import SystemClock
from monitor.errors import UsageError
from monitor.web.tokens import read_tokens

if TYPE_CHECKING:
    from monitor.config.model import Config

TIMEOUT_SECONDS = 120.0
BUSY: Final = frozenset({429, 503})
BUSY_TRIES: Final = 30
CLOCK: Final = SystemClock()


def call(config: Config, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The JSON answer of the daemon.

    Raises
    ------
    UsageError
        No daemon answers, or it refuses; with its own words.
    """
    return _answer(config, method, path, json=body)


def send(config: Config, lines: bytes) -> dict[str, Any]:
    """Send records or labels as NDJSON; the receipt. Waits and tries again while it is refused.

    Raises
    ------
    UsageError
        As `call`.
    """
    content = {"content-type": "application/x-ndjson"}
    return _answer(config, "POST", "/v1/records", content=lines, headers=content)


def _answer(
    config: Config, method: str, path: str, *, headers: dict[str, str] | None = None, **body: Any
) -> dict[str, Any]:
    server = config.server
    host = f"[{server.host}]" if ":" in server.host else server.host
    url = f"http://{host}:{server.port}{path}"
    tokens = read_tokens(server.token_file) if server.token_file else ()
    sent = {**(headers or {}), **({"authorization": f"Bearer {tokens[0]}"} if tokens else {})}
    try:
        answer = httpx2.request(method, url, headers=sent, timeout=TIMEOUT_SECONDS, **body)
        for _ in range(BUSY_TRIES):
            if answer.status_code not in BUSY:
                break
            CLOCK.sleep(float(answer.headers.get("retry-after", 1)))
            answer = httpx2.request(method, url, headers=sent, timeout=TIMEOUT_SECONDS, **body)
    except httpx2.TransportError as error:
        raise UsageError(f"no driftd answers at {url}: {error}") from None
    if answer.is_error:
        raise UsageError(f"{url}: {answer.status_code}: {answer.json().get('detail', '')}")
    found: dict[str, Any] = answer.json()
    return found
