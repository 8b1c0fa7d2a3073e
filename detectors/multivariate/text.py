"""Free text as a few numbers, which are then columns like any other.

Length, number of words, and the shares of characters that are not ASCII, digits or punctuation; and
the share of words that the baseline does not know. A row of the baseline knows all of its own
words, so it is held against the words of other rows: rows fall into two halves by their key, and
each is measured with the words of the half that it is not in. A live row falls into a half in the
same way, and so the share means the same before and after.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

STATISTICS: Final = ("length", "words", "non_ascii", "digits", "punctuation", "unknown_words")
"""What is measured of a text, in this order; all but the first two are shares in [0, 1]."""
UNITS: Final = ("characters", "words", "", "", "", "")
MAX_WORDS: Final = 20_000
"""Words that a vocabulary holds, the most frequent ones."""
MAX_CHARACTERS: Final = 20_000
"""What lies beyond this many characters of a text counts for its length only."""

_WORD: Final = re.compile(r"[^\W\d_]+")
_DIGITS: Final = re.compile(r"\d")
_PUNCTUATION: Final = re.compile(r"[^\w\s]")


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Words of both halves of a baseline as hashes: uint32, sorted, `(a,)` and `(b,)`.

    Only hashes are kept: a vocabulary tells nobody what was written.
    """

    even: NDArray[np.uint32]
    odd: NDArray[np.uint32]

    @classmethod
    def of(cls, texts: Sequence[str], counts: NDArray[np.int64]) -> Vocabulary:
        """Words of texts, of which `counts` `(k, 2)` says how often each is in either half."""
        counted: tuple[Counter[int], Counter[int]] = (Counter(), Counter())
        for text, (even, odd) in zip(texts, counts.tolist(), strict=True):
            for word in _hashes(text):
                counted[0][word] += even
                counted[1][word] += odd
        return cls(*map(_kept, counted))

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` reads."""
        return {"even": self.even, "odd": self.odd}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Vocabulary:
        """Inverse of `state`."""
        return cls(np.asarray(state["even"], np.uint32), np.asarray(state["odd"], np.uint32))

    @cached_property
    def known(self) -> tuple[frozenset[int], frozenset[int]]:
        """What rows of the even and of the odd half may know: the words of the other one."""
        return frozenset(self.odd.tolist()), frozenset(self.even.tolist())


def text_statistics(texts: Sequence[str], vocabulary: Vocabulary) -> NDArray[np.float64]:
    """Measure texts.

    Returns
    -------
    ndarray
        float64 `(k, 7)`: the first five of `STATISTICS`, then the share of unknown words for a
        row of the even and of the odd half. Shares of an empty text are 0.
    """
    measured = np.empty((len(texts), len(STATISTICS) + 1))
    for row, text in enumerate(texts):
        measured[row] = _measured(text, vocabulary)
    return measured


def halves(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """int64 `(n,)`: the half, 0 or 1, that rows with these keys fall into."""
    # The low bits: a reservoir keeps rows by the high ones.
    return (keys & np.uint64(1)).astype(np.int64)


def _measured(text: str, vocabulary: Vocabulary) -> tuple[float, ...]:
    length, text = len(text), text[:MAX_CHARACTERS]
    seen = max(len(text), 1)
    words = _hashes(text)
    foreign = 0 if text.isascii() else len(text) - len(text.encode("ascii", "ignore"))
    return (
        float(length),
        float(len(text.split())),
        foreign / seen,
        len(_DIGITS.findall(text)) / seen,
        len(_PUNCTUATION.findall(text)) / seen,
        *(sum(w not in known for w in words) / max(len(words), 1) for known in vocabulary.known),
    )


def _hashes(text: str) -> list[int]:
    words = _WORD.findall(text[:MAX_CHARACTERS].lower())
    return [crc32(word.encode("utf-8", "surrogatepass")) for word in words]


def _kept(counted: Counter[int]) -> NDArray[np.uint32]:
    present = [(-times, word) for word, times in counted.items() if times]
    return np.sort(np.array([word for _, word in sorted(present)[:MAX_WORDS]], dtype=np.uint32))
