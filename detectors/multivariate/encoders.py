"""Other people's text encoders: a callable that turns texts into vectors.

An encoder is an entry point in the group `driftd.encoders` whose object takes a list of `k` strings
and returns a float array `(k, d)`, always of the same `d`. It must be deterministic, or a replay
gives other decisions, and it is called in the thread that judges, with the few thousand texts that
a sample keeps: a small model on this machine, not a service across the network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from detectors.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import EntryPoint

    from numpy.typing import NDArray

GROUP = "driftd.encoders"
MAX_DIMENSIONS = 4_096

Encoder: TypeAlias = Callable[[list[str]], "NDArray[np.floating]"]


def encoder_names() -> tuple[str, ...]:
    """What is installed, sorted."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))


def load_encoder(name: str, plugins: Iterable[EntryPoint] | None = None) -> Encoder:
    """Import an encoder by name.

    Raises
    ------
    ParameterError
        If nobody offers that name, or several do.
    """
    found = list(entry_points(group=GROUP) if plugins is None else plugins)
    named = [point for point in found if point.name == name]
    if not named:
        known = ", ".join(sorted({point.name for point in found})) or "none"
        raise ParameterError(f"encoder {name!r} is not installed; installed: {known}")
    if len(named) > 1:
        owners = " and ".join(point.value for point in named)
        raise ParameterError(f"encoder {name!r} is claimed twice: by {owners}")
    encoder: Encoder = named[0].load()
    return encoder


def encode_texts(encoder: Encoder, texts: Sequence[str], size: int) -> NDArray[np.float32]:
    """Vectors of texts, float32 `(k, size)`.

    Whatever the encoder raises, or returns of another shape, makes NaN: the vectors are missing,
    as if nobody had logged them.
    """
    if not texts:
        return np.empty((0, size), np.float32)
    try:
        made = np.asarray(encoder(list(texts)), dtype=np.float32)
    except Exception:  # noqa: BLE001 - a stranger's code; its failure must be no one else's
        return np.full((len(texts), size), np.nan, np.float32)
    return made if made.shape == (len(texts), size) else np.full((len(texts), size), np.nan, "f4")


def dimension_of(encoder: Encoder, text: str) -> int:
    """Length of the encoder's vectors, tried on one text.

    Raises
    ------
    ParameterError
        If the encoder fails, or gives no single vector of at most MAX_DIMENSIONS numbers.
    """
    try:
        shape = np.asarray(encoder([text]), dtype=np.float32).shape
    except Exception as error:
        raise ParameterError(f"the encoder fails on a text: {error}") from error
    if len(shape) != 2 or shape[0] != 1 or not 0 < shape[1] <= MAX_DIMENSIONS:  # noqa: PLR2004
        raise ParameterError(
            f"an encoder gives (texts, d) with d at most {MAX_DIMENSIONS}, this one gave {shape}"
        )
    return int(shape[1])
