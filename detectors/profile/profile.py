"""A bounded, exactly mergeable summary of a set of rows, measured on a baseline's frame.

All state is integers, minima and maxima, and bottom-k samples with exact counts: splitting rows
into blocks in any way, adding them in any order, or merging profiles of the parts gives the same
state bit for bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.errors import InputError, StateError
from detectors.profile.categorical import CategoricalTally, PresenceTally
from detectors.profile.duplicates import DuplicateSketch
from detectors.profile.numeric import NumericTally
from detectors.profile.unseen import ValueSample, restored

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from detectors.inputs import Block
    from detectors.profile.frame import Frame

FORMAT = 1


class Profile:
    """Counts of a set of rows.

    Attributes
    ----------
    frame
        The baseline's frame; only profiles on equal frames merge.
    rows
        Rows added.
    numeric, categorical, presence
        Counts per family of columns.
    """

    __slots__ = ("_hashes", "_unseen", "categorical", "frame", "numeric", "presence", "rows")

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.rows = 0
        self.numeric = NumericTally.empty(frame.numeric)
        self.categorical = CategoricalTally.empty(frame.categorical)
        self.presence = PresenceTally.empty(frame.presence)
        self._hashes = DuplicateSketch()
        self._unseen: dict[int, ValueSample] = {}

    def add(self, block: Block) -> None:
        """Count the rows of a block in frame order.

        Raises
        ------
        InputError
            If the block has other numbers of columns than the frame, or an undefined code.
        """
        self._check(block)
        self.categorical.add(self.frame.categorical, block.categorical)
        self.numeric.add(self.frame.numeric, block.numeric, block.numeric_wrong)
        self.presence.add(block.presence_missing, block.presence_wrong)
        self._hashes.add(block.hashes)
        for j, values in enumerate(block.unseen):
            if values:
                self._unseen.setdefault(j, ValueSample()).add(values.items())
        self.rows += block.rows

    def merge(self, other: Profile) -> None:
        """Add the rows of another profile, which stays as it is.

        Raises
        ------
        InputError
            If the other profile was measured on another frame.
        """
        if other.frame is not self.frame and other.frame.fingerprint != self.frame.fingerprint:
            raise InputError("profiles on different frames do not merge")
        self.numeric.merge(other.numeric)
        self.categorical.merge(other.categorical)
        self.presence.merge(other.presence)
        self._hashes.merge(other._hashes)
        for j, sample in other._unseen.items():
            self._unseen.setdefault(j, ValueSample()).merge(sample)
        self.rows += other.rows

    @property
    def cells(self) -> NDArray[np.int64]:
        """int64 `(f1, bins)`: finite values per bin of each numeric column."""
        return self.numeric.cells

    @property
    def codes(self) -> NDArray[np.int64]:
        """int64 `(f2, K)`: values per vocabulary code of each categorical column."""
        return self.categorical.codes

    @property
    def missing(self) -> NDArray[np.int64]:
        """int64 `(columns,)`: absent or null values of every column, in frame order."""
        return np.concatenate([tally.missing for tally in self._tallies()])

    @property
    def wrong(self) -> NDArray[np.int64]:
        """int64 `(columns,)`: wrong-typed values of every column, in frame order."""
        return np.concatenate([tally.wrong for tally in self._tallies()])

    @property
    def nbytes(self) -> int:
        """Bytes that the arrays take."""
        tallies = [a for t in self._tallies() for a in vars(t).values()]
        return sum(a.nbytes for a in (*tallies, self._hashes.hashes, self._hashes.counts))

    def mean(self) -> NDArray[np.float64]:
        """Mean of the finite values, float64 `(f1,)`, column units; NaN without any.

        Values further than 32 bodies of the baseline from its middle count as being there, so one
        absurd value moves a mean by a bounded amount. Resolution: a fixed-point unit per value.
        Infinite where the clipped mean itself is beyond the range of doubles.
        """
        with np.errstate(invalid="ignore", over="ignore"):
            mean: NDArray[np.float64] = self.numeric.sum_q / self.numeric.valid()
            return self.frame.numeric.center + self.frame.numeric.unit * mean

    def std(self) -> NDArray[np.float64]:
        """Return the standard deviation (divisor n) of the finite values, clipped as in `mean`."""
        count = self.numeric.valid()
        with np.errstate(invalid="ignore", over="ignore"):
            mean = self.numeric.sum_q / count
            variance = np.maximum(self.numeric.sum_qq / count - mean**2, 0.0)
            return self.frame.numeric.unit * np.sqrt(variance)

    def duplicates(self) -> float:
        """Estimated share of rows that repeat an earlier row, exact below 1024 distinct rows."""
        return self._hashes.share(self.rows)

    @property
    def row_hashes(self) -> NDArray[np.uint64]:
        """uint64 `(k,)`: the 1024 smallest distinct row hashes, increasing; fewer where fewer."""
        return self._hashes.hashes

    def unseen_values(self) -> dict[str, dict[str, int]]:
        """Per categorical column up to 20 values outside the vocabulary with exact counts."""
        names = self.frame.categorical.names
        return {names[j]: self._unseen[j].counts() for j in sorted(self._unseen)}

    def state(self) -> dict[str, Any]:
        """Everything as a plain dict of ints, strings, dicts and arrays."""
        return {
            "format": FORMAT,
            "frame": self.frame.fingerprint,
            "rows": self.rows,
            "numeric": self.numeric.state(),
            "categorical": self.categorical.state(),
            "presence": self.presence.state(),
            "hashes": self._hashes.state(),
            "unseen": self.unseen_values(),
        }

    @classmethod
    def restore(cls, frame: Frame, state: Mapping[str, Any]) -> Profile:
        """Profile that continues after `state()`.

        Raises
        ------
        StateError
            If the state has another format or was measured on another frame.
        """
        if state.get("format") != FORMAT:
            raise StateError(f"profile has format {state.get('format')!r}, expected {FORMAT}")
        if state["frame"] != frame.fingerprint:
            raise StateError("the profile was measured on another frame")
        profile = cls(frame)
        profile._resume(state)
        return profile

    def _resume(self, state: Mapping[str, Any]) -> None:
        self.rows = int(state["rows"])
        self.numeric = NumericTally.restore(state["numeric"])
        self.categorical = CategoricalTally.restore(state["categorical"])
        self.presence = PresenceTally.restore(state["presence"])
        self._hashes = DuplicateSketch.restore(state["hashes"])
        position = {name: j for j, name in enumerate(self.frame.categorical.names)}
        self._unseen = {position[n]: restored(c) for n, c in state["unseen"].items()}

    def _tallies(self) -> tuple[NumericTally, CategoricalTally, PresenceTally]:
        return self.numeric, self.categorical, self.presence

    def _check(self, block: Block) -> None:
        frame = self.frame
        families = (
            ("numeric", len(block.numeric), len(frame.numeric.names)),
            ("categorical", len(block.categorical), len(frame.categorical.names)),
            ("presence", len(block.presence_missing), len(frame.presence.names)),
        )
        for family, got, expected in families:
            if got != expected:
                raise InputError(f"block has {got} {family} columns, the frame {expected}")
