"""Work reports its progress to whoever listens, or to nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.progress import unheard

if TYPE_CHECKING:
    from monitor.progress import Progress


def test_nobody_hears_and_nothing_happens() -> None:
    progress: Progress = unheard
    progress(1, 2)


def test_a_function_that_takes_two_numbers_listens() -> None:
    heard: list[tuple[int, int]] = []

    def listen(done: int, total: int, /) -> None:
        heard.append((done, total))

    progress: Progress = listen
    progress(1, 2)
    assert heard == [(1, 2)]
