"""Text that was decoded wrongly: `SÃ£o Paulo`, `S\ufffdo Paulo`, `S%C3%A3o Paulo`.

Looked for among the values that the vocabulary lacks. A value counts as damaged when undoing one of
the usual mistakes gives a value that the baseline knows, when it holds U+FFFD, or when it is UTF-8
that was read as Latin-1 or Windows-1252 and yields other text when that is undone.
"""

from __future__ import annotations

from html import unescape
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from detectors.quality.wording import percent
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from detectors.quality.baseline import Observed, QualityBaseline

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
CODECS: Final = ("cp1252", "latin-1")
LOST: Final = frozenset((REPLACEMENT, "?"))


def find_encoding_damage(baseline: QualityBaseline, window: Observed) -> tuple[QualityFinding, ...]:
    """Find categorical columns with values that were decoded wrongly."""
    rates = baseline.judge(window, baseline.layout.unseen)
    frame = baseline.frame.categorical
    unseen = window.profile.unseen_values()
    valid = window.profile.categorical.valid()
    found = []
    for j, name in enumerate(frame.names):
        damaged = _damaged(unseen.get(name, {}), frame.codes[j])
        values = sum(unseen[name][value] for value in damaged) if damaged else 0
        if values >= baseline.rule.least and values / valid[j] >= baseline.rule.new_points:
            value, meant = next(iter(damaged.items()))
            told = f"{value!r} for {meant!r}" if meant else repr(value)
            found.append(
                QualityFinding(
                    column=name,
                    kind=QualityKind.ENCODING,
                    severity=rates.severity(j),
                    observed=float(values / valid[j]),
                    expected=0.0,
                    text=f"{name}: at least {percent(values / valid[j])} of the values were "
                    f"decoded wrongly, such as {told}",
                )
            )
    return tuple(found)


def damage(value: str, vocabulary: Iterable[str]) -> str | None:
    """What a damaged value should be, "" if that is not known; None for a value that is sound."""
    if value.isascii() and not set(value) & set("%&\\?"):
        return None
    for undone in _undone(value):
        if undone in vocabulary:
            return undone
    if REPLACEMENT in value or "?" in value:
        like = next((known for known in vocabulary if _lost(value, known)), None)
        if like is not None or REPLACEMENT in value:
            return like or ""
    return next(_redecoded(value), None)


def _damaged(unseen: dict[str, int], vocabulary: Iterable[str]) -> dict[str, str]:
    told = {value: damage(value, vocabulary) for value in unseen}
    return {value: meant for value, meant in told.items() if meant is not None}


def _undone(value: str) -> Iterator[str]:
    """The value with one of the usual mistakes undone, where it has it."""
    for once in _redecoded(value):
        yield once
        yield from _redecoded(once)
    for text in (unescape(value), unquote(value)):
        if text != value:
            yield text
    if "\\u" in value or "\\x" in value:
        try:
            yield value.encode("ascii").decode("unicode_escape")
        except UnicodeError:
            return


def _redecoded(value: str) -> Iterator[str]:
    """The bytes behind the value read as the UTF-8 they seem to be."""
    for codec in CODECS:
        try:
            text = value.encode(codec).decode("utf-8")
        except UnicodeError:
            continue
        if text != value:
            yield text


def _lost(value: str, known: str) -> bool:
    """Whether all that differs is a character beyond ASCII that was replaced."""
    return (
        len(value) == len(known)
        and value != known
        and all(
            a == b or (a in LOST and not b.isascii()) for a, b in zip(value, known, strict=True)
        )
    )
