"""Real tables on a frame: rows to windows, windows to components."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from detectors.inputs import MISSING, OUTSIDE, Block
from detectors.profile.fitting import fit_frame
from detectors.profile.profile import Profile
from detectors.sequential.series import SeriesBank
from tests.bench.quality.worlds import Seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detectors.profile.frame import Frame

DATA = Path(__file__).parents[4] / "shared/data"
FEW_VALUES = 12
"""Integers with no more different values than this are categories."""


def read(name: str) -> pd.DataFrame:
    """Read one of the shared tables, such as `streams/usenet1`."""
    return pd.read_parquet(DATA / f"{name}.parquet")


def available() -> bool:
    """Whether the shared data are on this machine."""
    return DATA.exists()


@dataclass(frozen=True, eq=False)
class Table:
    """Rows in order, on a frame fitted to the first `history` of them."""

    frame: Frame
    numeric: list[NDArray[np.float64]]
    codes: list[NDArray[np.int32]]
    history: int

    @classmethod
    def of(cls, rows: pd.DataFrame, history: int) -> Table:
        """Fit a frame; texts, booleans and integers of few values are categories."""
        early = rows.iloc[:history]
        numeric = [c for c in rows.columns if _is_number(rows[c])]
        texts = {c: _texts(rows[c]) for c in rows.columns if c not in numeric}
        counts = {c: v.iloc[:history].value_counts().to_dict() for c, v in texts.items()}
        values = {c: rows[c].to_numpy(np.float64) for c in numeric}
        frame = fit_frame({c: early[c].to_numpy(np.float64) for c in numeric}, counts, (), {})
        codes = []
        for name, known in zip(frame.categorical.names, frame.categorical.codes, strict=True):
            coded = texts[name].map(known).fillna(OUTSIDE)
            codes.append(np.where(texts[name].isna(), MISSING, coded).astype(np.int32))
        return cls(frame, list(values.values()), codes, history)

    def profile(self, rows: NDArray[np.int64]) -> Profile:
        """Profile of some rows."""
        profile = Profile(self.frame)
        block = Block(
            rows=len(rows),
            numeric=[values[rows] for values in self.numeric],
            numeric_wrong=np.zeros(len(self.numeric), np.int64),
            categorical=[values[rows] for values in self.codes],
            unseen=[{}] * len(self.codes),
            presence_missing=np.zeros(0, np.int64),
            presence_wrong=np.zeros(0, np.int64),
            hashes=rows.astype(np.uint64),
        )
        profile.add(block)
        return profile

    @cached_property
    def baseline(self) -> Profile:
        """Profile of the history."""
        return self.profile(np.arange(self.history))

    def bank(self, rows: float) -> SeriesBank:
        """Components for windows of about `rows` rows."""
        return SeriesBank.fit(self.frame, self.baseline, rows)


def blocks(first: int, last: int, rows: int) -> list[NDArray[np.int64]]:
    """Consecutive windows of `rows` rows each between two rows."""
    starts = range(first, last - rows + 1, rows)
    return [np.arange(start, start + rows) for start in starts]


def seen_of(
    table: Table,
    windows: Sequence[NDArray[np.int64]],
    reference: int,
    x: NDArray[np.float64] | None = None,
) -> Seen:
    """Measure windows of a table in order, the first `reference` of them the baseline."""
    sizes = np.array([len(w) for w in windows])
    bank = table.bank(float(np.median(sizes[:reference])))
    y = np.stack([bank.measure(table.profile(w)) for w in windows])
    x = np.ones((len(windows), 1)) if x is None else x
    return Seen(y, x, sizes, np.arange(len(windows)), bank, reference, [])


def _is_number(column: pd.Series[float]) -> bool:
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return False
    few = column.nunique() <= FEW_VALUES
    return not (few and (column.dropna() == column.dropna().round()).all())


def _texts(column: pd.Series[str]) -> pd.Series[str]:
    return column.astype("string").astype("object").where(column.notna())
