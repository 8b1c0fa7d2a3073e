"""Which channels exist: a literal table, and the entry points of other people's packages.

A channel class has `from_options(name, options, services)` and is otherwise only a `Channel`.
Nothing is imported before it is asked for, and nothing registers itself by being imported.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol, cast

from alerts.errors import ChannelError, UnknownChannelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.channels.base import Channel, ChannelServices

CHANNELS: Mapping[str, str] = {
    "webhook": "alerts.channels.webhook:WebhookChannel",
}

GROUP = "driftd.channels"
"""Entry-point group for channels of other packages."""


class ChannelType(Protocol):
    """A class that makes channels."""

    def from_options(
        self, name: str, options: Mapping[str, Any], services: ChannelServices
    ) -> Channel:
        """Build one channel; `ChannelError` names the option that is wrong, not its value."""
        ...


def known_channels() -> dict[str, str]:
    """Map every installed channel type to its `module:Class`.

    Raises
    ------
    ChannelError
        Two owners claim one name; the message names both.
    """
    known = dict(CHANNELS)
    for point in entry_points(group=GROUP):
        if known.setdefault(point.name, point.value) != point.value:
            raise ChannelError(
                f"channel type {point.name} is claimed by {known[point.name]} and by {point.value}"
            )
    return known


def build_channel(
    kind: str, name: str, options: Mapping[str, Any], services: ChannelServices
) -> Channel:
    """Build the channel `name` of type `kind`.

    Raises
    ------
    UnknownChannelError
        There is no such type; the message lists those there are.
    ChannelError
        An option is wrong; the message begins with the channel's name.
    """
    known = known_channels()
    if kind not in known:
        raise UnknownChannelError(
            f"channel {name}: no channel type {kind}, there is {', '.join(sorted(known))}"
        )
    module, _, attribute = known[kind].partition(":")
    maker = cast("ChannelType", getattr(import_module(module), attribute))
    try:
        return maker.from_options(name, options, services)
    except ChannelError as error:
        raise ChannelError(f"channel {name}: {error}") from None
