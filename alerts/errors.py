"""Errors of the alerts package, grouped by what the caller can do.

    AlertsError
    ├── PolicyError          a parameter is out of its domain: fix the configuration
    └── ChannelError         a channel cannot be built: fix the configuration
        └── UnknownChannelError  no channel of that type is installed

No message carries a secret, or an address that may contain one.
"""

from __future__ import annotations


class AlertsError(Exception):
    """Base of everything that `alerts` raises on purpose; `str()` is one sentence for people."""


class PolicyError(AlertsError, ValueError):
    """A parameter is outside its domain; the message names it and its domain."""


class ChannelError(AlertsError, ValueError):
    """A channel cannot be built from its options; the message shows no option's value."""


class UnknownChannelError(ChannelError):
    """No channel of this type is in the table or among the plug-ins."""
