"""Talking to the running daemon, at the address and with the token of its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2

from monitor.errors import UsageError
from monitor.web.tokens import read_tokens

if TYPE_CHECKING:
    from monitor.config.model import Config

TIMEOUT_SECONDS = 120.0


def call(config: Config, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The JSON answer of the daemon.

    Raises
    ------
    UsageError
        No daemon answers, or it refuses; with its own words.
    """
    server = config.server
    host = f"[{server.host}]" if ":" in server.host else server.host
    url = f"http://{host}:{server.port}{path}"
    tokens = read_tokens(server.token_file) if server.token_file else ()
    headers = {"authorization": f"Bearer {tokens[0]}"} if tokens else {}
    try:
        answer = httpx2.request(method, url, json=body, headers=headers, timeout=TIMEOUT_SECONDS)
    except httpx2.TransportError as error:
        raise UsageError(f"no driftd answers at {url}: {error}") from None
    if answer.is_error:
        raise UsageError(f"{url}: {answer.status_code}: {answer.json().get('detail', '')}")
    found: dict[str, Any] = answer.json()
    return found
