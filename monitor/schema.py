"""What a column of a model is, and a careful guess at it from a sample of its values.

A guess errs on the side of measuring less: what looks like an identifier, a time or free text is
only counted, and a valid range is guessed from what the name says the numbers are, never from the
smallest and largest value seen, which tomorrow's rows would exceed.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from monitor.columnar import column_of, take_column, values_of
from monitor.record import PREDICTION, SCORE_PREFIX, Booleans, Column, Mixed, Texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from monitor.record import RecordBatch

Kind: TypeAlias = Literal[
    "numeric", "categorical", "boolean", "datetime", "text", "embedding", "id", "ignore"
]
Meaning: TypeAlias = Literal["probability", "ratio", "count", "currency"]
Privacy: TypeAlias = Literal["keep", "hash", "drop"]
Range: TypeAlias = tuple[float, float]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
MEANINGS: Final[tuple[Meaning, ...]] = get_args(Meaning)
PRIVACY_CLASSES: Final[tuple[Privacy, ...]] = get_args(Privacy)

RANGES: Final[Mapping[Meaning, Range]] = {
    "probability": (0.0, 1.0),
    "ratio": (0.0, math.inf),
    "count": (0.0, math.inf),
}
"""Valid values that a meaning brings along."""


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column of a model.

    Attributes
    ----------
    name
        As in `RecordBatch.columns`: a feature, `prediction`, `score` or `score.<class>`.
    kind
        What is measured on it; `ignore` measures nothing.
    unit
        Unit of the values in words, for sentences; "" when there is none.
    range
        Lowest and highest valid value of a numeric column, both inclusive; -inf and inf leave a
        side open. Where none is given, the one that `meaning` brings along, if any.
    importance
        Weight in the ranking of findings relative to other columns, at least 0.
    privacy
        What may be kept of the values.
    meaning
        What the numbers speak of.
    encoder
        Name of the encoder that turns the texts of a text column into vectors; "" for none.
    """

    name: str
    kind: Kind
    unit: str = ""
    range: Range | None = None
    importance: float = 1.0
    privacy: Privacy = "keep"
    meaning: Meaning | None = None
    encoder: str = ""

    def __post_init__(self) -> None:
        if self.range is None and self.meaning is not None:
            object.__setattr__(self, "range", RANGES.get(self.meaning))


class Guess(NamedTuple):
    """A column as it looks, why, and whose data its values seem to be ("" for nobody's)."""

    spec: ColumnSpec
    why: str
    personal: str


FEW: Final = 50
"""Below this many values shares say little: what repeats at all is taken for a category."""
MANY_CATEGORIES: Final = 0.2
"""Distinct share above which texts are no categories."""
UNIQUE: Final = 0.99
CLASSES: Final = 20
"""Whole numbers that a prediction may take and still be a class."""
CODES: Final = 50
LONG: Final = 40
"""Mean length, in characters, from which texts are prose."""
LOOKED_AT: Final = 500
"""Different texts that patterns are tried on."""
MOST: Final = 0.9
EPOCH: Final = 1e9
"""Seconds from 1970 to 2001: larger numbers under the name of a time are times."""
ALWAYS: Final = "always the same value; any other will be reported"

_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)?)?")
_TIMELIKE: Final = re.compile(r"\d{1,4}[-/.:]\d{1,2}([-/.:]\d{1,4}.*)?")
_TRUTHS: Final = tuple(
    frozenset(pair) for pair in (("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f"))
)
_PATTERNS: Final[Mapping[str, re.Pattern[str]]] = {
    "e-mail addresses": re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"),
    "phone numbers": re.compile(r"\+\d[\d ()/.-]{6,18}\d|\(?0\d{1,4}\)?[ /-][\d /-]{4,14}\d"),
}
_PERSONAL_WORDS: Final[Mapping[str, str]] = {
    "email": "e-mail addresses", "mail": "e-mail addresses", "phone": "phone numbers",
    "mobile": "phone numbers", "telephone": "phone numbers", "ip": "IP addresses",
    "ssn": "social security numbers", "passport": "passport numbers", "iban": "bank accounts",
    "firstname": "names of people", "lastname": "names of people", "surname": "names of people",
    "fullname": "names of people", "username": "names of people", "street": "postal addresses",
    "address": "postal addresses", "birthdate": "dates of birth", "dob": "dates of birth",
    "birthday": "dates of birth", "customer": "customers", "user": "users", "patient": "patients",
}  # fmt: skip
_PERSON_OF_NAME: Final = frozenset(
    ("first", "last", "full", "user", "customer", "person", "middle")
)
_ID_WORDS: Final = frozenset(("id", "uuid", "guid", "key", "index", "rowid", "unnamed"))
_TIME_WORDS: Final = frozenset(("time", "timestamp", "date", "datetime", "at", "ts"))
_CODE_WORDS: Final = frozenset(
    ("code", "class", "type", "category", "zip", "postal", "flag", "status", "group", "cluster")
)
_MEANING_WORDS: Final[Mapping[str, Meaning]] = {
    "prob": "probability", "proba": "probability", "probability": "probability",
    "score": "probability", "ratio": "ratio", "share": "ratio", "fraction": "ratio",
    "count": "count", "num": "count", "amount": "currency", "price": "currency",
    "cost": "currency", "revenue": "currency", "salary": "currency", "income": "currency",
    "fee": "currency", "balance": "currency",
}  # fmt: skip
_UNIT_WORDS: Final[Mapping[str, str]] = {
    "ms": "ms", "seconds": "s", "sec": "s", "minutes": "minutes", "mins": "minutes",
    "hours": "hours", "days": "days", "months": "months", "years": "years", "km": "km",
    "miles": "miles", "meters": "m", "kg": "kg", "usd": "USD", "eur": "EUR", "gbp": "GBP",
    "percent": "%", "pct": "%", "bytes": "bytes", "celsius": "°C", "kwh": "kWh",
}  # fmt: skip


def sample_columns(batches: Sequence[RecordBatch], most: int = 20_000) -> dict[str, Column]:
    """Columns of at most about `most` rows, evenly spaced over all batches, to infer from."""
    step = max(1, -(-sum(map(len, batches)) // most))
    rows = [np.arange(0, len(batch), step) for batch in batches]
    names = dict.fromkeys(name for batch in batches for name in batch.columns)
    sample: dict[str, Column] = {}
    for name in names:
        parts = [
            take_column(batch.columns[name], chosen) if name in batch.columns else len(chosen)
            for batch, chosen in zip(batches, rows, strict=True)
        ]
        sample[name] = _joined(parts)
    return sample


def _joined(parts: Sequence[Column | int]) -> Column:
    """One column of several; a number stands for so many missing values."""
    if len(parts) == 1 and not isinstance(parts[0], int):
        return parts[0]
    values: list[Any] = []
    for part in parts:
        values += [None] * part if isinstance(part, int) else values_of(part)
    return column_of(values)


def infer_columns(sample: Mapping[str, Column]) -> tuple[ColumnSpec, ...]:
    """Guess what each column is.

    Parameters
    ----------
    sample
        Columns by name; a few hundred rows at least, or the guesses are poor.

    Returns
    -------
    tuple of ColumnSpec
        In the order of `sample`. `privacy` is a suggestion: `hash` or `drop` where values look
        like personal data.
    """
    return tuple(guess(name, column).spec for name, column in sample.items())


def guess(name: str, column: Column) -> Guess:
    """Guess what one column is, with the reason in words."""
    words = _words(name)
    if isinstance(column, Mixed):
        return _guess_mixed(name, words, column)
    if isinstance(column, Booleans):
        return _plain(name, "boolean", "true or false")
    if isinstance(column, Texts):
        return _guess_texts(name, words, column)
    return _guess_numbers(name, words, column.values[~np.isnan(column.values)])


def _plain(name: str, kind: Kind, why: str) -> Guess:
    return Guess(ColumnSpec(name, kind), why, "")


def _words(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORD.findall(name))


def _guess_numbers(name: str, words: Sequence[str], values: NDArray[np.float64]) -> Guess:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return _plain(name, "ignore", "no value in the sample")
    distinct = np.unique(finite)
    whole = bool((distinct == np.rint(distinct)).all())
    kind, why = _number_kind(name, words, finite, distinct, whole=whole)
    if kind != "numeric":
        personal = _personal(words, ()) if kind == "id" else ""
        return Guess(ColumnSpec(name, kind, privacy="hash" if personal else "keep"), why, personal)
    meaning = _meaning(name, words, distinct, whole=whole)
    unit = next((_UNIT_WORDS[word] for word in reversed(words) if word in _UNIT_WORDS), "")
    return Guess(ColumnSpec(name, kind, unit=unit, meaning=meaning), why, "")


def _number_kind(
    name: str,
    words: Sequence[str],
    finite: NDArray[np.float64],
    distinct: NDArray[np.float64],
    *,
    whole: bool,
) -> tuple[Kind, str]:
    """The first rule that holds."""
    different = len(distinct)
    unique = different >= UNIQUE * len(finite) >= FEW
    counter = bool(_ID_WORDS & set(words)) or bool((np.diff(finite) > 0).all())
    rules: tuple[tuple[bool, Kind, str], ...] = (
        (not whole or name.startswith(SCORE_PREFIX), "numeric", f"{different} different numbers"),
        (different == 1, "categorical", ALWAYS),
        (_is_flag(words, distinct), "boolean", "0 or 1"),
        (name == PREDICTION and different <= CLASSES, "categorical", f"{different} classes"),
        (_is_epoch(words, distinct), "datetime", "the name of a time, and numbers since 1970"),
        (unique and counter, "id", "a different whole number in every row"),
        (_is_code(words, different), "categorical", f"the name of a code, {different} values"),
    )
    default: tuple[Kind, str] = ("numeric", f"{different} different whole numbers")
    return next(((kind, why) for holds, kind, why in rules if holds), default)


def _is_flag(words: Sequence[str], distinct: NDArray[np.float64]) -> bool:
    """Just 0 and 1, and not a count that happens to be small."""
    return distinct.tolist() == [0.0, 1.0] and not _MEANING_WORDS.keys() & set(words)


def _is_epoch(words: Sequence[str], distinct: NDArray[np.float64]) -> bool:
    return bool(_TIME_WORDS & set(words)) and bool(distinct[0] > EPOCH)


def _is_code(words: Sequence[str], different: int) -> bool:
    return bool(_CODE_WORDS & set(words)) and different <= CODES


def _meaning(
    name: str, words: Sequence[str], distinct: NDArray[np.float64], *, whole: bool
) -> Meaning | None:
    """What the name says the numbers are, if all of them agree."""
    word = "score" if name.startswith(SCORE_PREFIX) else None
    word = word or next((each for each in reversed(words) if each in _MEANING_WORDS), None)
    if word is None:
        return None
    meaning = _MEANING_WORDS[word]
    low, high = RANGES.get(meaning, (-math.inf, math.inf))
    agrees = low <= distinct[0] and distinct[-1] <= high and (whole or meaning != "count")
    return meaning if agrees else None


def _guess_texts(name: str, words: Sequence[str], column: Texts) -> Guess:
    used = np.unique(column.codes[column.codes >= 0])
    rows = int((column.codes >= 0).sum())
    if not rows:
        return _plain(name, "ignore", "no value in the sample")
    texts = [column.vocabulary[code] for code in used[:LOOKED_AT].tolist()]
    kind, why = _text_kind(words, texts, len(used), rows)
    personal = ""
    if kind in {"text", "id"} or (kind == "categorical" and len(used) > CODES):
        personal = _personal(words, texts)
    suggested: Privacy = "drop" if kind == "text" else "hash"
    return Guess(ColumnSpec(name, kind, privacy=suggested if personal else "keep"), why, personal)


def _text_kind(
    words: Sequence[str], texts: Sequence[str], different: int, rows: int
) -> tuple[Kind, str]:
    """The first rule that holds."""
    times = _share(texts, _TIMELIKE if _TIME_WORDS & set(words) else _TIME) >= MOST
    few = different <= MANY_CATEGORIES * rows or (rows < FEW and different < rows)
    prose = sum(map(len, texts)) > LONG * len(texts) or _spaced(texts) * 2 > len(texts)
    code = _is_code(words, different // CODES)
    rules: tuple[tuple[bool, Kind, str], ...] = (
        (_truths(texts), "boolean", f"only {' and '.join(sorted(texts))}"),
        (times, "datetime", "dates or times"),
        (different == 1, "categorical", ALWAYS),
        (few, "categorical", f"{different} different values"),
        (code, "categorical", f"the name of a code, {different} values"),
        (prose, "text", "long texts that hardly repeat"),
    )
    default: tuple[Kind, str] = ("id", f"{different} different values in {rows} rows")
    return next(((kind, why) for holds, kind, why in rules if holds), default)


def _truths(texts: Sequence[str]) -> bool:
    return frozenset(text.lower() for text in texts) in _TRUTHS


def _spaced(texts: Sequence[str]) -> int:
    return sum(" " in text for text in texts)


def _guess_mixed(name: str, words: Sequence[str], column: Mixed) -> Guess:
    present = [value for value in column.values if value is not None]
    if not present:
        return _plain(name, "ignore", "no value in the sample")
    if sum(isinstance(value, list) for value in present) > len(present) / 2:
        return _plain(name, "embedding", "arrays of numbers")
    numbers = [value for value in present if _is_number(value)]
    if len(numbers) >= MOST * len(present):
        found = _guess_numbers(name, words, np.array(numbers, dtype=np.float64))
        return found._replace(why=f"{found.why}, and some values of another type")
    texts = column_of([str(value) for value in present if not isinstance(value, list)])
    found = guess(name, texts)
    return found._replace(why=f"{found.why}; of several types")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _personal(words: Sequence[str], texts: Sequence[str]) -> str:
    """Whose data this seems to be: by its values if there are texts, else by its name."""
    if texts:
        for what, pattern in _PATTERNS.items():
            if _share(texts, pattern) >= MOST:
                return what
        if sum(map(_is_address, texts)) >= MOST * len(texts):
            return "IP addresses"
    if "name" in words and (len(words) == 1 or _PERSON_OF_NAME & set(words)):
        return "names of people"
    return next((_PERSONAL_WORDS[word] for word in words if word in _PERSONAL_WORDS), "")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _share(texts: Sequence[str], pattern: re.Pattern[str]) -> float:
    return sum(pattern.fullmatch(text) is not None for text in texts) / len(texts)
