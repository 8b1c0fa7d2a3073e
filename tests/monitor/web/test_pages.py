"""Pages say what is so, say what to do when nothing is, and let nothing in."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from conftest import serving
from webfakes import DAY, FIRST, LINE, WINDOWS, FakeDaemon, flights, identifier

from monitor.web.pages import words
from monitor.web.pages.stories import stories
from monitor.web.pages.templating import render
from monitor.web.services import WebSettings
from monitor.web.views import ColumnPoint, DecisionSummary

if TYPE_CHECKING:
    import httpx2

LAST = identifier("flights", WINDOWS - 1)
PAGES = ["/", "/models/flights", "/models/flights?segment=origin%3DEWR", f"/decisions/{LAST}"]
NAUGHTY = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}&amp;\u202e\U0001f4a9"


class Elements(HTMLParser):
    """What a browser would build: elements, their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def text_of(client: httpx2.Client, path: str) -> str:
    return re.sub(r"\s+", " ", Elements(client.get(path).text).text)


@pytest.mark.parametrize("path", [*PAGES, "/login"])
def test_headers_and_no_inline_anything(client: httpx2.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "server" not in answer.headers
    for tag, attributes in Elements(answer.text).found:
        assert tag != "style"
        assert tag != "script" or attributes.get("src", "").startswith("/static/")
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        for name in ("src", "href", "action"):
            value = attributes.get(name) or "/"
            assert value.startswith(("/", "#", "?")), "nothing comes from elsewhere"


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_well_formed(client: httpx2.Client, path: str) -> None:
    html = client.get(path).text
    for tag in (
        "svg",
        "table",
        "tr",
        "td",
        "section",
        "figure",
        "g",
        "a",
        "text",
        "dl",
        "ol",
        "li",
    ):
        opened = len(re.findall(rf"<{tag}[\s>]", html))
        assert opened == html.count(f"</{tag}>"), tag
    assert "None" not in html
    assert "nan" not in Elements(html).text.lower().split()


def test_overview_tells_the_story(client: httpx2.Client) -> None:
    text = text_of(client, "/")
    assert "flights needs a look." in text
    assert "Departure delays rose from 12.6 to 20.9 minutes since 8 June" in text
    assert "drift in 18 windows in a row until now" in text
    assert "336,788 received = 336,701 accepted + 12 duplicate + 75 rejected" in text
    assert "dep_delay rose" in text


def test_the_model_page_ranks_columns_and_links_every_window(client: httpx2.Client) -> None:
    html = client.get("/models/flights").text
    rows = re.findall(r'data-column="([^"]+)"', html)
    assert set(rows[:2]) == {"score.1", "dep_delay"}
    assert len(rows) == 13
    for index in range(WINDOWS):
        assert f'href="/decisions/{identifier("flights", index)}"' in html
    assert "visib: 1 broken in 60 windows, stable now" in html
    assert 'aria-current="true">all records' in html


def test_the_model_page_shows_performance_measured_and_expected(client: httpx2.Client) -> None:
    page = text_of(client, "/models/flights")
    assert "Performance" in page
    assert "ROC AUC" in page
    assert "94.4% labelled" in page.replace("\N{THIN SPACE}", "").replace(" %", "%")


def test_status_is_never_by_colour_alone(client: httpx2.Client) -> None:
    html = client.get("/models/flights").text
    for link in re.findall(
        r'<a [^>]*class="cell v-(?:drift|broken|warning)".*?</a>', html, re.DOTALL
    ):
        assert re.search(r'href="#g-(drift|broken|warning)"', link)
        assert re.search(r'(aria-label|data-tip)="[^"]*(drift|broken|warning)', link)


def test_the_decision_page_explains_and_can_be_checked(client: httpx2.Client) -> None:
    text = text_of(client, f"/decisions/{LAST}")
    assert "dep_delay rose by 8.3 minutes, from 12.6 to 20.9." in text
    assert "12.6→20.9 minutes" in text
    assert "since 8 Jun 2013 between 6 Jun 2013 and 10 Jun 2013" in text
    assert "evidence 9.4 line 5.2" in text
    assert "0.4 %→5.1 %" in text
    assert f"driftd replay {LAST}" in text
    assert "At most one false alarm per 30 days" in text
    assert "bins of unequal width" in text
    assert "and 2 rarer values" in text
    assert text.index("dep_delay") < text.index("taxi_out")


def test_a_decision_outlives_its_evidence_and_its_model() -> None:
    daemon = flights()
    daemon.evidence_columns = {}
    daemon.names = ()
    with serving(daemon, WebSettings()) as client:
        text = text_of(client, f"/decisions/{LAST}")
    assert "its distributions are no longer kept" in text


def test_a_window_with_too_little_data_says_so(client: httpx2.Client) -> None:
    text = text_of(client, f"/decisions/{identifier('flights', 20)}")
    assert "too few records to say anything: 90 in this window" in text


def test_a_quiet_decision_says_that_nothing_moved(client: httpx2.Client) -> None:
    assert "Nothing moved more than chance" in text_of(
        client, f"/decisions/{identifier('flights', 2)}"
    )


@pytest.mark.parametrize(
    ("names", "path", "says"),
    [
        ((), "/", "driftd init predictions.parquet"),
        (("churn",), "/", "Send it a record"),
        (("churn",), "/models/churn", '"model": "churn"'),
        (("churn",), "/models/churn?segment=origin%3DX", "Show all records"),
        (("churn",), "/models/churn?version=9", "version 9"),
    ],
)
def test_empty_states_say_what_to_do(names: tuple[str, ...], path: str, says: str) -> None:
    with serving(FakeDaemon(names=names), WebSettings()) as client:
        assert says in text_of(client, path)


def test_errors_are_pages_for_browsers(client: httpx2.Client) -> None:
    answer = client.get("/models/none", headers={"accept": "text/html,*/*"})
    assert answer.status_code == 404
    assert "there is no model" in answer.text
    assert "content-security-policy" in answer.headers
    plain = client.get("/models/none")
    assert plain.headers["content-type"] == "application/problem+json"


def naughty() -> FakeDaemon:
    daemon = flights(NAUGHTY)
    daemon.columns[NAUGHTY] = daemon.columns["dep_delay"]
    daemon.summaries = dict.fromkeys(range(WINDOWS), NAUGHTY)
    daemon.findings = [
        {"kind": NAUGHTY, "column": NAUGHTY, "severity": NAUGHTY, "measure": NAUGHTY,
         "text": NAUGHTY, "since": NAUGHTY, "unit": NAUGHTY, "effect_unit": NAUGHTY,
         "effect": 1.0, "current_value": 1.0}
    ]  # fmt: skip
    daemon.evidence_columns[NAUGHTY] = {
        "kind": "categorical", "values": [NAUGHTY], "baseline": [1.0], "window": [1.0]
    }  # fmt: skip
    last = daemon.windows_[NAUGHTY][-1]
    daemon.windows_[NAUGHTY][-1] = replace(last, version=NAUGHTY, segment=NAUGHTY)
    return daemon


def test_names_from_data_never_become_markup() -> None:
    """Every string that may come from records or configuration is hostile here."""
    daemon = naughty()
    decision = identifier(NAUGHTY, WINDOWS - 1)
    with serving(daemon, WebSettings()) as client:
        quoted = "/models/" + words_quoted(NAUGHTY)
        for path in ("/", quoted, f"/decisions/{decision}"):
            answer = client.get(path)
            assert answer.status_code == 200
            found = Elements(answer.text)
            assert NAUGHTY in found.text
            assert [tag for tag, _ in found.found].count("script") == 1
            assert "img" not in [tag for tag, _ in found.found]
            assert "49" not in re.findall(r"img src=x onerror=alert\(2\)>(\d+)", found.text)
            assert not [a for _, a in found.found if any(name.startswith("on") for name in a)]
        missing = client.get("/models/<script>x", headers={"accept": "text/html"})
        assert "<script>x" not in missing.text


def words_quoted(name: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415 - only here

    return quote(name, safe="")


def wide(columns: int) -> FakeDaemon:
    daemon = flights()
    for index in range(columns):
        points = [ColumnPoint(0, 0.1 * (index % 40), LINE, 1.0, 1.0) for _ in range(WINDOWS)]
        daemon.columns[f"feature_{index:04d}"] = points
    return daemon


def test_a_wide_model_stays_a_small_page() -> None:
    with serving(wide(1000), WebSettings()) as client:
        page = client.get("/models/flights")
        assert len(page.content) < 300_000
        assert "973 calmer columns are not shown" in page.text
        assert page.text.count("<tr>") == 41
        everything = client.get("/models/flights?columns=all").text
        assert everything.count("<tr>") == 1014
        decision = client.get(f"/decisions/{LAST}")
        assert len(decision.content) < 300_000
        assert "953 more columns" in decision.text


def test_runs_of_one_verdict_are_one_story() -> None:
    def made(day: int, verdict: str, model: str = "a") -> DecisionSummary:
        start = FIRST + day * DAY
        return DecisionSummary(
            f"{model}{day}", model, "1", "", start, start + DAY, 9, verdict, "s", 0
        )

    told = stories(
        [
            made(5, "drift"), made(5, "stable", "b"), made(4, "drift"), made(4, "stable", "b"),
            made(3, "stable"), made(2, "drift"),
        ],
        10,
    )  # fmt: skip
    summary = [(s.latest.decision_id, s.windows, s.start, s.ongoing) for s in told]
    assert summary == [
        ("a5", 2, FIRST + 4 * DAY, True),
        ("b5", 2, FIRST + 4 * DAY, True),
        ("a3", 1, FIRST + 3 * DAY, False),
        ("a2", 1, FIRST + 2 * DAY, False),
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, words.NOTHING), (0.0, "0"), (0.0213, "0.0213"), (12.44, "12.4"),
        (1204.4, "1,204"), (3.14e-9, "3.14e~9"), (-2.5, "~2.50"), (5.12e7, "5.12e7"),
        (float("nan"), words.NOTHING), (999.9, "1,000"), (float("-inf"), "~inf"),
    ],
)  # fmt: skip
def test_numbers(value: float | None, text: str) -> None:
    assert words.number(value) == text.replace("~", "\N{MINUS SIGN}")


def test_spans() -> None:
    hour = DAY // 24
    dash = words.NOTHING
    assert words.span(FIRST, FIRST + DAY) == "1 May 2013"
    assert words.span(FIRST + 5 * hour, FIRST + 6 * hour) == f"1 May 2013, 05:00{dash}06:00"
    assert words.span(FIRST, FIRST + 7 * DAY) == f"1 {dash} 7 May 2013"
    assert words.span(FIRST, FIRST + 40 * DAY) == f"1 May {dash} 9 Jun 2013"
    assert words.span(FIRST, FIRST + 365 * DAY) == f"1 May 2013 {dash} 30 Apr 2014"
    assert words.span_text("x", "y") == f"x {dash} y"


def test_percent_never_hides_something() -> None:
    thin = "\N{THIN SPACE}"
    assert words.percent(0.0) == f"0.0{thin}%"
    assert words.percent(1e-6) == f"<{thin}0.1{thin}%"
    assert words.percent(0.051) == f"5.1{thin}%"


def test_headlines() -> None:
    model = flights().models()[0]
    calm = replace(model, verdict="stable", name="calm")
    watch = replace(model, verdict="warning", name="watch")
    new = replace(model, verdict=None, name="new")
    assert words.headline([]) == "Nothing has been judged yet."
    assert words.headline([calm]) == "calm looks as it should."
    assert words.headline([calm, calm]) == "All 2 models look as they should."
    assert words.headline([calm, new]) == "1 of 2 models judged; nothing has drifted."
    assert words.headline([calm, watch]) == "1 of 2 models is worth watching: watch."
    many = [replace(model, name=name) for name in "abcd"]
    assert words.headline([*many, calm]) == "4 of 5 models need a look: a, b, c and more."


def test_an_undefined_name_in_a_template_is_an_error() -> None:
    with pytest.raises(Exception, match="undefined"):
        render("error.html", title="x", refresh=0)
