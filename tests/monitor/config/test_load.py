"""What a good configuration becomes: values, places of paths, environment, secrets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor.config.load import MAX_BYTES, load, parse_config
from monitor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.config.model import Config

SMALL = "models:\n  - name: flights\n    baseline: flights.parquet\n"

WHOLE = """
server: {host: 127.0.0.1, port: 8642, token_file: null, max_body_bytes: 8388608}
archive: {url: "sqlite:///driftd.db", retention_days: 400, checkpoint_key_file: null}
budget: {false_alarms: 1, per_days: 30}
models:
  - name: flights
    task: binary
    baseline: flights-baseline.parquet
    positive: "1"
    window: {every: 1d, lateness: 10m}
    min_records: 200
    sampling: {rate: 1.0, key: id}
    label_horizon: 14d
    columns:
      dep_delay: {kind: numeric, unit: minutes, range: [-120, 2000], importance: 0.4, privacy: keep}
      carrier: {kind: categorical}
    segments: [origin]
    fairness: {groups: [], metrics: []}
    detectors: auto
sources:
  - {type: http}
  - {type: files, path: "logs/*.ndjson", format: native}
alerts:
  channels: [{name: ops, type: webhook, url: "https://example.org/x", secret_file: ops.secret}]
  routes: [{match: {severity: critical}, channels: [ops]}]
retrain: []
privacy: {key_file: null}
"""


def parsed(text: str, environ: Mapping[str, str] | None = None) -> Config:
    return parse_config(
        text.encode(), name="driftd.yaml", base=Path("/etc/driftd"), environ=environ or {}
    )


def problems(text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parsed(text, environ)
    return list(caught.value.problems)


def test_smallest_useful_file_gets_the_public_defaults() -> None:
    config = parsed(SMALL)
    (model,) = config.models
    assert (config.server.host, config.server.port) == ("127.0.0.1", 8642)
    assert (config.budget.false_alarms, config.budget.per_days) == (1, 30)
    assert (model.window.every, model.window.lateness, model.min_records) == (86_400, 600, 200)
    assert (model.policy.min_effect, model.policy.recover_windows) == (0.05, 3)
    assert (model.detectors, model.sampling.rate) == ("auto", 1.0)
    assert [source.type for source in config.sources] == ["http"]


def test_the_whole_public_shape_is_accepted() -> None:
    config = parsed(WHOLE)
    (model,) = config.models
    assert model.columns["dep_delay"].range == (-120, 2000)
    assert model.label_horizon == 14 * 86_400
    assert config.alerts.routes[0].match.severity == "critical"


def test_paths_start_from_the_directory_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "driftd.yaml"
    path.write_text(WHOLE, encoding="utf-8")
    config = load(path, environ={})
    assert config.models[0].baseline.path == tmp_path / "flights-baseline.parquet"
    assert config.archive.url == f"sqlite:///{tmp_path}/driftd.db"
    assert config.alerts.channels[0].secret_file == tmp_path / "ops.secret"


def test_default_archive_lies_beside_the_file_too() -> None:
    assert parsed(SMALL).archive.url == "sqlite:////etc/driftd/driftd.db"


def test_on_and_dates_stay_text() -> None:
    text = SMALL + "    positive: on\n    columns: {2013-01-01: {unit: 12:30}}\n"
    (model,) = parsed(text).models
    assert model.positive == "on"
    assert model.columns["2013-01-01"].unit == "12:30"


def test_references_are_filled_in_and_plain_ones_get_their_type() -> None:
    text = "server: {port: '${X}'}\n" + SMALL
    assert problems(text, {"X": "9000"}) == ["driftd.yaml:1: server.port: expected a whole number"]
    text = 'server:\n  port: ${X:-9000}\n  allowed_hosts: ["${H}.example.org", $$x]\n' + SMALL
    server = parsed(text, {"H": "drift"}).server
    assert server.port == 9000
    assert server.allowed_hosts == ("drift.example.org", "$x")


def test_a_reference_never_becomes_structure() -> None:
    text = "server:\n  host: ${H}\n" + SMALL
    (problem,) = problems(text, {"H": "{token_file: x}"})
    assert problem.startswith("driftd.yaml:2: server.host: {token_file: x} can be reached")


def test_environment_goes_over_the_file() -> None:
    environ = {
        "DRIFTD_SERVER__PORT": "9000",
        "DRIFTD_MODELS__0__BASELINE": "/data/other.parquet",
        "DRIFTD_MODELS__0__WINDOW": "{records: 500}",
        "DRIFTD_MODELS__1__NAME": "loans",
        "DRIFTD_MODELS__1__BASELINE": "loans.csv",
        "DRIFTD_TOKEN": "no double underscore, none of our business",
    }
    config = parsed(SMALL, environ)
    assert config.server.port == 9000
    assert config.models[0].baseline.path == Path("/data/other.parquet")
    assert config.models[0].window.records == 500
    assert config.models[1].name == "loans"


def test_environment_finds_keys_whatever_their_case() -> None:
    text = SMALL + "    columns: {Dep_Delay: {unit: minutes}}\n"
    environ = {"DRIFTD_MODELS__0__COLUMNS__DEP_DELAY__UNIT": "hours"}
    assert parsed(text, environ).models[0].columns["Dep_Delay"].unit == "hours"


def test_problems_of_the_environment_name_the_variable_and_not_its_value() -> None:
    environ = {"DRIFTD_SERVER__PORT": "s3cret", "DRIFTD_SERVR__PORT": "1"}
    assert problems(SMALL, environ) == [
        "DRIFTD_SERVER__PORT: server.port: expected a whole number",
        "DRIFTD_SERVR__PORT: servr: unknown key, did you mean 'server'?",
    ]
    assert problems(SMALL, {"DRIFTD_MODELS__7__NAME": "x"}) == [
        "DRIFTD_MODELS__7__NAME: there is no place '7' under models"
    ]


@pytest.mark.parametrize("key", ["url", "secret_file", "url_file"])
def test_what_may_be_a_secret_is_never_quoted(key: str) -> None:
    channel = {"url": '"https://example.org"', "secret_file": "s", key: "[hunter2]"}
    fields = ", ".join(f"{name}: {value}" for name, value in channel.items())
    text = SMALL + f"alerts: {{channels: [{{name: ops, type: webhook, {fields}}}]}}\n"
    assert all("hunter2" not in problem for problem in problems(text))


def test_url_does_not_show_in_the_configuration() -> None:
    config = parsed(WHOLE)
    assert "example.org" not in repr(config) + config.model_dump_json()


def test_channel_options_are_read_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "driftd.yaml"
    path.write_text(WHOLE, encoding="utf-8")
    (channel,) = load(path, environ={}).alerts.channels
    with pytest.raises(ConfigError, match=r"ops\.secret: cannot be read"):
        channel.options()
    (tmp_path / "ops.secret").write_text("whsec_new\nwhsec_old\n", encoding="ascii")
    assert channel.options() == {
        "url": "https://example.org/x",
        "secrets": ("whsec_new", "whsec_old"),
        "allow_http": False,
    }


@pytest.mark.parametrize(
    ("content", "told"),
    [(b" \n", "is empty"), (b"\xff", "is not"), (b"x" * 70_000, "larger than")],
)
def test_bad_secret_files_are_refused_without_showing_them(
    tmp_path: Path, content: bytes, told: str
) -> None:
    (tmp_path / "driftd.yaml").write_text(WHOLE, encoding="utf-8")
    (tmp_path / "ops.secret").write_bytes(content)
    (channel,) = load(tmp_path / "driftd.yaml", environ={}).alerts.channels
    with pytest.raises(ConfigError, match=told) as caught:
        channel.options()
    assert "xxx" not in str(caught.value)


def test_files_that_are_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load(tmp_path / "absent.yaml")
    (tmp_path / "huge.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="is larger than"):
        load(tmp_path / "huge.yaml")


def test_a_bomb_of_aliases_is_refused() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert any("more than 100000 values" in problem for problem in problems("\n".join(levels)))
