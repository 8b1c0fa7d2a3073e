"""What handlers share: the services, the bounds, and the threads that may block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import Depends
from starlette.requests import Request  # noqa: TC002 - FastAPI reads these annotations

from monitor.web.body import Inflight
from monitor.web.services import Services, WebSettings  # noqa: TC001 - as above
from monitor.web.workers import Workers


@dataclass(frozen=True, slots=True)
class Context:
    """Made once by `create_app`. `readers` wait on the database, `inflaters` only compute."""

    services: Services
    settings: WebSettings
    readers: Workers
    inflaters: Workers
    inflight: Inflight

    @staticmethod
    def build(services: Services, settings: WebSettings) -> Context:
        """Take the sizes of pools and bounds from `settings`."""
        inflight = Inflight(settings.max_inflight_bytes, settings.retry_after_seconds)
        readers, inflaters = Workers(settings.query_threads), Workers(settings.query_threads)
        return Context(services, settings, readers, inflaters, inflight)


def context_of(request: Request) -> Context:
    """The context of the application that got `request`."""
    context: Context = request.app.state.context
    return context


Shared: TypeAlias = Annotated[Context, Depends(context_of)]
"""Parameter type of handlers."""
