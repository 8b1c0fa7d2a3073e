"""Who may ask what: one ASGI layer before all routes.

In this order: the Host header must be a name of this daemon (a page elsewhere could otherwise
rebind its own name to 127.0.0.1 and read everything); a request that changes something must not
come from another origin (browsers say so); and where tokens are configured, one must be shown.
"""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from starlette.responses import RedirectResponse, Response

from monitor.web.body import header
from monitor.web.problems import problem
from monitor.web.tokens import COOKIE, cookie_valid, matching

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from monitor.clock import Clock
    from monitor.web.services import WebSettings

PROBES = frozenset({"/livez", "/readyz", "/healthz"})
"""Asked by orchestrators, by address and without a token."""

LOGIN = "/login"

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_API = ("/v1/", "/-/", "/metrics", "/openapi.json")

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", PAGE_POLICY.encode()),
)


class Gate:
    """Host, origin and token checks, and the headers every answer carries."""

    def __init__(self, app: ASGIApp, settings: WebSettings, clock: Clock) -> None:
        self._app = app
        self._settings = settings
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refusal here, or hand the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        dressed = _with_headers(send)
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, dressed)
            return
        await self._app(scope, receive, dressed)

    def _refusal(self, scope: Scope) -> Response | None:
        path = scope["path"]
        if path in PROBES:
            return None
        if not self._host_allowed(scope):
            detail = "The Host header names no address of this daemon (server.allowed_hosts)."
            return problem(421, "unknown_host", detail)
        tokens = self._settings.tokens()
        bearer = matching(_bearer(scope), tokens) is not None if tokens else False
        if scope["method"] not in _SAFE and not _same_origin(scope, cookie_only=not bearer):
            detail = "A page of another origin may not change anything here."
            return problem(403, "cross_origin", detail)
        if not tokens or bearer or _open(path):
            return None
        if cookie_valid(_cookie(scope), tokens, self._clock.now()):
            return None
        return _who_are_you(scope)

    def _host_allowed(self, scope: Scope) -> bool:
        allowed = self._settings.allowed_hosts
        return allowed is None or hostname(header(scope, b"host")) in allowed


def hostname(host: str) -> str:
    """Host header without its port: `[::1]:8642` becomes `[::1]`."""
    name = host.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0]


def _open(path: str) -> bool:
    return path == LOGIN or path.startswith("/static/")


def _bearer(scope: Scope) -> str:
    kind, _, token = header(scope, b"authorization").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _cookie(scope: Scope) -> str:
    try:
        jar = SimpleCookie(header(scope, b"cookie"))
    except CookieError:
        return ""
    return jar[COOKIE].value if COOKIE in jar else ""


def _same_origin(scope: Scope, *, cookie_only: bool) -> bool:
    """Whether the browser, if it is one, says that the request comes from our own pages.

    Programs send neither header. A request that has nothing but a cookie to show must say where
    it comes from: browsers always do when they post.
    """
    origin = header(scope, b"origin")
    if origin:
        return urlsplit(origin).netloc.lower() == header(scope, b"host").lower()
    site = header(scope, b"sec-fetch-site")
    if site:
        return site in ("same-origin", "none")
    return not (cookie_only and _cookie(scope))


def _who_are_you(scope: Scope) -> Response:
    path = scope["path"]
    wants_page = "text/html" in header(scope, b"accept") and not path.startswith(_API)
    if wants_page and scope["method"] in _SAFE:
        return RedirectResponse(f"{LOGIN}?next={quote(path)}", 303)
    headers = {"www-authenticate": 'Bearer realm="driftd"'}
    detail = "Show a token of server.token_file: `Authorization: Bearer <token>`."
    return problem(401, "unauthorized", detail, headers)


def _with_headers(send: Send) -> Send:
    async def dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_HEADERS]
        await send(message)

    return dressed
