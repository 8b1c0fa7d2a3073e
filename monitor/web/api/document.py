"""`/openapi.json`: what FastAPI knows from the handlers, plus what it cannot see.

Ingest is a plain ASGI route and decisions are stored bytes, so both are described here; a test
compares this document with the routes that exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from monitor.web import documents
from monitor.web.ingest import PATH
from monitor.web.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastapi import FastAPI

_DESCRIPTION = (
    "Records in, decisions out. Times are RFC 3339 in UTC. Where a token file is configured, all "
    "but the probes need `Authorization: Bearer <token>`. Errors are RFC 9457 problems."
)

_COUNT = {"type": "integer", "minimum": 0}
_DOORS = ("received", "accepted", "duplicate", "sampled_out", "shed", "rejected")

_SCHEMAS: dict[str, Any] = {
    "Problem": {
        "type": "object",
        "required": ["type", "title", "status", "reason", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "reason": {"type": "string", "description": "for programs"},
            "detail": {"type": "string", "description": "for people"},
            "problems": {"type": "array", "items": {"type": "string"}},
        },
    },
    "LineProblem": {
        "type": "object",
        "required": ["line", "reason", "detail"],
        "properties": {
            "line": {"type": "integer", "minimum": 1},
            "reason": {"type": "string"},
            "detail": {"type": "string"},
        },
    },
    "Receipt": {
        "type": "object",
        "required": [*_DOORS, "problems"],
        "properties": {
            **dict.fromkeys(_DOORS, _COUNT),
            "problems": {
                "type": "array",
                "maxItems": 100,
                "items": {"$ref": "#/components/schemas/LineProblem"},
            },
        },
    },
}

_REFUSALS = {
    "400": "the body is not what its Content-Encoding says",
    "408": "the body came too slowly",
    "413": "the body is too large, as sent or decompressed",
    "415": "Content-Type or Content-Encoding is not taken; the answer names those that are",
    "429": "a bound is reached; nothing was accepted, come back after Retry-After seconds",
    "503": "the archive cannot be written",
}

_METHODS = frozenset({"get", "post"})


def openapi(app: FastAPI, version: str, formats: Iterable[str]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of `app`."""
    document = get_openapi(
        title="driftd", version=version, description=_DESCRIPTION, routes=app.routes
    )
    document["paths"][PATH] = {"post": _ingest_operation(sorted(formats))}
    document["paths"]["/metrics"] = {"get": _metrics_operation()}
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(_SCHEMAS)
    schemas.update(documents.schemas())
    _replace_validation_errors(document)
    _set_answer(document, "/v1/decisions/{decision_id}", "get", "Decision")
    _set_answer(document, "/v1/decisions/{decision_id}/evidence", "get", "Evidence")
    _set_answer(document, "/v1/quarantine/reingest", "post", "Receipt")
    return document


def _ingest_operation(formats: list[str]) -> dict[str, Any]:
    text = {"schema": {"type": "string"}}
    binary = {"schema": {"type": "string", "format": "binary"}}
    content = {kind: binary if "arrow" in kind else text for kind in formats}
    return {
        "tags": ["ingest"],
        "summary": "Records and labels",
        "description": "Answers when everything accepted is on disk. A bad line harms no other.",
        "parameters": [
            {
                "name": "Content-Encoding",
                "in": "header",
                "schema": {"type": "string", "enum": ["gzip", "zstd", "identity"]},
            }
        ],
        "requestBody": {"required": True, "content": content},
        "responses": {
            "200": _answer("what became of every record", "application/json", "Receipt"),
            **{code: _answer(text, MEDIA_TYPE, "Problem") for code, text in _REFUSALS.items()},
        },
    }


def _metrics_operation() -> dict[str, Any]:
    return {
        "tags": ["daemon"],
        "summary": "Prometheus metrics",
        "responses": {
            "200": {
                "description": "text exposition format, or OpenMetrics when asked for",
                "content": {"text/plain": {"schema": {"type": "string"}}},
            }
        },
    }


def _answer(description: str, media_type: str, schema: str) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {"description": description, "content": {media_type: {"schema": reference}}}


def _set_answer(document: dict[str, Any], path: str, method: str, schema: str) -> None:
    operation = document["paths"][path][method]
    operation["responses"]["200"] = _answer(schema.lower(), "application/json", schema)


def _replace_validation_errors(document: dict[str, Any]) -> None:
    """FastAPI documents its own 422 shape; ours is a problem, for every other status too."""
    for path in document["paths"].values():
        for method in _METHODS & path.keys():
            responses = path[method]["responses"]
            responses.pop("422", None)
            responses.setdefault("default", _answer("a problem", MEDIA_TYPE, "Problem"))
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
