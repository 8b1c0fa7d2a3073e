"""The demo's model: a logistic regression that anybody can recompute with numpy alone.

log-odds(late) = intercept + f(dep_delay) + slope * log(distance / 1000 miles)
               + one weight per carrier, origin, destination and hour of departure

f is piecewise linear with fixed knots. The stored weights are rounded to four decimals and the
published scores come from the rounded weights, so file and scores agree exactly.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor.record import Numbers, Texts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from monitor.record import Column

KNOTS = (-5.0, 0.0, 10.0, 20.0, 30.0, 60.0)
LOWEST, HIGHEST = -20.0, 180.0
MINUTES_PER_UNIT = 10.0
MILES_PER_UNIT = 1000.0
CATEGORIES = ("carrier", "origin", "dest", "hour")
SLOPES = ("dep_delay", *(f"dep_delay>{knot:g}" for knot in KNOTS), "log_distance")
DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Design:
    """How features become terms: learned from training rows, without looking at labels.

    `usual_delay` (minutes) stands in for a missing departure delay; `levels` are the values of
    each category that training saw. A value outside them adds nothing to the log-odds.
    """

    usual_delay: float
    levels: Mapping[str, tuple[str, ...]]

    @classmethod
    def learn(cls, features: Mapping[str, Column]) -> Design:
        """Take the median delay and the values that occur in `features`."""
        delay = numbers(features["dep_delay"])
        return cls(
            usual_delay=float(np.nanmedian(delay)),
            levels={name: _occurring(features[name]) for name in CATEGORIES},
        )

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the terms, in the order of the columns of `matrix`."""
        levels = (f"{name}={level}" for name in CATEGORIES for level in self.levels[name])
        return (*SLOPES, *levels)

    def slopes(self, features: Mapping[str, Column]) -> NDArray[np.float64]:
        """Numeric terms `(n, len(SLOPES))`; delays are clipped to [-20, 180] minutes."""
        delay = numbers(features["dep_delay"])
        delay = np.clip(np.where(np.isnan(delay), self.usual_delay, delay), LOWEST, HIGHEST)
        hinges = [np.maximum(delay - knot, 0.0) / MINUTES_PER_UNIT for knot in KNOTS]
        distance = np.log(numbers(features["distance"]) / MILES_PER_UNIT)
        return np.column_stack([delay / MINUTES_PER_UNIT, *hinges, distance])

    def codes(self, features: Mapping[str, Column], name: str) -> NDArray[np.intp]:
        """Index `(n,)` of each row's value in `levels[name]`; -1 where training never saw it."""
        vocabulary, codes = _coded(features[name])
        place = {level: index for index, level in enumerate(self.levels[name])}
        # One more entry at the end: code -1 (missing) picks it.
        return np.array([place.get(value, -1) for value in vocabulary] + [-1])[codes]

    def matrix(self, features: Mapping[str, Column]) -> NDArray[np.float64]:
        """All terms as a dense matrix `(n, len(terms))`, for fitting."""
        blocks = [self.slopes(features)]
        for name in CATEGORIES:
            unseen_last = np.eye(len(self.levels[name]) + 1)[:, :-1]
            blocks.append(unseen_last[self.codes(features, name)])
        return np.hstack(blocks)


@dataclass(frozen=True, slots=True)
class LateModel:
    """A design with its weights: `(len(design.terms),)` in log-odds."""

    design: Design
    intercept: float
    weights: NDArray[np.float64]

    def score(self, features: Mapping[str, Column]) -> NDArray[np.float64]:
        """Probability `(n,)` of arriving more than 15 minutes late, rounded to four decimals."""
        odds = self.intercept + self.design.slopes(features) @ self.weights[: len(SLOPES)]
        start = len(SLOPES)
        for name in CATEGORIES:
            stop = start + len(self.design.levels[name])
            odds += np.append(self.weights[start:stop], 0.0)[self.design.codes(features, name)]
            start = stop
        return np.round(1.0 / (1.0 + np.exp(-odds)), DECIMALS)

    def rounded(self) -> LateModel:
        """Return the model as it is stored, with four decimals."""
        return LateModel(
            self.design, round(self.intercept, DECIMALS), np.round(self.weights, DECIMALS)
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values; every term is named, in the design's order."""
        return {
            "usual_delay": self.design.usual_delay,
            "intercept": self.intercept,
            "weights": dict(zip(self.design.terms, self.weights.tolist(), strict=True)),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> LateModel:
        """Inverse of `to_json`; further keys are ignored."""
        weights: dict[str, float] = stored["weights"]
        levels = {
            name: tuple(term.split("=")[1] for term in weights if term.startswith(f"{name}="))
            for name in CATEGORIES
        }
        design = Design(stored["usual_delay"], levels)
        return cls(design, stored["intercept"], np.array([weights[term] for term in design.terms]))


def read_model(path: Path) -> LateModel:
    """Read `model.json`."""
    return LateModel.from_json(json.loads(path.read_text(encoding="utf-8")))


def numbers(column: Column) -> NDArray[np.float64]:
    """Return the values `(n,)` of a numeric column."""
    if not isinstance(column, Numbers):
        raise TypeError(f"expected a numeric column, got {type(column).__name__}")
    return column.values


def _coded(column: Column) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    if isinstance(column, Texts):
        return column.vocabulary, column.codes.astype(np.intp)
    values, codes = np.unique(numbers(column), return_inverse=True)
    return tuple(f"{value:g}" for value in values), codes


def _occurring(column: Column) -> tuple[str, ...]:
    vocabulary, codes = _coded(column)
    return tuple(vocabulary[code] for code in np.unique(codes[codes >= 0]))
