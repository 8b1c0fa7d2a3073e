"""Who hears of an alert: channels and routes."""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field, SecretStr

from alerts.channels.address import AddressPolicy
from alerts.channels.url import ReceiverUrl
from alerts.errors import AlertsError
from monitor.config.secrets import read_secret
from monitor.config.section import Rule, Section, repeated
from monitor.config.units import FilePath, Name, Text


class WebhookConfig(Section):
    """A signed POST to one URL."""

    name: Name
    type: Literal["webhook"]
    url: SecretStr | None = None
    url_file: FilePath | None = None
    """A file that holds the URL, for URLs with a token in them."""
    secret_file: FilePath
    """A file with one or more `whsec_...` lines; with several, each message is signed by all."""
    allow_http: bool = False
    """Accept a URL that is not encrypted."""
    allow_networks: tuple[Text, ...] = ()
    """Networks or addresses that are private and may be connected to all the same."""

    def rules(self) -> Iterator[Rule]:
        """One address, that can be used; networks that are networks."""
        if (self.url is None) == (self.url_file is None):
            yield (), "write either 'url' or 'url_file'"
        elif self.url is not None:
            try:
                ReceiverUrl.parse(self.url.get_secret_value(), allow_http=self.allow_http)
            except AlertsError as error:
                yield ("url",), str(error).removeprefix("url ")
        for index, network in enumerate(self.allow_networks):
            try:
                AddressPolicy.allowing([network])
            except AlertsError:
                yield ("allow_networks", index), f"{network!r} is no network such as 10.1.0.0/16"

    def options(self) -> dict[str, Any]:
        """Options of `alerts.channels.registry.build_channel`; reads the files now.

        Raises
        ------
        ConfigError
            A file cannot be read or is empty; the message names it and quotes nothing.
        """
        secrets = tuple(read_secret(self.secret_file).split())
        return {"url": self._address(), "secrets": secrets, "allow_http": self.allow_http}

    def _address(self) -> str:
        if self.url_file is not None:
            return read_secret(self.url_file)
        return self.url.get_secret_value() if self.url else ""


class MatchConfig(Section):
    """What a route is for; what is left out matches everything."""

    severity: Literal["warning", "critical"] | None = None
    model: Name | None = None


class RouteConfig(Section):
    """Where matching alerts go; every route that matches is followed."""

    match: MatchConfig = Field(default_factory=MatchConfig)
    channels: tuple[Name, ...]

    def rules(self) -> Iterator[Rule]:
        """A route leads somewhere."""
        if not self.channels:
            yield ("channels",), "is empty; a route needs at least one channel"


class AlertsConfig(Section):
    """Channels and routes; without routes every alert goes to every channel."""

    channels: tuple[WebhookConfig, ...] = ()
    routes: tuple[RouteConfig, ...] = ()

    def rules(self) -> Iterator[Rule]:
        """Channels are unique, and routes lead to channels that exist."""
        names = [channel.name for channel in self.channels]
        for index, name in repeated(names):
            yield ("channels", index, "name"), f"there are two channels named {name!r}"
        for index, route in enumerate(self.routes):
            for place, name in enumerate(route.channels):
                if name not in names:
                    known = ", ".join(names) or "none"
                    text = f"there is no channel {name!r}; channels: {known}"
                    yield ("routes", index, "channels", place), text
