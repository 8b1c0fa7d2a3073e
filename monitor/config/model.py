"""The whole configuration: sections of the daemon itself, and rules between sections.

`DESIGN.md` section 5 is the shape. What the shape has and this version lacks is accepted only as
long as nothing is asked of it, and says so otherwise.
"""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo

from detectors import registry
from monitor.config.alerting import AlertsConfig
from monitor.config.section import Rule, RuleError, Section, not_built, repeated
from monitor.config.sources import FilesSource, HttpSource, Source
from monitor.config.units import Bytes, Count, FilePath, Seconds, Text, resolved
from monitor.config.watched import ModelConfig

LOCALHOST = "localhost"
SQLITE = "sqlite:///"
MEMORY = frozenset({"", ":memory:"})


def _absolute(url: str, info: ValidationInfo) -> str:
    """The URL with its path made absolute, so that it means the same from any directory."""
    path = url.removeprefix(SQLITE)
    if not url.startswith(SQLITE) or path in MEMORY:
        return url
    return SQLITE + str(resolved(path, info))


class ServerConfig(Section):
    """Where the daemon listens, and how much one request may bring."""

    host: Text = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8642
    """0 takes a free port and prints it."""
    token_file: FilePath | None = None
    """Bearer tokens, one per line; needed as soon as others can reach the daemon."""
    allowed_hosts: tuple[Text, ...] = ()
    """Further names that the Host header may hold."""
    max_body_bytes: Bytes = 8 * 2**20
    max_decompressed_bytes: Bytes = 64 * 2**20

    def rules(self) -> Iterator[Rule]:
        """Nobody else reaches the daemon without a token."""
        if self.token_file is None and not is_loopback(self.host):
            yield ("host",), _exposed(self.host)
        if self.max_decompressed_bytes < self.max_body_bytes:
            yield (
                ("max_decompressed_bytes",),
                "must not be smaller than max_body_bytes: bodies need not be compressed",
            )


def _exposed(host: str) -> str:
    return (
        f"{host} can be reached from other machines: set server.token_file to a file with a token "
        "(make one with: openssl rand -hex 32), or listen on 127.0.0.1"
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`; a name other than localhost counts as no."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == LOCALHOST


class ArchiveConfig(Section):
    """Where journal, decisions and alerts are kept."""

    url: Annotated[Text, AfterValidator(_absolute)] = Field(
        default=SQLITE + "driftd.db", validate_default=True
    )
    """SQLite in this version; a relative path starts from the configuration file."""
    retention_days: Annotated[int, Field(ge=1, le=36_500)] = 400
    checkpoint_key_file: FilePath | None = None

    def rules(self) -> Iterator[Rule]:
        """SQLite, on disk; no signed checkpoints yet."""
        if not self.url.startswith(SQLITE):
            shown = self.url.partition(":")[0]
            advice = "write sqlite:///driftd.db"
            yield ("url",), not_built(f"archives of type {shown!r}", advice)
        elif self.url.removeprefix(SQLITE) in MEMORY:
            yield ("url",), "an archive in memory would forget what it acknowledged; name a file"
        if self.checkpoint_key_file is not None:
            yield ("checkpoint_key_file",), not_built("signed checkpoints")


class BudgetConfig(Section):
    """How many false alarms people accept, over the whole daemon."""

    false_alarms: Annotated[float, Field(gt=0, le=1_000)] = 1.0
    per_days: Annotated[float, Field(gt=0, le=36_500)] = 30.0


class LimitsConfig(Section):
    """Bounds of what comes in and of what is kept; over them work is refused visibly."""

    depth: Annotated[int, Field(ge=1, le=32)] = 4
    """Nesting of a record."""
    keys: Count = 2_000
    """Keys of a record, all levels together."""
    string_length: Count = 8_192
    """Characters of one string."""
    record_bytes: Bytes = 262_144
    batch_records: Count = 100_000
    """Records in one request or one read of a file."""
    future: Seconds = 86_400
    """How far ahead of the clock a record's time may be."""
    queue_bytes: Bytes = 64 * 2**20
    """Records that wait for the disk; more are refused with 503."""
    dedup_ids: Annotated[int, Field(ge=1_000, le=100_000_000)] = 1_000_000
    """Ids that are remembered to recognise repeats; 8 bytes each and a set."""
    quarantine_rows: Count = 10_000
    """Rejected lines that are kept for a look."""
    quarantine_bytes: Bytes = 64 * 2**20
    series: Annotated[int, Field(ge=100)] = 10_000
    """Metric series of models, segments and columns."""


class PrivacyConfig(Section):
    """Keys of the keyed hashes."""

    key_file: FilePath | None = None
    """Secret of the sampling hash; without it the archive makes its own."""


class PluginConfig(Section):
    """A worker process with a Python of its own."""

    python: FilePath
    """Interpreter of an environment that has the plug-in's packages."""
    timeout: Annotated[Seconds, Field(ge=1)] = 60
    """Wall time of one window; a worker that takes longer is ended."""
    start: Annotated[Seconds, Field(ge=1)] = 300
    """Wall time of a start, and of getting ready for a baseline."""
    memory: Annotated[Bytes, Field(ge=2**20)] = 4 * 2**30
    """Address space of the process."""


class PluginsConfig(Section):
    """Detectors that run in processes of their own."""

    alibi_detect: PluginConfig | None = None


def _no_triggers(value: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
    if value:
        advice = "let a webhook of 'alerts' start the pipeline"
        raise RuleError([((), not_built("retraining triggers", advice))])
    return value


class Config(Section):
    """`driftd.yaml`."""

    server: ServerConfig = Field(default_factory=ServerConfig)
    archive: ArchiveConfig = Field(default_factory=ArchiveConfig)
    budget: BudgetConfig = Field(default_factory=BudgetConfig)
    limits: LimitsConfig = Field(default_factory=LimitsConfig)
    models: tuple[ModelConfig, ...]
    """What is watched."""
    sources: tuple[Source, ...] = Field(default_factory=lambda: (HttpSource(type="http"),))
    alerts: AlertsConfig = Field(default_factory=AlertsConfig)
    retrain: Annotated[tuple[dict[str, Any], ...], AfterValidator(_no_triggers)] = ()
    privacy: PrivacyConfig = Field(default_factory=PrivacyConfig)
    plugins: PluginsConfig = Field(default_factory=PluginsConfig)

    def rules(self) -> Iterator[Rule]:
        """Names are unique, and what names a model names one that exists."""
        if not self.models:
            yield ("models",), "is empty; there is nothing to watch"
        names = [model.name for model in self.models]
        for index, name in repeated(names):
            yield ("models", index, "name"), f"there are two models named {name!r}"
        for index, source in enumerate(self.sources):
            if isinstance(source, FilesSource):
                yield from _known(("sources", index, "model"), source.model, names)
        for index, route in enumerate(self.alerts.routes):
            yield from _known(
                ("alerts", "routes", index, "match", "model"), route.match.model, names
            )
        yield from self._sources_differ()
        yield from self._plugins_there()

    def _plugins_there(self) -> Iterator[Rule]:
        for number, model in enumerate(self.models):
            listed = () if isinstance(model.detectors, str) else model.detectors
            for index, detector in enumerate(listed):
                if registry.family(detector.name) != registry.EXTERNAL:
                    continue
                plugin = registry.load(detector.name)().fit().plugin
                if getattr(self.plugins, plugin, None) is None:
                    text = f"{detector.name} runs in a process of its own: set plugins.{plugin}"
                    yield ("models", number, "detectors", index), f"{text}.python"

    def _sources_differ(self) -> Iterator[Rule]:
        keys = [
            (source.name or str(source.path)) if isinstance(source, FilesSource) else source.type
            for source in self.sources
        ]
        for index, name in repeated(keys):
            text = f"is a second source {name!r}; read it once, or give each its own 'name'"
            yield ("sources", index), text


def _known(path: tuple[str | int, ...], name: str | None, models: list[str]) -> Iterator[Rule]:
    if name is not None and name not in models:
        yield path, f"there is no model {name!r}; models: {', '.join(models)}"
