"""What a model puts out, and what a label says, as numbers that can be compared.

Binary tasks know 1 (the positive class) and 0 (everything else), several classes their index,
regression the number itself. What is none of the classes that the baseline knew is of a class of
its own, the last one. NaN is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.inputs import OUTSIDE
from monitor.engine.cohort import Predictions
from monitor.engine.columns import SCORE, as_numbers, as_texts, number_text
from monitor.record import PREDICTION, SCORE_PREFIX, Texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from detectors.profile.frame import Frame
    from detectors.profile.sample import Sample
    from monitor.record import Column

BINARY: Final = "binary"
MULTICLASS: Final = "multiclass"
REGRESSION: Final = "regression"
MAX_CLASSES: Final = 50
"""Classes that are told apart; of more the most frequent, the others are one."""

OTHER: Final = "(other)"
"""Stands for every class that the baseline did not know."""

_YES: Final = frozenset({"1", "true", "yes", "y", "t", "positive", "pos"})
_TWO: Final = 2
_HALF: Final = 0.5
_SAME: Final[Mapping[str, str]] = {"true": "1", "false": "0", "1": "true", "0": "false"}
"""How the other side may spell a boolean."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a model decides: `kind` is binary, multiclass or regression.

    `classes` are its classes by index: of a binary task the positive one at 1, of several classes
    `OTHER` last.
    """

    kind: str
    classes: tuple[str, ...] = ()

    @property
    def positive(self) -> str:
        """Name of the positive class of a binary task."""
        return self.classes[1]

    def indexes(self, texts: Texts) -> NDArray[np.float64]:
        """Class of every text, float64 `(n,)`."""
        known = {name: float(i) for i, name in enumerate(self.classes)}
        other = 0.0 if self.kind == BINARY else float(len(self.classes) - 1)
        table = [_found(known, word, other) for word in texts.vocabulary]
        return np.array([*table, np.nan])[texts.codes]

    def truth(self, column: Column, n: int) -> NDArray[np.float64]:
        """What labels say, float64 `(n,)`; NaN where they say nothing that can be read."""
        if self.kind == REGRESSION:
            values = as_numbers(column, n)[0]
            return np.where(np.isfinite(values), values, np.nan)
        return self.indexes(as_texts(column))


def task_of(
    kind: str, positive: str | None, frame: Frame, labels: Mapping[str, int]
) -> Task | None:
    """What a model decides, as configured or as its outputs and labels look.

    Parameters
    ----------
    kind : the configured task; "none" leaves it to the outputs.
    labels : how often each truth occurs in the baseline, as text; may be empty.

    Returns
    -------
    Task or None
        None when there is no output to compare a label with.
    """
    predicted = _vocabulary(frame)
    numeric = PREDICTION in frame.numeric.names
    scored = [name for name in frame.numeric.names if _is_score(name)]
    if predicted is None and not numeric and not scored:
        return None
    named = [name.removeprefix(SCORE_PREFIX) for name in scored if name != SCORE]
    frequent = sorted(labels, key=lambda name: (-labels[name], name))[:MAX_CLASSES]
    classes = set(_canonical([*(predicted or ()), *named, *([positive] if positive else ())]))
    classes |= {name for name in frequent if _SAME.get(name) not in classes}
    if kind == "none":
        kind = _looks_like(classes, named, numeric=numeric and not named, labels=labels)
    if kind == REGRESSION:
        return Task(REGRESSION) if numeric else None
    if kind == MULTICLASS:
        return Task(MULTICLASS, (*sorted(classes)[:MAX_CLASSES], OTHER))
    return Task(BINARY, _two(classes, positive))


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """Outputs of the rows of a sample, in its order: see `cohort.Predictions`."""

    sample: Sample
    predicted: NDArray[np.float64]
    scores: NDArray[np.float64]


def first(sample: Sample, limit: int) -> Sample:
    """A smaller sample of the same rows, at most `limit` of them."""
    return sample if len(sample) <= limit else sample.take(np.arange(limit))


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where a sample of rows has a model's outputs.

    Attributes
    ----------
    groups
        Categorical columns by which performance is told apart.
    """

    task: Task
    frame: Frame
    groups: tuple[str, ...] = ()

    @property
    def scored(self) -> bool:
        """Whether there are scores for every class."""
        return bool(self._columns())

    def read(self, sample: Sample) -> Read:
        """The outputs of every row; the prediction follows from the scores where it is missing."""
        scores, predicted = self.scores(sample), self.predicted(sample)
        missing = np.isnan(predicted)
        if missing.any() and scores.shape[1]:
            predicted = np.where(missing, self._decided(scores), predicted)
        return Read(sample, predicted, scores)

    def predictions(self, rows: Read, expected: NDArray[np.float64] | None = None) -> Predictions:
        """What is kept of some rows; `expected` is the loss that was estimated for each."""
        kept = rows.sample
        unknown = np.full(len(kept), np.nan)
        return Predictions(
            keys=kept.keys,
            times=kept.times,
            predicted=rows.predicted,
            scores=rows.scores,
            expected=unknown if expected is None else expected,
            groups=self._groups(kept),
        ).in_order()

    def predicted(self, sample: Sample) -> NDArray[np.float64]:
        """What the column `prediction` says, float64 `(k,)`; NaN where it says nothing."""
        frame = self.frame
        if PREDICTION in frame.numeric.names:
            values = sample.numeric[:, frame.numeric.names.index(PREDICTION)]
            return values if self.task.kind == REGRESSION else self._numbered(values)
        if PREDICTION not in frame.categorical.names:
            return np.full(len(sample), np.nan)
        column = frame.categorical.names.index(PREDICTION)
        codes = sample.categorical[:, column]
        words = frame.categorical.vocabularies[column]
        # What the baseline did not know is one more word, that no class has.
        texts = Texts(np.where(codes == OUTSIDE, len(words), codes), (*words, "\0"))
        return self.task.indexes(Texts(np.maximum(texts.codes, -1), texts.vocabulary))

    def scores(self, sample: Sample) -> NDArray[np.float64]:
        """Score of the positive class `(k, 1)`, of every class `(k, c)`, or nothing `(k, 0)`."""
        columns = self._columns()
        read = [sample.numeric[:, at] if at >= 0 else 1 - sample.numeric[:, ~at] for at in columns]
        if self.task.kind == MULTICLASS and read:
            read.append(np.zeros(len(sample)))  # nobody gives a score to what nobody knows
        return np.column_stack(read) if read else np.empty((len(sample), 0))

    def _columns(self) -> list[int]:
        """Numeric columns of the scores; `~at` for one minus the column at `at`."""
        names = {name: at for at, name in enumerate(self.frame.numeric.names)}
        if self.task.kind == REGRESSION:
            return []
        classes = [names.get(SCORE_PREFIX + name) for name in self.task.classes]
        if self.task.kind == MULTICLASS:
            known = [at for at in classes[:-1] if at is not None]
            return known if len(known) == len(classes) - 1 else []
        negative, positive = classes
        for at in (positive, names.get(SCORE), None if negative is None else ~negative):
            if at is not None:
                return [at]
        return [names[PREDICTION]] if PREDICTION in names else []

    def _numbered(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Classes that are written as numbers; a fraction is the score of a binary task."""
        if self.task.kind == BINARY and self._columns() == [_index(self.frame, PREDICTION)]:
            return np.where(np.isnan(values), np.nan, (values >= _HALF).astype(np.float64))
        distinct, inverse = np.unique(values, return_inverse=True)
        words = tuple("" if np.isnan(v) else number_text(v) for v in distinct.tolist())
        indexes = self.task.indexes(Texts(np.arange(len(words), dtype=np.int32), words))
        return np.where(np.isnan(values), np.nan, indexes[inverse.reshape(len(values))])

    def _decided(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """The class that the scores speak for."""
        known = ~np.isnan(scores).any(axis=1)
        if self.task.kind == BINARY:
            chosen = (scores[:, 0] >= _HALF).astype(np.float64)
        else:
            chosen = np.argmax(scores, axis=1).astype(np.float64)
        return np.where(known, chosen, np.nan)

    def _groups(self, sample: Sample) -> NDArray[np.int32]:
        names = self.frame.categorical.names
        return sample.categorical[:, [names.index(name) for name in self.groups]]


def _vocabulary(frame: Frame) -> Sequence[str] | None:
    names = frame.categorical.names
    return frame.categorical.vocabularies[names.index(PREDICTION)] if PREDICTION in names else None


def _looks_like(
    classes: set[str], named: Sequence[str], *, numeric: bool, labels: Mapping[str, int]
) -> str:
    if numeric and len(labels) != _TWO:
        return REGRESSION
    return MULTICLASS if max(len(classes), len(named)) > _TWO else BINARY


def _two(classes: set[str], positive: str | None) -> tuple[str, str]:
    """The negative and the positive class."""
    ordered = sorted(classes)
    if positive is None:
        yes = [name for name in ordered if name.lower() in _YES]
        positive = yes[0] if yes else ordered[-1] if ordered else "1"
    others = [name for name in ordered if name not in {positive, _SAME.get(positive)}]
    return (others[0] if others else _SAME.get(positive, "")), positive


def _canonical(names: Iterable[str]) -> list[str]:
    """Each class once, where outputs spell a boolean in both ways."""
    kept: list[str] = []
    for name in names:
        if name not in kept and _SAME.get(name) not in kept:
            kept.append(name)
    return kept


def _found(known: Mapping[str, float], word: str, other: float) -> float:
    if word in known:
        return known[word]
    return known.get(_SAME.get(word.lower(), word), other)


def _is_score(name: str) -> bool:
    return name == SCORE or name.startswith(SCORE_PREFIX)


def _index(frame: Frame, name: str) -> int:
    return frame.numeric.names.index(name)
