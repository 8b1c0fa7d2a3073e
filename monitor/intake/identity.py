"""One keyed 64-bit hash per record: it decides sampling and recognises repeats.

BLAKE2b with a secret key, so that nobody who chooses ids can choose which records are sampled.
Two different ids of one model collide with probability 2**-64.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_WHOLE = 1 << 64


def hashes(key: bytes, model: str, kind: bytes, ids: Iterable[str]) -> NDArray[np.uint64]:
    """uint64 `(n,)`; `kind` keeps a record and the label that bears its id apart."""
    base = blake2b(model.encode() + b"\0" + kind + b"\0", digest_size=8, key=key)
    digests = bytearray()
    for name in ids:
        state = base.copy()
        state.update(name.encode())
        digests += state.digest()
    return np.frombuffer(bytes(digests), dtype="<u8")


def sampled(values: NDArray[np.uint64], rate: float) -> NDArray[np.bool_]:
    """Which records to keep; the same id gives the same answer on every node and at every time."""
    if rate >= 1:
        return np.ones(len(values), dtype=np.bool_)
    return values < np.uint64(int(rate * _WHOLE))
