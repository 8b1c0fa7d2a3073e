"""Telling how far long work has come; the work does not know who listens, if anybody does."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called now and then with how much is done, of how much in all."""

    def __call__(self, done: int, total: int, /) -> None:
        """Hear of it; must be quick."""
        ...


def unheard(done: int, total: int, /) -> None:
    """Nobody listens."""
    del done, total
