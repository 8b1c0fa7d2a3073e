"""The read and operate API, and that its description tells the truth."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from conftest import serving
from webfakes import WINDOWS, FakeDaemon, flights, identifier

from monitor.errors import ConfigError, StorageError, UsageError
from monitor.web.app import create_app
from monitor.web.services import WebSettings

if TYPE_CHECKING:
    import httpx2

LAST = identifier("flights", WINDOWS - 1)


def test_models_with_times_as_text(client: httpx2.Client) -> None:
    (model,) = client.get("/v1/models").json()
    assert model["name"] == "flights"
    assert model["verdict"] == "drift"
    assert model["watermark"] == "2013-06-30T00:00:00Z"


def test_one_model(client: httpx2.Client) -> None:
    detail = client.get("/v1/models/flights").json()
    assert detail["columns"][0] == {"name": "dep_delay", "kind": "numeric", "unit": "minutes"}
    assert detail["baseline"]["active"] is True


def test_windows_oldest_first(client: httpx2.Client) -> None:
    windows = client.get("/v1/models/flights/windows", params={"limit": 3}).json()
    assert [window["index"] for window in windows] == [57, 58, 59]
    assert client.get("/v1/models/flights/windows?segment=origin%3DLGA").json() == []


def test_decisions_page_by_page(client: httpx2.Client) -> None:
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": 25} | ({"cursor": cursor} if cursor else {})
        page = client.get("/v1/decisions", params=params).json()
        seen += [item["decision_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [identifier("flights", index) for index in reversed(range(WINDOWS))]


def test_decisions_by_verdict_and_time(client: httpx2.Client) -> None:
    params = {"verdict": "broken", "from": "2013-06-01", "to": "2013-06-10T00:00:00+02:00"}
    items = client.get("/v1/decisions", params=params).json()["items"]
    assert [item["start"] for item in items] == ["2013-06-03T00:00:00Z"]


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"from": "yesterday"}, "from: not a time"),
        ({"to": "2013-06-01T10:00:00"}, "no zone"),
        ({"verdict": "bad"}, "verdict"),
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "x"}, "limit"),
    ],
)
def test_bad_parameters_are_400(client: httpx2.Client, params: dict[str, str], says: str) -> None:
    answer = client.get("/v1/decisions", params=params)
    assert answer.status_code == 400
    assert says in answer.json()["detail"]


def test_performance_is_found_by_what_is_asked(client: httpx2.Client) -> None:
    path = "/v1/models/flights/performance"
    found = client.get(path).json()
    assert {figure["kind"] for figure in found} == {"measured", "estimated"}
    assert found[0]["start"] == "2013-05-01T00:00:00Z"
    one = {"kind": "measured", "metric": "roc_auc", "from": "2013-06-01", "to": "2013-06-02"}
    (figure,) = client.get(path, params=one).json()
    assert figure["labelled"] == 850
    assert client.get(path, params={"kind": "guessed"}).status_code == 400


def test_a_decision_is_the_stored_bytes(client: httpx2.Client, daemon: FakeDaemon) -> None:
    answer = client.get(f"/v1/decisions/{LAST}")
    assert answer.content == daemon.decision(LAST)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["etag"] == f'"{LAST}"'
    assert "immutable" in answer.headers["cache-control"]
    assert client.get(f"/v1/decisions/{LAST}/evidence").content == daemon.evidence(LAST)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/none",
        "/v1/models/none/windows",
        f"/v1/decisions/{'0' * 64}",
        f"/v1/decisions/{'0' * 64}/evidence",
        "/nothing/here",
        "/v1/",
    ],
)
def test_what_is_not_there_is_404(client: httpx2.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_decision_id_is_checked_before_anybody_is_asked(client: httpx2.Client) -> None:
    assert client.get("/v1/decisions/..%2F..%2Fetc%2Fpasswd").status_code in (400, 404)
    assert client.get("/v1/decisions/xyz").status_code == 400


def test_alerts_baselines_status_quarantine(client: httpx2.Client) -> None:
    assert client.get("/v1/alerts").json()[0]["state"] == "firing"
    assert client.get("/v1/alerts?state=resolved").json() == []
    assert client.get("/v1/baselines").json() == []
    status = client.get("/v1/status").json()
    doors = status["doors"]
    assert doors.pop("received") == sum(doors.values())
    assert client.get("/v1/quarantine").json()["items"][0]["reason"] == "not_json"


def test_reading_never_happens_on_the_event_loop(client: httpx2.Client, daemon: FakeDaemon) -> None:
    daemon.reader_threads.clear()
    for path in ("/", "/models/flights", f"/decisions/{LAST}", "/v1/models", "/v1/status"):
        client.get(path)
    assert daemon.reader_threads
    assert not [name for name in daemon.reader_threads if name in ("driftd-web", "MainThread")]


def test_acting(client: httpx2.Client) -> None:
    (decision,) = client.post("/v1/models/flights/check").json()
    assert decision["decision_id"] == LAST
    assert client.post("/v1/models/none/check").status_code == 404
    receipt = client.post("/v1/quarantine/reingest", json={"ids": [3, 4]}).json()
    assert receipt["accepted"] == 2
    assert client.post("/v1/quarantine/reingest", json={"ids": []}).status_code == 400
    assert client.post("/v1/quarantine/reingest", content=b"{").status_code == 400
    assert client.post("/-/reload").json() == {"reloaded": True}
    assert client.get("/-/reload").status_code == 405


def test_a_rejected_reload_says_why() -> None:
    daemon = FakeDaemon(reload_error=ConfigError(["/etc/driftd.yaml:3: budget: must be positive"]))
    with serving(daemon, WebSettings()) as client:
        answer = client.post("/-/reload")
    assert answer.status_code == 422
    assert answer.json()["problems"] == ["driftd.yaml:3: budget: must be positive"]


def test_probes_tell_the_truth() -> None:
    daemon = FakeDaemon(is_ready=(False, "the archive is locked"), alive=False)
    with serving(daemon, WebSettings()) as client:
        ready, health, live = (client.get(f"/{name}") for name in ("readyz", "healthz", "livez"))
    assert (ready.status_code, ready.text) == (503, "the archive is locked\n")
    assert (health.status_code, live.status_code) == (503, 503)


@pytest.mark.parametrize(
    ("error", "status"), [(StorageError("/db: locked"), 503), (UsageError("bad cursor"), 400)]
)
def test_errors_of_queries(error: Exception, status: int) -> None:
    with serving(FakeDaemon(query_error=error), WebSettings()) as client:
        assert client.get("/v1/decisions").status_code == status
        page = client.get("/", headers={"accept": "text/html"})
        assert page.status_code == status
        assert page.headers["content-type"].startswith("text/html")


def test_metrics_get_the_accept_header(client: httpx2.Client) -> None:
    answer = client.get("/metrics", headers={"accept": "application/openmetrics-text"})
    assert answer.content == b"# accept application/openmetrics-text"
    assert answer.headers["content-type"] == "text/plain"


@pytest.fixture(scope="module")
def description(client: httpx2.Client) -> dict[str, Any]:
    return client.get("/openapi.json").json()


def test_every_route_is_described_and_nothing_else(description: dict[str, Any]) -> None:
    app = create_app(flights().services(), WebSettings())
    described = {
        (path, method.upper())
        for path, operations in description["paths"].items()
        for method in operations
    }
    pages = {"/", "/models/{name:path}", "/decisions/{decision_id}", "/login", "/logout"}
    undocumented = pages | {"/static", "/openapi.json"}
    routed = {
        (route.path, method)
        for route in flat(app.routes)
        if route.path not in undocumented
        for method in (route.methods or ()) - {"HEAD"}
    }
    assert described == routed


def flat(routes: list[Any]) -> list[Any]:
    """Routes with those of included routers."""
    found = []
    for route in routes:
        inner = getattr(route, "effective_candidates", None)
        found += inner() if callable(inner) else [route]
    return found


def test_references_resolve_and_operations_are_told_apart(description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    for name in references(description):
        assert name in schemas
    assert "HTTPValidationError" not in schemas
    ids = [
        operation["operationId"]
        for operations in description["paths"].values()
        for operation in operations.values()
        if "operationId" in operation
    ]
    assert len(ids) == len(set(ids))


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"].rpartition("/")[2]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(references, node.values()))
    if isinstance(node, list):
        return set().union(*map(references, node))
    return set()


def test_answers_have_the_fields_that_are_described(
    client: httpx2.Client, description: dict[str, Any]
) -> None:
    schemas = description["components"]["schemas"]
    samples = {
        "ModelSummary": client.get("/v1/models").json()[0],
        "ModelDetail": client.get("/v1/models/flights").json(),
        "Status": client.get("/v1/status").json(),
        "AlertSummary": client.get("/v1/alerts").json()[0],
        "Decision": json.loads(client.get(f"/v1/decisions/{LAST}").content),
        "Receipt": client.post(
            "/v1/records", content=b"{}", headers={"content-type": "application/json"}
        ).json(),
    }
    for name, sample in samples.items():
        properties = set(schemas[name]["properties"])
        assert set(sample) - {"format"} <= properties, name
    times = schemas["ModelSummary"]["properties"]["last_record"]
    assert "date-time" in json.dumps(times)


def test_ingest_is_described(description: dict[str, Any]) -> None:
    operation = description["paths"]["/v1/records"]["post"]
    assert set(operation["requestBody"]["content"]) == FakeDaemon.formats
    assert {"200", "413", "415", "429", "503"} <= set(operation["responses"])
