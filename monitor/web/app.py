"""`create_app`: the routes as a table over `Services`; the composition root runs the result.

Order matters for speed only: ingest is the first route, so a batch passes one comparison.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from monitor import __version__
from monitor.web import ingest, problems
from monitor.web.api import operating, reading
from monitor.web.api.document import openapi
from monitor.web.auth import Gate
from monitor.web.context import Context
from monitor.web.metrics import metrics
from monitor.web.pages.errors import dress
from monitor.web.pages.routes import page_routes

if TYPE_CHECKING:
    from monitor.web.services import Services, WebSettings

STATIC = Path(__file__).parent / "static"


def create_app(services: Services, settings: WebSettings) -> FastAPI:
    """The whole HTTP side of one daemon; nothing runs until a server calls it."""
    context = Context.build(services, settings)
    records = ingest.RecordsEndpoint(services.ingest, settings, context.inflight, context.inflaters)
    app = FastAPI(
        title="driftd",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        routes=[Route(ingest.PATH, records, methods=["POST"], name="records")],
        middleware=[Middleware(Gate, settings=settings, clock=services.clock)],
    )
    app.state.context = context
    app.include_router(reading.router)
    app.include_router(operating.router)
    app.router.routes.extend(
        [
            Route("/metrics", metrics),
            Route("/openapi.json", _describe(app, services)),
            Mount("/static", StaticFiles(directory=STATIC), name="static"),
            *page_routes(),
        ]
    )
    problems.install(app, dress)
    return app


def _describe(app: FastAPI, services: Services) -> Any:
    """Endpoint of the API's description, made at the first request: building it is not cheap."""

    async def describe(_: Any) -> JSONResponse:
        if app.openapi_schema is None:
            app.openapi_schema = openapi(app, __version__, services.ingest.formats)
        return JSONResponse(app.openapi_schema)

    return describe
