"""Which files a file source may touch: those below its roots, whatever links point to.

Names come from the configuration, but what lies in a log directory may be written by others: a
link to `/etc/shadow` must not become a prediction log. Links are resolved first and judged after.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from monitor.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file as it was found, links resolved."""

    path: Path
    device: int
    inode: int
    size: int
    modified: int

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode: equal for all names of one file."""
        return (self.device, self.inode)


class Confinement:
    """A directory that patterns are relative to, and the roots that files must lie in.

    Parameters
    ----------
    directory : Path
        Usually the directory of the configuration file; always a root itself.
    allowed : sequence of Path
        Further roots that links (and absolute patterns) may lead to.
    """

    def __init__(self, directory: Path, allowed: Sequence[Path] = ()) -> None:
        self._directory = Path(os.path.realpath(directory))
        self._roots = (self._directory, *(Path(os.path.realpath(root)) for root in allowed))

    def split(self, pattern: str) -> tuple[Path, str]:
        """Take a pattern apart into the root it starts from and the part below it.

        Raises
        ------
        InputError
            The pattern is empty, has `..` in it, or starts outside of all roots.
        """
        pure = PurePath(pattern)
        if not pure.parts or ".." in pure.parts:
            raise InputError(f"file pattern {pattern!r} must name files below its directory")
        if not pure.is_absolute():
            return self._directory, pattern
        for root in self._roots:
            if pure.is_relative_to(root) and pure != root:
                return root, str(pure.relative_to(root))
        raise InputError(f"file pattern {pattern!r} leads outside of {self._directory}")

    def inside(self, path: Path) -> Path:
        """Resolve a path and insist that it lies in a root.

        Raises
        ------
        InputError
            It does not.
        """
        real = Path(os.path.realpath(path))
        if not any(real.is_relative_to(root) for root in self._roots):
            raise InputError(f"{path} leads to {real}, outside of {self._directory}")
        return real

    def parent(self, path: str) -> Path:
        """Directory of a path that was found before; the first root if it is outside by now."""
        try:
            return self.inside(Path(path).parent)
        except InputError:
            return self._directory

    def matches(self, pattern: str) -> Iterator[Path]:
        """List what a pattern matches now, links unresolved, in order of name."""
        root, below = self.split(pattern)
        yield from sorted(root.glob(below))

    def look(self, path: Path) -> Found | None:
        """Look at one file; None if it is not a regular file (any more).

        Raises
        ------
        InputError
            It lies outside of the roots.
        OSError
            It cannot be looked at.
        """
        real = self.inside(path)
        try:
            status = real.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        return Found(real, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)

    def open(self, found: Found) -> int:
        """Open exactly the file that was found, for reading.

        Raises
        ------
        OSError
            It cannot be opened, or its name stands for another file by now.
        """
        # A link that was put in its place since then is not followed, a pipe does not block.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(found.path, flags)
        status = os.fstat(descriptor)
        if (status.st_dev, status.st_ino) != (found.device, found.inode):
            os.close(descriptor)
            raise FileNotFoundError(f"{found.path} is another file now")
        return descriptor
