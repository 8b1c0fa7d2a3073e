"""`GET /v1/...`: models, windows, decisions, alerts, baselines, status, quarantine."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from monitor.performance import ESTIMATED, MEASURED
from monitor.web.context import Shared  # noqa: TC001 - FastAPI reads these annotations
from monitor.web.instants import parse
from monitor.web.views import (
    VERDICTS,
    AlertSummary,
    BaselineSummary,
    DecisionSummary,
    ModelDetail,
    ModelSummary,
    Page,
    PerformanceFigure,
    QuarantineEntry,
    Status,
    WindowSummary,
)

router = APIRouter(prefix="/v1")

Limit: TypeAlias = Annotated[int, Query(ge=1, le=1000, description="At most this many items.")]
Cursor: TypeAlias = Annotated[
    str | None, Query(max_length=500, description="`next_cursor` of the page before.")
]
Name: TypeAlias = Annotated[str, Path(max_length=200, description="A configured model.")]
DecisionId: TypeAlias = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
Time: TypeAlias = Annotated[
    str | None, Query(max_length=40, description="RFC 3339 time or date; windows that end in it.")
]
VerdictName: TypeAlias = Annotated[str | None, Query(pattern=f"^({'|'.join(VERDICTS)})$")]
Text: TypeAlias = Annotated[str | None, Query(max_length=500)]

# What is stored under a decision id never changes.
_FOREVER = {"cache-control": "private, max-age=31536000, immutable"}


@router.get("/models", tags=["models"])
async def list_models(shared: Shared) -> list[ModelSummary]:
    """All models with their newest verdict."""
    return list(await shared.readers.run(shared.services.queries.models))


@router.get("/models/{name}", tags=["models"])
async def get_model(shared: Shared, name: Name) -> ModelDetail:
    """One model with its baseline and columns."""
    return await shared.readers.run(shared.services.queries.model, name)


@router.get("/models/{name}/windows", tags=["models"])
async def list_windows(
    shared: Shared, name: Name, version: Text = None, segment: Text = None, limit: Limit = 100
) -> list[WindowSummary]:
    """The last closed windows of a model, oldest first."""
    queries = shared.services.queries
    windows = await shared.readers.run(
        queries.windows, name, version=version, segment=segment or "", limit=limit
    )
    return list(windows)


@router.get("/models/{name}/performance", tags=["models"])
async def list_performance(
    shared: Shared,
    name: Name,
    version: Text = None,
    segment: Text = None,
    metric: Text = None,
    kind: Annotated[str | None, Query(pattern=f"^({MEASURED}|{ESTIMATED})$")] = None,
    from_: Annotated[Time, Query(alias="from")] = None,
    to: Time = None,
    limit: Limit = 1000,
) -> list[PerformanceFigure]:
    """How good a model's predictions were, by the window they were made in, oldest first."""
    figures = await shared.readers.run(
        shared.services.queries.performance,
        name,
        version=version,
        segment=segment,
        metric=metric,
        kind=kind,
        from_=None if from_ is None else parse(from_, "from"),
        to=None if to is None else parse(to, "to"),
        limit=limit,
    )
    return list(figures)


@router.get("/decisions", tags=["decisions"])
async def list_decisions(
    shared: Shared,
    model: Text = None,
    verdict: VerdictName = None,
    from_: Annotated[Time, Query(alias="from")] = None,
    to: Time = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[DecisionSummary]:
    """Decisions, newest window first."""
    return await shared.readers.run(
        shared.services.queries.decisions,
        model=model,
        verdict=verdict,
        from_=None if from_ is None else parse(from_, "from"),
        to=None if to is None else parse(to, "to"),
        limit=limit,
        cursor=cursor,
    )


@router.get("/decisions/{decision_id}", tags=["decisions"], response_class=Response)
async def get_decision(shared: Shared, decision_id: DecisionId) -> Response:
    """One decision: the canonical bytes as stored (P3)."""
    document = await shared.readers.run(shared.services.queries.decision, decision_id)
    headers = {**_FOREVER, "etag": f'"{decision_id}"'}
    return Response(document, media_type="application/json", headers=headers)


@router.get("/decisions/{decision_id}/evidence", tags=["decisions"], response_class=Response)
async def get_evidence(shared: Shared, decision_id: DecisionId) -> Response:
    """Distributions and statistics a decision stands on."""
    document = await shared.readers.run(shared.services.queries.evidence, decision_id)
    return Response(document, media_type="application/json", headers=_FOREVER)


@router.get("/alerts", tags=["alerts"])
async def list_alerts(shared: Shared, state: Text = None, limit: Limit = 100) -> list[AlertSummary]:
    """Alerts in one state; without `state`, all that are not resolved."""
    queries = shared.services.queries
    return list(await shared.readers.run(queries.alerts, state=state, limit=limit))


@router.get("/baselines", tags=["models"])
async def list_baselines(shared: Shared) -> list[BaselineSummary]:
    """All baselines, newest first."""
    return list(await shared.readers.run(shared.services.queries.baselines))


@router.get("/status", tags=["daemon"])
async def get_status(shared: Shared) -> Status:
    """Counters of every door, lag and bounds."""
    return await shared.readers.run(shared.services.queries.status)


@router.get("/quarantine", tags=["quarantine"])
async def list_quarantine(
    shared: Shared, limit: Limit = 100, cursor: Cursor = None
) -> Page[QuarantineEntry]:
    """Rejected lines that were kept."""
    queries = shared.services.queries
    return await shared.readers.run(queries.quarantine, limit=limit, cursor=cursor)
