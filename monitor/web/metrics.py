"""`GET /metrics`, with the format that the Accept header asks for."""

from __future__ import annotations

from starlette.requests import Request  # noqa: TC002 - Starlette reads it at run time
from starlette.responses import Response

from monitor.web.context import context_of


async def metrics(request: Request) -> Response:
    """Rendered in a reader thread, because a snapshot may wait on the database."""
    context = context_of(request)
    accept = request.headers.get("accept", "")
    body, kind = await context.readers.run(context.services.render_metrics, accept)
    return Response(body, headers={"content-type": kind})
