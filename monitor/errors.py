"""Errors of the daemon, grouped by what the person who sees them can do.

DriftdError
├── UsageError           the call is wrong: read --help (exit 2)
│   ├── ConfigError      the configuration is wrong; one line per problem
│   └── TooLargeError    more at once than is taken: send less
├── InputError           the data cannot be read: look at the named place (exit 2)
├── StorageError         the archive refuses: schema, lock, disk
├── OverloadedError      a bound is reached: come back after `retry_after` seconds
└── NotFoundError        no such decision, model, baseline
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class DriftdError(Exception):
    """Base of all errors that driftd raises on purpose; `str()` is one sentence for people."""


class UsageError(DriftdError):
    """The command or request is wrong."""


class ConfigError(UsageError):
    """The configuration has problems; all of them, one line each (`file:line: path: what`)."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class TooLargeError(UsageError):
    """One request holds more than the configuration allows; nothing of it was accepted."""


class InputError(DriftdError):
    """Data cannot be read or understood; the message names file, line or column."""


class StorageError(DriftdError):
    """The archive cannot be opened or written."""


class OverloadedError(DriftdError):
    """A configured bound is reached; nothing was accepted, try again later."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotFoundError(DriftdError):
    """The named thing does not exist."""
