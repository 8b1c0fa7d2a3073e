"""Secrets from files, read when they are used and never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 65_536


def read_secret(path: Path) -> str:
    """Text of a secret file without surrounding white space.

    Raises
    ------
    ConfigError
        The file cannot be read, is empty, too large or not ASCII. Its content is not quoted.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode("ascii").strip()
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: a secret is ASCII text; this file is not"]) from None
    if not text:
        raise ConfigError([f"{path}: is empty; it should hold a secret"])
    if len(data) > MAX_BYTES:
        raise ConfigError([f"{path}: is larger than {MAX_BYTES} bytes; this is no secret file"])
    return text
