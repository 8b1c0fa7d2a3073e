"""Acting and operating: check, re-ingest, reload, probes, metrics."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body
from starlette.responses import PlainTextResponse, Response

from monitor.web.api.reading import Name  # noqa: TC001 - FastAPI reads these annotations
from monitor.web.context import Shared  # noqa: TC001 - as above
from monitor.web.ingest import render
from monitor.web.views import DecisionSummary  # noqa: TC001 - as above

router = APIRouter()

MAX_REINGEST = 1000

Ids = Annotated[
    list[int], Body(embed=True, min_length=1, max_length=MAX_REINGEST, description="entry_id's")
]


@router.post("/v1/models/{name}/check", tags=["models"])
async def check_model(shared: Shared, name: Name) -> list[DecisionSummary]:
    """Close and judge the open windows of a model now, for good.

    Records that come later for a window of time that was closed like this are late.
    """
    return list(await shared.services.commands.check(name))


@router.post("/v1/quarantine/reingest", tags=["quarantine"], response_class=Response)
async def reingest(shared: Shared, ids: Ids) -> Response:
    """Send quarantined lines through intake again; answers like `POST /v1/records`."""
    receipt = await shared.services.commands.reingest(ids)
    return Response(render(receipt), media_type="application/json")


@router.post("/-/reload", tags=["daemon"])
async def reload(shared: Shared) -> dict[str, bool]:
    """Read the configuration again; on any problem the old one stays (422 says why)."""
    await shared.services.commands.reload()
    return {"reloaded": True}


@router.get("/livez", tags=["daemon"], response_class=PlainTextResponse)
async def livez(shared: Shared) -> PlainTextResponse:
    """200 while the process works; 503 asks for a restart."""
    live = shared.services.health.live()
    return PlainTextResponse("ok\n" if live else "stuck\n", 200 if live else 503)


@router.get("/readyz", tags=["daemon"], response_class=PlainTextResponse)
@router.get("/healthz", tags=["daemon"], response_class=PlainTextResponse)
async def readyz(shared: Shared) -> PlainTextResponse:
    """200 when records can be taken now; 503 with the reason when not."""
    ready, why = shared.services.health.ready()
    return PlainTextResponse("ok\n" if ready else f"{why}\n", 200 if ready else 503)
