"""Decisions as stories: the same verdict in window after window is told once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.web.views import DecisionSummary


@dataclass(frozen=True, slots=True)
class Story:
    """A run of `windows` windows of one model and segment with one verdict.

    `latest` is its newest decision, `start` where its oldest window begins. `ongoing` says that
    nothing newer is known of this model and segment.
    """

    latest: DecisionSummary
    start: int
    windows: int
    ongoing: bool


def stories(decisions: Iterable[DecisionSummary], most: int) -> list[Story]:
    """At most `most` stories from decisions in the order newest first, which is kept."""
    told: list[Story] = []
    current: dict[tuple[str, str], int] = {}
    for decision in decisions:
        subject = (decision.model, decision.segment)
        place = current.get(subject)
        if place is not None and told[place].latest.verdict == decision.verdict:
            story = told[place]
            told[place] = replace(story, start=decision.start, windows=story.windows + 1)
            continue
        current[subject] = len(told)
        told.append(Story(decision, decision.start, 1, ongoing=place is None))
    return told[:most]
