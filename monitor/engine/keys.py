"""Keys of records: a 64-bit hash of the id, the same for a prediction and for its label.

Ids are taken eight bytes at a time, all rows at once; each word is stirred by the finaliser of
SplitMix64. Well mixed is all that sampling and joining need: the hash that decides at the door what
is kept (`monitor.intake.identity`) has a secret, this one must come out the same in every replay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_WORD: Final = 8
_STEP: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)


def row_keys(ids: Sequence[str]) -> NDArray[np.uint64]:
    """Key of every id, uint64 `(n,)`."""
    if not ids:
        return np.empty(0, np.uint64)
    lengths = np.fromiter(map(len, ids), np.uint64, len(ids))
    width = -(-max(int(lengths.max()), 1) // _WORD) * _WORD
    try:
        padded = np.array(ids, dtype=f"S{width}")
    except UnicodeEncodeError:
        return _of_bytes([text.encode() for text in ids])
    return _mixed(padded, width, lengths)


def _of_bytes(ids: Sequence[bytes]) -> NDArray[np.uint64]:
    lengths = np.fromiter(map(len, ids), np.uint64, len(ids))
    width = -(-max(int(lengths.max()), 1) // _WORD) * _WORD
    return _mixed(np.array(ids, dtype=f"S{width}"), width, lengths)


def _mixed(
    padded: NDArray[np.bytes_], width: int, lengths: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """Stir word after word; words beyond an id's end take no part, so width does not matter."""
    words = padded.view("<u8").reshape(len(padded), width // _WORD)
    key = (lengths + np.uint64(1)) * _STEP
    for column in range(words.shape[1]):
        inside = lengths > np.uint64(column * _WORD)
        key = np.where(inside, _stirred(key ^ words[:, column]), key)
    return _stirred(key)


def _stirred(key: NDArray[np.uint64]) -> NDArray[np.uint64]:
    key = (key ^ (key >> np.uint64(30))) * _MIX_1
    key = (key ^ (key >> np.uint64(27))) * _MIX_2
    return key ^ (key >> np.uint64(31))
