"""`python -m monitor.archive upgrade URL`: the command that a daemon with an old archive prints."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from monitor.archive.schema import HEAD, upgrade
from monitor.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_USAGE: Final = "usage: python -m monitor.archive upgrade sqlite:///driftd.db\n"


def main(arguments: Sequence[str]) -> int:
    """Upgrade the archive named in `arguments`; 0 done, 2 usage error or refused."""
    if len(arguments) != 2 or arguments[0] != "upgrade":  # noqa: PLR2004  (a verb and a URL)
        sys.stderr.write(_USAGE)
        return 2
    try:
        upgrade(arguments[1])
    except StorageError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"schema {HEAD}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
