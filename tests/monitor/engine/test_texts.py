"""Text columns as numbers, through learning and the engine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from detectors.multivariate.embedding import Embedding
from monitor.baseline import Baseline
from monitor.drivers.learn import build_baseline
from monitor.engine.engine import Engine
from monitor.engine.texts import NO_TEXTS, TextColumns, derive
from monitor.model import ModelSpec, WindowSpec
from monitor.packing import pack, unpack
from monitor.record import Mixed, Numbers, RecordBatch, Texts
from monitor.schema import ColumnSpec
from tests.monitor.engine.streams import HOUR, START, Resolver, journal_of

if TYPE_CHECKING:
    from monitor.engine.decision import Decision

SYLLABLES = tuple(f"{a}{b}{c}" for a in "bdfgkl" for b in "aeiou" for c in "mnrst")
WORDS = tuple(f"{a}{b}" for b in SYLLABLES[:40] for a in SYLLABLES)
SPEC = ModelSpec(
    name="shop",
    columns=(ColumnSpec("review", "text"), ColumnSpec("price", "numeric")),
    window=WindowSpec(every=HOUR),
    min_records=50,
)
ROWS = 150
MONDAY = START + 48
"""A working day, so that the first live hours are of a kind that the baseline has seen."""


def reviews(hour: int, seed: int, *, longer: float = 1.0, foreign: float = 0.0) -> RecordBatch:
    """Sentences of Zipf-distributed words; some words of a language that nobody knows."""
    rng = np.random.default_rng([seed, hour])
    lengths = rng.poisson(8 * longer, ROWS) + 1
    ranks = np.minimum(rng.zipf(1.6, lengths.sum()) - 1, len(WORDS) - 1)
    words = [WORDS[rank] for rank in ranks.tolist()]
    other = rng.random(len(words)) < foreign
    words = [f"x{word}x" if new else word for word, new in zip(words, other, strict=True)]
    ends = np.cumsum(lengths).tolist()
    texts = [" ".join(words[a:b]) + "." for a, b in zip([0, *ends], ends, strict=False)]
    distinct = tuple(dict.fromkeys(texts))
    codes = np.array([distinct.index(text) for text in texts], np.int32)
    return RecordBatch(
        model="shop",
        version="1",
        ids=tuple(f"{hour}-{i}" for i in range(ROWS)),
        times=(MONDAY + hour) * HOUR + np.sort(rng.integers(0, HOUR, ROWS)),
        columns={"review": Texts(codes, distinct), "price": Numbers(rng.normal(20, 5, ROWS))},
    )


@pytest.fixture(scope="module")
def learned() -> Baseline:
    return build_baseline([reviews(hour, 1) for hour in range(48)], SPEC)


def decided(learned: Baseline, batches: list[RecordBatch]) -> list[Decision]:
    engine = Engine(Resolver(learned, {"c1": SPEC}))
    entries = enumerate(journal_of(learned, batches), 1)
    return [made for seq, entry in entries for made in engine.step(seq, *entry)]


def drifted(decisions: list[Decision]) -> set[str]:
    return {f.column for d in decisions for f in d.findings if f.severity == "drift"}


def test_what_varies_is_a_column(learned: Baseline) -> None:
    names = {"review.length", "review.words", "review.punctuation", "review.unknown_words"}
    assert names <= set(learned.frame.numeric.names)
    assert "review.non_ascii" not in learned.frame.columns
    assert names <= {column.name for column in learned.columns}
    again = Baseline.from_bytes(learned.to_bytes())
    assert again.id == learned.id
    assert TextColumns.of(again).names == TextColumns.of(learned).names


def test_the_same_reviews_stay_silent(learned: Baseline) -> None:
    assert not drifted(decided(learned, [reviews(48 + hour, 2) for hour in range(100)]))


def test_longer_reviews_are_found(learned: Baseline) -> None:
    made = decided(learned, [reviews(48 + hour, 3, longer=1.3) for hour in range(12)])
    assert {"review.length", "review.words"} <= drifted(made)


def test_new_words_are_found(learned: Baseline) -> None:
    made = decided(learned, [reviews(48 + hour, 4, foreign=0.1) for hour in range(12)])
    assert "review.unknown_words" in drifted(made)


def test_rows_of_the_baseline_know_no_more_than_live_ones(learned: Baseline) -> None:
    texts = TextColumns.of(learned)

    def unknown(seed: int) -> float:
        made = (texts.extended(reviews(hour, seed)) for hour in range(48))
        return float(np.mean([b.columns["review.unknown_words"].values for b in made]))

    assert 0.01 < unknown(1) == pytest.approx(unknown(5), rel=0.1)


def test_a_model_without_text_pays_nothing() -> None:
    batch = reviews(0, 6)
    plain = replace(batch, columns={"price": batch.columns["price"]})
    texts, rows, columns = derive([plain], SPEC.columns[1:])
    assert texts is NO_TEXTS
    assert rows[0] is plain
    assert columns == SPEC.columns[1:]
    assert NO_TEXTS.extended(batch) is batch


def test_odd_texts_are_numbers_too(learned: Baseline) -> None:
    texts = TextColumns.of(learned)
    batch = reviews(0, 7)
    odd = ("", None, "\ud800 \u2028", 17, True, ["no"], "é" * 50_000) + ("a",) * (ROWS - 7)
    made = texts.extended(replace(batch, columns={"review": Mixed(odd)}))
    length = made.columns["review.length"].values
    assert length[[0, 2, 3, 6]].tolist() == [0, 3, 2, 50_000]
    assert np.isnan(length[[1, 5]]).all()
    missing = texts.extended(replace(batch, columns={}))
    assert missing.columns == {}


def test_a_logged_column_of_that_name_stays() -> None:
    batch = reviews(0, 8)
    own = {**batch.columns, "review.length": Numbers(np.full(ROWS, 7.0))}
    columns = (*SPEC.columns, ColumnSpec("review.length", "numeric"))
    texts, rows, specs = derive([replace(batch, columns=own)], columns)
    assert rows[0].columns["review.length"].values[0] == 7
    assert [column.name for column in specs].count("review.length") == 1
    assert "review.length" not in texts.names


def topics(texts: list[str]) -> np.ndarray:
    """How often each letter of a few is written: a poor man's encoder."""
    return np.array([[text.count(letter) / len(text) for letter in "bdfgkl"] for text in texts])


def test_an_encoder_makes_vectors_that_are_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.engine.texts.load_encoder", {"topics": topics}.__getitem__)
    review = ColumnSpec("review", "text", encoder="topics")
    spec = replace(SPEC, columns=(review, *SPEC.columns[1:]), scorers=(Embedding(),))
    learned = build_baseline([reviews(hour, 1) for hour in range(48)], spec)
    assert learned.whole.sample.vectors["review"].shape[1] == 6
    resolver = Resolver(learned, {"c1": spec})
    moved = [reviews(48 + hour, 3) for hour in range(8)]
    moved[4:] = [_other_topic(batch) for batch in moved[4:]]
    engine, made = Engine(resolver), []
    for seq, entry in enumerate(journal_of(learned, moved), 1):
        made += engine.step(seq, *entry)
        engine = Engine.restore(unpack(pack(engine.state())), resolver)
    found = [[f.measure for f in d.findings if f.kind == "multivariate"] for d in made]
    assert found[:4] == [[]] * 4
    assert found[-1] == ["embedding"]


def _other_topic(batch: RecordBatch) -> RecordBatch:
    """The same reviews with two letters exchanged: every number about them stays."""
    texts = batch.columns["review"]
    assert isinstance(texts, Texts)
    table = str.maketrans("bl", "lb")
    changed = Texts(texts.codes, tuple(text.translate(table) for text in texts.vocabulary))
    return replace(batch, columns={**batch.columns, "review": changed})
