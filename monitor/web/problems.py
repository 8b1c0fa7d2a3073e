"""Errors as answers: RFC 9457 `application/problem+json`, from one table over `monitor.errors`.

Every answer that is not a success passes through here. None carries a traceback or a directory of
this machine; what people need to find the cause is in the log, under the same reason.
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from monitor.errors import (
    ConfigError,
    DriftdError,
    InputError,
    NotFoundError,
    OverloadedError,
    StorageError,
    TooLargeError,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.applications import Starlette
    from starlette.requests import Request

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

STATUS: tuple[tuple[type[DriftdError], int, str], ...] = (
    (ConfigError, 422, "config_rejected"),
    (TooLargeError, 413, "too_large"),
    (UsageError, 400, "bad_request"),
    (InputError, 400, "bad_input"),
    (NotFoundError, 404, "not_found"),
    (OverloadedError, 429, "overloaded"),
    (StorageError, 503, "storage_unavailable"),
    (DriftdError, 500, "internal"),
)
"""First match wins, so leaves stand before their bases."""

_DIRECTORIES = re.compile(r"(?<![\w.:/])(?:/[^\s/:'\"]+)*/(?=[^\s/:'\"]+\.\w)")


class RefusalError(DriftdError):
    """A request that is refused for what it is, before anything was asked of the daemon."""

    def __init__(
        self,
        status: int,
        reason: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.headers = dict(headers or {})


def problem(
    status: int,
    reason: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> Response:
    """Build the answer; `reason` is for programs, `detail` one sentence for people."""
    # JSON text cannot hold the lone surrogate that a quoted line may bring.
    detail = detail.encode("utf-8", "backslashreplace").decode()
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "reason": reason,
        "detail": detail,
        **members,
    }
    return Response(json.dumps(body), status, dict(headers or {}), MEDIA_TYPE)


def without_directories(text: str) -> str:
    """Drop the directories of file names: `/etc/driftd/a.yaml:3: x` becomes `a.yaml:3: x`."""
    return _DIRECTORIES.sub("", text)


def answer(error: Exception) -> Response:
    """The answer for any exception; those nobody planned for become a bare 500."""
    if isinstance(error, RefusalError):
        return problem(error.status, error.reason, str(error), error.headers)
    if isinstance(error, RequestValidationError):
        return problem(400, "bad_request", _first_complaint(error))
    if isinstance(error, HTTPException):
        reason = HTTPStatus(error.status_code).name.lower()
        return problem(error.status_code, reason, _said(error), error.headers)
    for kind, status, reason in STATUS:
        if isinstance(error, kind):
            return _planned(error, status, reason)
    return problem(500, "internal", "Something went wrong inside driftd; its log says what.")


def _planned(error: DriftdError, status: int, reason: str) -> Response:
    if isinstance(error, StorageError):
        detail = "The archive cannot be used right now; the log of driftd says why."
        return problem(status, reason, detail, {"retry-after": "5"})
    detail = without_directories(str(error))
    if isinstance(error, OverloadedError):
        return problem(status, reason, detail, {"retry-after": seconds(error.retry_after)})
    if isinstance(error, ConfigError):
        lines = [without_directories(line) for line in error.problems]
        return problem(status, reason, "The configuration was not changed.", problems=lines)
    return problem(status, reason, detail)


def seconds(value: float) -> str:
    """Retry-After in whole seconds, at least one."""
    return str(max(1, round(value)))


def _said(error: HTTPException) -> str:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return "There is nothing at this address; /openapi.json lists what there is."
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return "This address exists but not with this method; see /openapi.json."
    return str(error.detail)


def _first_complaint(error: RequestValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or "body"
    return f"{where}: {first['msg']}"


def install(
    app: Starlette, render: Callable[[Request, Response, Exception], Awaitable[Response]]
) -> None:
    """Answer every exception of `app` through this table; `render` may dress it up for people."""

    async def handle(request: Request, error: Exception) -> Response:
        response = answer(error)
        if isinstance(error, StorageError):
            log.error("request failed", path=request.url.path, exc_info=error)
        return await render(request, response, error)

    # The server logs what arrives at `Exception`, with its traceback.
    for kind in (DriftdError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, handle)
