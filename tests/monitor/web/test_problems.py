"""One table from errors to answers; nothing of this machine leaks."""

from __future__ import annotations

import json

import pytest

from monitor import errors
from monitor.web.problems import STATUS, answer, without_directories


def leaves(base: type[Exception]) -> list[type[Exception]]:
    return [base, *(leaf for child in base.__subclasses__() for leaf in leaves(child))]


def test_every_error_of_the_daemon_has_its_own_row() -> None:
    ours = {kind for kind in leaves(errors.DriftdError) if kind.__module__ == errors.__name__}
    assert {kind for kind, _, _ in STATUS} == ours


def test_no_row_hides_behind_an_earlier_one() -> None:
    kinds = [kind for kind, _, _ in STATUS]
    for place, kind in enumerate(kinds):
        assert not any(issubclass(kind, earlier) for earlier in kinds[:place])


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (errors.UsageError("no"), 400, "bad_request"),
        (errors.InputError("no"), 400, "bad_input"),
        (errors.NotFoundError("no"), 404, "not_found"),
        (errors.OverloadedError("no", 0.2), 429, "overloaded"),
        (errors.StorageError("no"), 503, "storage_unavailable"),
        (errors.ConfigError(["a", "b"]), 422, "config_rejected"),
        (errors.DriftdError("no"), 500, "internal"),
        (ValueError("no"), 500, "internal"),
    ],
)
def test_status_and_reason(error: Exception, status: int, reason: str) -> None:
    response = answer(error)
    body = json.loads(response.body)
    assert response.status_code == body["status"] == status
    assert response.media_type == "application/problem+json"
    assert body["reason"] == reason
    assert body["type"] == "about:blank"
    assert body["title"]


def test_config_problems_come_one_by_one_without_directories() -> None:
    line = "/etc/driftd/driftd.yaml:14: models[0].window.evry: unknown key"
    body = json.loads(answer(errors.ConfigError([line])).body)
    assert body["problems"] == ["driftd.yaml:14: models[0].window.evry: unknown key"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/a/b/c.parquet: no rows", "c.parquet: no rows"),
        ("cannot read '/a/b/c.yaml'", "cannot read 'c.yaml'"),
        ("relative/c.yaml", "relative/c.yaml"),
        ("2013-06-01/2 of 3", "2013-06-01/2 of 3"),
        ("https://host/a/b.html", "https://host/a/b.html"),
    ],
)
def test_without_directories(text: str, expected: str) -> None:
    assert without_directories(text) == expected


def test_a_detail_may_hold_a_lone_surrogate() -> None:
    assert json.loads(answer(errors.UsageError("\ud800 é")).body)["detail"] == "\\ud800 é"
