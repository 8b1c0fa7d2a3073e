"""From sections of the configuration to the arguments of the parts that they are about."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from alerts.channels.address import AddressPolicy
from alerts.channels.base import ChannelServices
from alerts.channels.registry import build_channel
from alerts.channels.transport import Transport
from alerts.errors import AlertsError
from monitor.config.model import is_loopback
from monitor.config.sources import FilesSource
from monitor.errors import ConfigError, UsageError
from monitor.record import Limits
from monitor.sources.confinement import Confinement
from monitor.sources.files import FilesSource as FileLines
from monitor.sources.parquet import ParquetSource
from monitor.web.services import LOOPBACK_NAMES, WebSettings
from monitor.web.tokens import read_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from alerts.channels.base import Channel
    from monitor.clock import Clock
    from monitor.config.model import Config, LimitsConfig
    from monitor.config.sources import HttpSource
    from monitor.sources.base import Source


@dataclass(slots=True)
class Routes:
    """Which channels hear of an alert; replaced as a whole when the configuration is."""

    config: Config

    def channels(self, model: str, severity: str) -> Sequence[str]:
        """Names of channels, each once, in the order of the routes."""
        alerts = self.config.alerts
        if not alerts.routes:
            return [channel.name for channel in alerts.channels]
        matching = (
            route.channels
            for route in alerts.routes
            if route.match.model in {None, model} and route.match.severity in {None, severity}
        )
        return list(dict.fromkeys(name for names in matching for name in names))


def limits_of(limits: LimitsConfig) -> Limits:
    """Bounds of one record, as decoders take them."""
    return Limits(
        max_depth=limits.depth,
        max_keys=limits.keys,
        max_string=limits.string_length,
        max_record_bytes=limits.record_bytes,
        max_future_seconds=float(limits.future),
    )


def web_settings(config: Config) -> WebSettings:
    """Bounds and policies of the HTTP side."""
    server = config.server
    names = LOOPBACK_NAMES | frozenset(server.allowed_hosts)
    exposed = not is_loopback(server.host)
    return WebSettings(
        max_body_bytes=server.max_body_bytes,
        max_decompressed_bytes=server.max_decompressed_bytes,
        max_inflight_bytes=2 * server.max_decompressed_bytes + server.max_body_bytes,
        allowed_hosts=None if exposed else names,
        tokens=_token_reader(server.token_file),
    )


class TokenFile:
    """The tokens of a file, read again at every request so that a change counts at once.

    A file that has become unreadable leaves the last tokens in force: an error would lock people
    out, and no token at all would let everybody in.

    Raises
    ------
    UsageError
        The file cannot be used when this is made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = read_tokens(path)

    def __call__(self) -> tuple[str, ...]:
        """The tokens that are in force now."""
        with suppress(UsageError):
            self._last = read_tokens(self._path)
        return self._last


def channels_of(config: Config, clock: Clock) -> list[Channel]:
    """The channels of a configuration, their secrets read.

    Raises
    ------
    ConfigError
        A channel cannot be built; one line each, without quoting a secret.
    """
    channels, problems = [], []
    for index, channel in enumerate(config.alerts.channels):
        try:
            transport = Transport(AddressPolicy.allowing(channel.allow_networks), clock)
            services = ChannelServices(transport, clock)
            channels.append(build_channel(channel.type, channel.name, channel.options(), services))
        except AlertsError as error:
            problems.append(f"alerts.channels[{index}]: {error}")
    if problems:
        raise ConfigError(problems)
    return channels


def _token_reader(path: Path | None) -> Callable[[], tuple[str, ...]]:
    return tuple if path is None else TokenFile(path)


def source_name(source: FilesSource | HttpSource, directory: Path) -> str:
    """Name of a source in metrics, counters and positions; paths as in the configuration."""
    if not isinstance(source, FilesSource):
        return source.type
    path = source.path
    inside = path.is_relative_to(directory)
    return source.name or str(path.relative_to(directory) if inside else path)


def reading_of(source: FilesSource) -> str:
    """Name of the decoder for what the source hands over: Parquet comes as Arrow streams."""
    return "arrow-table" if source.format == "parquet" else source.format


def file_source(source: FilesSource, directory: Path) -> Source:
    """A files source; its files lie below `directory`, where the configuration file is."""
    name, confinement = source_name(source, directory), Confinement(directory)
    if source.format == "parquet":
        return ParquetSource(name, confinement, str(source.path))
    content: Literal["csv", "ndjson"] = "csv" if source.format == "csv" else "ndjson"
    return FileLines(name, confinement, str(source.path), content)
