"""Tokens, the cookie that stands for one, Host and Origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conftest import serving
from webfakes import DAY, FIRST, NDJSON, flights, identifier

from monitor.errors import UsageError
from monitor.web.auth import hostname
from monitor.web.pages.routes import local_path
from monitor.web.services import WebSettings
from monitor.web.tokens import COOKIE, cookie_valid, make_cookie, matching, read_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx2

TOKEN = "correct-horse-battery-staple"  # noqa: S105 - of this test
OTHER = "another-token-of-good-length"
CLOSED = [
    "/",
    "/models/flights",
    "/decisions/" + identifier("flights", 3),
    "/metrics",
    "/openapi.json",
    "/v1/models",
    "/v1/status",
    "/v1/decisions",
]


@pytest.fixture(scope="module")
def guarded() -> Iterator[httpx2.Client]:
    with serving(flights(), WebSettings(tokens=lambda: (OTHER, TOKEN))) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz"])
def test_probes_are_open_under_any_name(guarded: httpx2.Client, path: str) -> None:
    assert guarded.get(path, headers={"host": "10.1.2.3:8642"}).status_code == 200


@pytest.mark.parametrize("path", CLOSED)
def test_everything_else_asks_for_a_token(guarded: httpx2.Client, path: str) -> None:
    answer = guarded.get(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="driftd"'
    assert answer.json()["reason"] == "unauthorized"
    assert guarded.get(path, headers=bearer(TOKEN)).status_code == 200
    assert guarded.get(path, headers=bearer(TOKEN[:-1])).status_code == 401


def test_ingest_asks_too_and_reads_nothing_before(guarded: httpx2.Client) -> None:
    headers = {"content-type": NDJSON}
    assert guarded.post("/v1/records", content=b"{}", headers=headers).status_code == 401
    headers |= bearer(OTHER)
    assert guarded.post("/v1/records", content=b"{}", headers=headers).status_code == 200


@pytest.mark.parametrize("value", ["Basic abc", "Bearer", TOKEN, "Bearer \xff\xfe"])
def test_other_credentials_are_no_token(guarded: httpx2.Client, value: str) -> None:
    headers = [(b"authorization", value.encode("latin-1"))]
    assert guarded.get("/v1/models", headers=headers).status_code == 401


def test_a_browser_is_led_to_the_form_and_back(guarded: httpx2.Client) -> None:
    page = guarded.get("/models/flights", headers={"accept": "text/html"})
    assert page.status_code == 303
    assert page.headers["location"] == "/login?next=/models/flights"
    form = guarded.get(page.headers["location"])
    assert form.status_code == 200
    assert 'value="/models/flights"' in form.text
    assert guarded.get("/static/driftd.css").status_code == 200


def log_in(client: httpx2.Client, token: str, **headers: str) -> httpx2.Response:
    origin = {"origin": str(client.base_url).rstrip("/")}
    data = {"token": token, "next": "/models/flights"}
    return client.post("/login", data=data, headers=origin | headers)


def test_logging_in_sets_a_strict_cookie_that_opens_the_pages(guarded: httpx2.Client) -> None:
    answer = log_in(guarded, f" {TOKEN}\n")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/models/flights"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    pair = {"cookie": cookie.partition(";")[0]}
    guarded.cookies.clear()
    assert guarded.get("/", headers=pair).status_code == 200
    assert (
        guarded.get("/", headers={"cookie": f"{COOKIE}=9999999999.{'0' * 64}"}).status_code == 401
    )
    # A cookie alone does not post: a browser would have said where the request comes from.
    assert guarded.post("/-/reload", headers=pair).status_code == 403
    same = pair | {"origin": str(guarded.base_url).rstrip("/")}
    assert guarded.post("/-/reload", headers=same).status_code == 200


def test_a_wrong_token_is_told_so_and_not_repeated(guarded: httpx2.Client) -> None:
    answer = log_in(guarded, "guess-guess-guess-guess")
    assert answer.status_code == 401
    assert "not one of its tokens" in answer.text
    assert "guess" not in answer.text
    assert "set-cookie" not in answer.headers


def test_a_login_form_that_is_too_large_is_refused(guarded: httpx2.Client) -> None:
    assert log_in(guarded, "x" * 10_000).status_code == 413


def test_logging_out_forgets_the_cookie(guarded: httpx2.Client) -> None:
    headers = bearer(TOKEN)
    answer = guarded.post("/logout", headers=headers)
    assert answer.status_code == 303
    assert f'{COOKIE}=""' in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/v1/records", "/-/reload", "/v1/models/flights/check"])
def test_a_page_of_another_origin_changes_nothing(
    client: httpx2.Client, headers: dict[str, str], path: str
) -> None:
    answer = client.post(path, content=b"{}", headers=headers | {"content-type": NDJSON})
    assert answer.status_code == 403
    assert answer.json()["reason"] == "cross_origin"


def test_our_own_pages_and_programs_may(client: httpx2.Client) -> None:
    own = str(client.base_url).rstrip("/")
    for headers in ({}, {"origin": own}, {"sec-fetch-site": "same-origin"}):
        assert client.post("/-/reload", headers=headers).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8642", "127.0.0.1.evil", ""])
def test_a_foreign_name_is_refused(client: httpx2.Client, host: str) -> None:
    answer = client.get("/v1/models", headers={"host": host})
    assert answer.status_code == 421


@pytest.mark.parametrize("host", ["localhost:1", "LOCALHOST", "127.0.0.1", "[::1]:8642"])
def test_loopback_names_are_ours(client: httpx2.Client, host: str) -> None:
    assert client.get("/v1/models", headers={"host": host}).status_code == 200


def test_any_name_is_ours_where_so_configured() -> None:
    with serving(flights(), WebSettings(allowed_hosts=None)) as client:
        assert client.get("/v1/models", headers={"host": "driftd.corp"}).status_code == 200


def test_removed_tokens_stop_working_at_once() -> None:
    tokens = [TOKEN, OTHER]
    with serving(flights(), WebSettings(tokens=lambda: tuple(tokens))) as client:
        assert client.get("/v1/models", headers=bearer(TOKEN)).status_code == 200
        tokens.remove(TOKEN)
        assert client.get("/v1/models", headers=bearer(TOKEN)).status_code == 401


def test_hostname() -> None:
    assert hostname(" Example.COM:80 ") == "example.com"
    assert hostname("[::1]:80") == "[::1]"
    assert hostname("[::1") == "[::1]"


def test_a_cookie_ends_and_dies_with_its_token() -> None:
    now = FIRST
    cookie = make_cookie(TOKEN, now)
    assert cookie_valid(cookie, [OTHER, TOKEN], now)
    assert cookie_valid(cookie, [TOKEN], now + 29 * DAY)
    assert not cookie_valid(cookie, [TOKEN], now + 31 * DAY)
    assert not cookie_valid(cookie, [OTHER], now)
    assert not cookie_valid(cookie, [], now)
    expiry, _, signature = cookie.partition(".")
    assert not cookie_valid(f"{int(expiry) + 9}.{signature}", [TOKEN], now)
    for nonsense in ("", ".", "x.y", "\udcff.\udcff", "\N{SUPERSCRIPT TWO}.0"):
        assert not cookie_valid(nonsense, [TOKEN], now)


def test_matching_says_which_token() -> None:
    assert matching(TOKEN, [OTHER, TOKEN]) == TOKEN
    assert matching("\udcff", [TOKEN]) is None
    assert matching("", []) is None


def test_token_file(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text(f"# ours\n{TOKEN}\n\n  {OTHER}  \n")
    assert read_tokens(path) == (TOKEN, OTHER)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("# nothing\n", "holds no token"),
        ("short\n", ":1: a token is one word of at least 16 characters"),
        (f"{TOKEN}\ntwo words of a token\n", ":2: a token is one word"),
    ],
)
def test_bad_token_files_say_why_without_the_token(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "tokens"
    path.write_text(content)
    with pytest.raises(UsageError, match=message) as caught:
        read_tokens(path)
    assert TOKEN not in str(caught.value)


def test_a_token_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the token file: FileNotFoundError"):
        read_tokens(tmp_path / "none")


def test_where_a_login_may_lead() -> None:
    assert local_path("/models/a?b=c") == "/models/a?b=c"
    for elsewhere in ("//evil", "/\\evil", "https://evil", "evil", "", "/a\r\nb"):
        assert local_path(elsewhere) == "/"
