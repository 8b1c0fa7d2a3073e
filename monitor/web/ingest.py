"""`POST /v1/records`: the way in, a plain ASGI route with nothing between socket and intake.

Every refusal comes before `Ingest.submit`, so a refused payload was never counted as received.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

from monitor.errors import OverloadedError
from monitor.web.body import DisconnectedError, Hold, Inflight, Pace, header, read_body
from monitor.web.encodings import ENCODINGS, decompress
from monitor.web.problems import RefusalError, problem, seconds

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from monitor.record import Problem, Receipt
    from monitor.web.services import Ingest, WebSettings
    from monitor.web.workers import Workers

PATH = "/v1/records"

MAX_PROBLEMS = 100
"""Problems listed in one answer; `rejected` counts all of them."""

_MAX_DETAIL = 300


class RecordsEndpoint:
    """ASGI application behind `PATH`."""

    def __init__(
        self, ingest: Ingest, settings: WebSettings, inflight: Inflight, workers: Workers
    ) -> None:
        self._ingest = ingest
        self._settings = settings
        self._inflight = inflight
        self._workers = workers
        self._pace = Pace(settings.max_body_bytes, settings.body_gap_seconds, settings.body_seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one payload and answer with its receipt; silence when the client is gone."""
        try:
            response = await self._take(scope, receive)
        except DisconnectedError:
            return
        await response(scope, receive, send)

    async def _take(self, scope: Scope, receive: Receive) -> Response:
        kind = self._content_type(scope)
        encoding = content_encoding(scope)
        with Hold(self._inflight) as hold:
            try:
                body = await read_body(scope, receive, self._pace, hold)
            except OverloadedError as error:
                headers = {"retry-after": seconds(error.retry_after)}
                return problem(429, "overloaded", str(error), headers)
            if encoding:
                limit = self._settings.max_decompressed_bytes
                body = await self._workers.run(decompress, encoding, body, limit, hold.take)
            receipt = await self._ingest.submit(body, kind)
        return Response(render(receipt), media_type="application/json")

    def _content_type(self, scope: Scope) -> str:
        kind = header(scope, b"content-type").partition(";")[0].strip().lower()
        if kind in self._ingest.formats:
            return kind
        accepted = ", ".join(sorted(self._ingest.formats))
        said = f"{kind!r} is not taken here" if kind else "The request has no Content-Type"
        raise RefusalError(
            415, "content_type", f"{said}; send one of {accepted}.", {"accept": accepted}
        )


def content_encoding(scope: Scope) -> str:
    """`gzip`, `zstd` or `""` for a body as it is.

    Raises
    ------
    RefusalError
        415 for any other coding, and for several one after the other.
    """
    name = header(scope, b"content-encoding").strip().lower()
    if name in ("", "identity"):
        return ""
    if name == "x-gzip":
        return "gzip"
    if name in ENCODINGS:
        return name
    accepted = ", ".join(ENCODINGS)
    detail = f"Content-Encoding {name!r} is not taken here; use {accepted} or none."
    raise RefusalError(415, "content_encoding", detail, {"accept-encoding": accepted})


def render(receipt: Receipt) -> bytes:
    """The receipt as JSON, with the first `MAX_PROBLEMS` problems."""
    return msgspec.json.encode(
        {
            "received": receipt.received,
            "accepted": receipt.accepted,
            "duplicate": receipt.duplicate,
            "sampled_out": receipt.sampled_out,
            "shed": receipt.shed,
            "rejected": receipt.rejected,
            "problems": [_problem(item) for item in receipt.problems[:MAX_PROBLEMS]],
        }
    )


def _problem(item: Problem) -> dict[str, int | str]:
    # A lone surrogate may sit in a detail that quotes the line; JSON text cannot hold it.
    detail = item.detail[:_MAX_DETAIL].encode("utf-8", "backslashreplace").decode()
    return {"line": item.line, "reason": item.reason.value, "detail": detail}
