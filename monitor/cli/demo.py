"""`driftd demo`: the whole loop on a real year of flights, with a page to look at."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import httpx2
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from monitor.cli.demo_data import MODEL, FlightLog, load, month_slice, month_start
from monitor.cli.demo_feed import batches, known_between, known_of, labels, records
from monitor.cli.demo_receiver import Receiver
from monitor.cli.demo_story import by_month, episodes, months
from monitor.clock import SystemClock
from monitor.errors import DriftdError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor.cli.demo_receiver import Received
    from monitor.cli.demo_story import Episode

FILE_MONTH = 5
TRAINED_UNTIL = 4
WAIT_SECONDS = 60.0
POLL_SECONDS = 0.05
CLOCK: Final = SystemClock()
"""The demo shows real time passing; it decides nothing by it."""

_CONFIG = """\
# The demo's configuration: everything that is not here has a default.
server: {{host: 127.0.0.1, port: {port}}}
archive: {{url: "sqlite:///driftd.db"}}
budget: {{false_alarms: 1, per_days: 30}}
models:
  - name: flights
    task: binary
    positive: "1"
    baseline: flights.baseline          # January to March, the months the model was trained on
    window: {{every: 1d}}
    columns:
      dep_delay: {{kind: numeric, unit: minutes}}
      distance: {{kind: numeric, unit: miles}}
      hour: {{kind: numeric, unit: o'clock}}
      carrier: {{kind: categorical}}
      origin: {{kind: categorical}}
      dest: {{kind: categorical}}
      prediction: {{kind: categorical}}
      score.1: {{kind: numeric, meaning: probability}}
sources:
  - {{type: http}}
  - {{type: files, path: "logs/*.ndjson", format: native}}
alerts:
  channels:
    - name: demo
      type: webhook
      url: "{url}"
      secret_file: webhook.secret
      allow_http: true                    # the demo's receiver is on this machine
      allow_networks: [127.0.0.0/8]
  routes:
    - {{channels: [demo]}}
"""

_EPILOG = """\b
Example:
  driftd demo --once
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the year came to; `figures` are ROC AUC of every day, measured and expected."""

    decisions: Sequence[dict[str, Any]]
    figures: Sequence[dict[str, Any]]
    alerts: Sequence[Received]
    status: dict[str, Any]
    lines: int
    seconds: float

    @property
    def right(self) -> bool:
        """Whether everything that was sent is accounted for and every signature was good."""
        doors = self.status["doors"]
        accounted = sum(n for name, n in doors.items() if name != "received")
        verified = all(alert.verified for alert in self.alerts)
        return doors["received"] == accounted == self.lines and verified


@click.command(epilog=_EPILOG)
@click.option("--once", is_flag=True, help="Exit at the end with a summary; leave no page up.")
@click.option("--port", default=0, help="Port of the page; 0 picks a free one.", show_default=True)
@click.option("--dir", "folder", type=click.Path(path_type=Path), help="Keep everything here.")
def command(*, once: bool, port: int, folder: Path | None) -> None:
    """Watch a real year of flights end to end: ingest, drift, alerts, a page.

    Starts the real daemon on an embedded archive, sends it 336,776 predictions of a small model
    that was trained on January to March, and the true delays as they came in; then prints what
    moved and since when.
    """
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    console = Console()
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="driftd-demo-")))
        receiver = stack.enter_context(Receiver())
        log = load()
        address = _prepare(console, folder, log, receiver, port or _free_port())
        daemon = stack.enter_context(_daemon(folder, address))
        outcome = _year(console, address, log, receiver, folder)
        _tell(console, outcome)
        if not once:
            console.print(f"\nThe page stays up at [bold]{address}[/bold] until Ctrl-C.")
            daemon.wait()
    if not outcome.right:
        raise DriftdError("the demo's counts or signatures do not add up; see above")


def _prepare(console: Console, folder: Path, log: FlightLog, receiver: Receiver, port: int) -> str:
    """Write config, secret and baseline as a user would have them."""
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    (folder / "webhook.secret").write_text(receiver.secret + "\n")
    (folder / "webhook.secret").chmod(0o600)
    (folder / "driftd.yaml").write_text(_CONFIG.format(port=port, url=receiver.url))
    trained = int(np.searchsorted(log.times, month_start(TRAINED_UNTIL)))
    history = folder / "flights-q1.ndjson"
    with history.open("wb") as file:
        file.writelines(records(log.slice(0, trained)))
        file.writelines(labels(log, known_of(log, trained)))
    console.print(f"Building the baseline from {trained:,} flights of January to March ...")
    _driftd(folder, "baseline", "build", "flights", history.name, "-o", "flights.baseline")
    return f"http://127.0.0.1:{port}"


def _driftd(folder: Path, *arguments: str) -> None:
    """Run a driftd command as a user would; its errors are the demo's."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and arguments
        _program(*arguments), cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DriftdError(f"driftd {' '.join(arguments)}: {done.stderr.strip()}")


def _program(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "monitor.cli.main", *arguments]


@contextmanager
def _daemon(folder: Path, address: str) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "driftd.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            _program("run", "-c", "driftd.yaml"), cwd=folder, stdout=log, stderr=log
        )
        try:
            _wait_ready(process, folder, address)
            yield process
        except KeyboardInterrupt:
            pass
        finally:
            process.terminate()
            process.wait(15)


def _wait_ready(process: subprocess.Popen[bytes], folder: Path, address: str) -> None:
    deadline = CLOCK.monotonic() + WAIT_SECONDS
    while CLOCK.monotonic() < deadline:
        if process.poll() is not None:
            said = (folder / "driftd.log").read_text(errors="replace").strip()
            raise DriftdError(f"the daemon did not start: {said.splitlines()[-1:]}")
        try:
            if httpx2.get(f"{address}/readyz").status_code == httpx2.codes.OK:
                return
        except httpx2.TransportError:
            pass
        CLOCK.sleep(POLL_SECONDS)
    raise DriftdError("the daemon was not ready in time")


def _year(
    console: Console, address: str, log: FlightLog, receiver: Receiver, folder: Path
) -> Outcome:
    """Send the year as it went, truths as they came out, and wait for all decisions."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} records"),
        TimeRemainingColumn(),
        console=console,
    )
    started, lines = CLOCK.monotonic(), 0
    with bar, httpx2.Client(base_url=address, timeout=60) as client:
        task = bar.add_task("2013", total=len(log))
        known = 0
        for month in range(1, 13):
            part = month_slice(log, month)
            from_file = month == FILE_MONTH
            bar.update(task, description=f"2013-{month:02d}{' (file)' if from_file else ''}")
            send = _through_file if from_file else _through_http
            for sent in send(client, folder, part):
                bar.advance(task, sent.records)
                rows = known_between(log, known, sent.until)
                known = sent.until
                for payload in labels(log, rows):
                    _post(client, payload)
                lines += sent.records + len(rows)
        seconds = CLOCK.monotonic() - started
        _wait_judged(client)
        decisions, figures = _decisions(client), _figures(client)
        _wait_delivered(client, receiver)
        status = client.get("/v1/status").raise_for_status().json()
    return Outcome(decisions, figures, receiver.received, status, lines, seconds)


@dataclass(frozen=True, slots=True)
class _Sent:
    """How many records went out, and the time (microseconds) up to which they reach."""

    records: int
    until: int


def _through_http(client: httpx2.Client, folder: Path, log: FlightLog) -> Iterator[_Sent]:
    del folder
    for batch, payload in zip(batches(log), records(log), strict=True):
        yield _Sent(_post(client, payload), int(batch.times[-1]))


def _through_file(client: httpx2.Client, folder: Path, log: FlightLog) -> Iterator[_Sent]:
    """Append the month to a file in the watched folder; go on when all of it is accepted."""
    before = _accepted(client)
    with (folder / "logs" / "flights.ndjson").open("ab") as file:
        file.writelines(records(log))
    done, deadline = 0, CLOCK.monotonic() + WAIT_SECONDS
    while done < len(log):
        if CLOCK.monotonic() > deadline:
            raise DriftdError("the file source did not take in its month in time")
        CLOCK.sleep(POLL_SECONDS)
        done = _accepted(client) - before
    yield _Sent(done, int(log.times[-1]))


def _accepted(client: httpx2.Client) -> int:
    return int(client.get("/v1/status").raise_for_status().json()["doors"]["accepted"])


def _post(client: httpx2.Client, payload: bytes) -> int:
    headers = {"content-type": "application/x-ndjson"}
    while True:
        answer = client.post("/v1/records", content=payload, headers=headers)
        if answer.status_code not in {429, 503}:
            return int(answer.raise_for_status().json()["received"])
        CLOCK.sleep(float(answer.headers.get("retry-after", 1)))


def _wait_judged(client: httpx2.Client) -> None:
    """Wait until the engine has taken in everything that was acknowledged."""
    deadline = CLOCK.monotonic() + WAIT_SECONDS
    while client.get("/v1/status").raise_for_status().json()["lag_records"]:
        if CLOCK.monotonic() > deadline:
            raise DriftdError("the engine did not catch up in time")
        CLOCK.sleep(POLL_SECONDS)


def _decisions(client: httpx2.Client) -> list[dict[str, Any]]:
    """All decisions, oldest window first."""
    found: list[dict[str, Any]] = []
    query: dict[str, str | int] = {"model": MODEL, "limit": 200}
    while True:
        page = client.get("/v1/decisions", params=query).raise_for_status().json()
        ids = [item["decision_id"] for item in page["items"]]
        found += [json.loads(client.get(f"/v1/decisions/{name}").content) for name in ids]
        if not page["next_cursor"]:
            return sorted(found, key=lambda decision: str(decision["window"]["start"]))
        query["cursor"] = page["next_cursor"]


def _figures(client: httpx2.Client) -> list[dict[str, Any]]:
    """ROC AUC of every day, measured on labels and expected without."""
    query: dict[str, str | int] = {"metric": "roc_auc", "segment": "", "limit": 1000}
    answer = client.get(f"/v1/models/{MODEL}/performance", params=query).raise_for_status()
    found: list[dict[str, Any]] = answer.json()
    return found


def _wait_delivered(client: httpx2.Client, receiver: Receiver) -> None:
    """Wait until the outbox is empty: then the receiver has every alert."""
    deadline = CLOCK.monotonic() + WAIT_SECONDS
    while CLOCK.monotonic() < deadline:
        lines = client.get("/metrics").text.splitlines()
        pending = [line for line in lines if line.startswith("driftd_outbox_pending{")]
        if receiver.received and all(line.endswith(" 0.0") for line in pending):
            return
        CLOCK.sleep(POLL_SECONDS)


def _tell(console: Console, outcome: Outcome) -> None:
    console.print(_year_table(outcome.decisions, outcome.figures))
    story = [e for e in episodes(outcome.decisions) if not _minor(e)]
    console.print(f"\n[bold]What moved in {len(outcome.decisions)} days[/bold]")
    for episode in story:
        span = f"{episode.start} to {episode.end}"
        console.print(f"  {span}  {episode.severity:<7} {episode.text}", highlight=False)
    quiet = sum(decision["verdict"] == "stable" for decision in outcome.decisions)
    console.print(f"  {quiet} of {len(outcome.decisions)} days were stable.")
    firing = [a for a in outcome.alerts if a.event["type"].startswith("io.driftd.alert.firing")]
    verified = sum(alert.verified for alert in outcome.alerts)
    console.print(
        f"\n[bold]Alerts received[/bold]: {len(outcome.alerts)} messages, {len(firing)} of them "
        f"new alarms, {verified} with a verified signature. The first:"
    )
    if firing:
        console.print(_indented(firing[0].event["data"]["text"]), highlight=False, markup=False)
    rate = outcome.lines / outcome.seconds
    console.print(
        f"\n{outcome.lines:,} lines (predictions and truths) in {outcome.seconds:.1f} s: "
        f"[bold]{rate:,.0f} records/s[/bold], each on disk before it was acknowledged."
    )


def _year_table(decisions: Sequence[dict[str, Any]], figures: Sequence[dict[str, Any]]) -> Table:
    """The months beside each other, as the windows' profiles and the labels saw them."""
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    titles = ("month", "flights", "mean dep_delay", "missing", "ROC AUC", "expected")
    for title in (*titles, "stable", "drift", "broken"):
        table.add_column(title, justify="left" if title == "month" else "right")
    performance = by_month(figures)
    for month in months(decisions):
        days = [str(month.days.get(name, "")) for name in ("stable", "drift", "broken")]
        numbers = (f"{month.records:,}", f"{month.mean:.1f} min", f"{month.missing:.1%}")
        known = performance.get(month.name, {})
        quality = (f"{known[k]:.3f}" if k in known else "" for k in ("measured", "estimated"))
        table.add_row(month.name, *numbers, *quality, *days)
    return table


def _minor(episode: Episode) -> bool:
    return episode.windows == 1 and episode.severity == "warning"


def _indented(text: str) -> str:
    return "\n".join(f"  | {line}" for line in text.strip().splitlines())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
