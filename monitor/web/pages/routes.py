"""Addresses of the pages; each renders in a reader thread, because reading blocks."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.requests import Request  # noqa: TC002 - Starlette reads it at run time
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from monitor.web.context import Context, context_of
from monitor.web.pages.decision import decision_page
from monitor.web.pages.model import Choice, model_page
from monitor.web.pages.overview import overview
from monitor.web.pages.templating import render
from monitor.web.problems import RefusalError
from monitor.web.tokens import COOKIE, COOKIE_SECONDS, make_cookie, matching

MAX_FORM = 4096
_FRESH = {"cache-control": "no-store"}


def page_routes() -> list[Route]:
    """All pages."""
    return [
        Route("/", overview_route),
        Route("/models/{name:path}", model_route),
        Route("/decisions/{decision_id}", decision_route),
        Route("/login", login_form),
        Route("/login", login, methods=["POST"]),
        Route("/logout", logout, methods=["POST"]),
    ]


async def overview_route(request: Request) -> Response:
    """`/`."""
    context = context_of(request)
    html = await context.readers.run(
        overview,
        context.services.queries,
        address=str(request.base_url).rstrip("/"),
        refresh=context.settings.refresh_seconds,
    )
    return HTMLResponse(html, headers=_FRESH)


async def model_route(request: Request) -> Response:
    """`/models/{m}?segment=&version=&columns=all`."""
    context = context_of(request)
    query = request.query_params
    choice = Choice(
        segment=query.get("segment", ""),
        version=query.get("version") or None,
        everything=query.get("columns") == "all",
    )
    html = await context.readers.run(
        model_page,
        context.services.queries,
        request.path_params["name"],
        choice,
        address=str(request.base_url).rstrip("/"),
        refresh=context.settings.refresh_seconds,
    )
    return HTMLResponse(html, headers=_FRESH)


async def decision_route(request: Request) -> Response:
    """`/decisions/{id}?columns=all`."""
    context = context_of(request)
    html = await context.readers.run(
        decision_page,
        context.services.queries,
        request.path_params["decision_id"],
        everything=request.query_params.get("columns") == "all",
    )
    return HTMLResponse(html, headers=_FRESH)


async def login_form(request: Request) -> Response:
    """The form that asks for a token."""
    return _form(request.query_params.get("next", "/"), wrong=False)


async def login(request: Request) -> Response:
    """Exchange a token for the cookie and go where the visitor wanted to."""
    context = context_of(request)
    fields = await _fields(request)
    shown, target = fields.get("token", ""), local_path(fields.get("next", "/"))
    token = matching(shown.strip(), context.settings.tokens())
    if token is None:
        return _form(target, wrong=True)
    return _with_cookie(RedirectResponse(target, 303), request, context, token)


async def logout(_: Request) -> Response:
    """Forget the cookie."""
    response = RedirectResponse("/login", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


def _with_cookie(response: Response, request: Request, context: Context, token: str) -> Response:
    response.set_cookie(
        COOKIE,
        make_cookie(token, context.services.clock.now()),
        max_age=COOKIE_SECONDS,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


def _form(target: str, *, wrong: bool) -> Response:
    html = render(
        "login.html", title="Log in - driftd", target=local_path(target), wrong=wrong, refresh=0
    )
    return HTMLResponse(html, 401 if wrong else 200, headers=_FRESH)


def local_path(target: str) -> str:
    """`target` if it is an address on this daemon, else `/`: a login must not lead elsewhere."""
    if not target.startswith("/") or target.startswith(("//", "/\\")) or not target.isprintable():
        return "/"
    return target


async def _fields(request: Request) -> dict[str, str]:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_FORM:
            raise RefusalError(413, "body_too_large", "This form is too large.")
    parsed = parse_qs(body.decode("utf-8", "replace"), max_num_fields=5)
    return {name: values[0] for name, values in parsed.items()}
