"""Problems for people: the same status and sentence, as a page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response

from monitor.web.pages.templating import render

if TYPE_CHECKING:
    from starlette.requests import Request

_NOT_PAGES = ("/v1/", "/-/", "/metrics", "/static/", "/openapi.json")


async def dress(request: Request, response: Response, _: Exception) -> Response:
    """An HTML page for a browser on a page's address, else `response` as it is."""
    accepts = request.headers.get("accept", "")
    if "text/html" not in accepts or request.url.path.startswith(_NOT_PAGES):
        return response
    said = json.loads(bytes(response.body))
    html = render("error.html", title=f"{said['title']} - driftd", problem=said, refresh=0)
    return HTMLResponse(html, response.status_code)
