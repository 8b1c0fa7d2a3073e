"""Every line through exactly one door, and what is accepted is in the journal, once."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.archive import counters, journal
from monitor.columnar import values_of
from monitor.intake.dedup import Dedup
from monitor.intake.identity import hashes, sampled
from monitor.intake.intake import load_dedup
from monitor.record import Decoded, Position, Reason
from tests.monitor.intake.gate import CAPACITY, KEY, bad, labels, records
from tests.monitor.intake.gate import gate as opened

if TYPE_CHECKING:
    from monitor.record import Receipt
    from tests.monitor.intake.gate import Gate


def doors(receipt: Receipt) -> tuple[int, int, int, int]:
    """Accepted, duplicate, sampled out, rejected; together they are what was received."""
    found = (receipt.accepted, receipt.duplicate, receipt.sampled_out, receipt.rejected)
    assert sum(found) + receipt.shed == receipt.received
    return found


def kept_by_half(*ids: str) -> list[str]:
    keep = sampled(hashes(KEY, "half", b"r", ids), 0.5)
    return [name for name, kept in zip(ids, keep, strict=True) if kept]


def test_records_are_journalled_as_they_came(gate: Gate) -> None:
    batch = records("a", "b")
    assert doors(gate.records(batch)) == (2, 0, 0, 0)
    (((found,), no_labels),) = gate.journalled()
    assert (found.model, found.version, found.ids, no_labels) == ("m", "1", ("a", "b"), [])
    np.testing.assert_array_equal(found.times, batch.times)
    assert values_of(found.columns["x"]) == values_of(batch.columns["x"])


def test_a_repeat_is_a_duplicate_within_and_across_deliveries(gate: Gate) -> None:
    assert doors(gate.records(records("a", "b", "a"), records("b", "c", version="2"))) == (
        3,
        2,
        0,
        0,
    )
    assert doors(gate.records(records("c", "d"))) == (1, 1, 0, 0)
    assert gate.ids() == ["a", "b", "c", "d"]


def test_models_do_not_share_ids(gate: Gate) -> None:
    ids = kept_by_half(*map(str, range(40)))
    gate.records(records(*ids))
    assert doors(gate.records(records(*ids, model="half"))) == (len(ids), 0, 0, 0)


def test_a_delivery_of_repeats_leaves_no_entry_but_is_counted(gate: Gate) -> None:
    gate.records(records("a"))
    assert doors(gate.records(records("a"))) == (0, 1, 0, 0)
    assert len(gate.journalled()) == 1
    assert gate.doors() == {"received": 2, "accepted": 1, "duplicate": 1}


def test_sampling_is_by_id_and_counted(gate: Gate) -> None:
    ids = tuple(map(str, range(200)))
    kept = kept_by_half(*ids)
    assert 60 < len(kept) < 140
    out = len(ids) - len(kept)
    assert doors(gate.records(records(*ids, model="half"))) == (len(kept), 0, out, 0)
    assert doors(gate.records(records(*ids, model="half"))) == (0, len(kept), out, 0)
    assert gate.ids() == kept


def test_a_label_is_sampled_like_its_record(gate: Gate) -> None:
    ids = tuple(map(str, range(100)))
    kept = kept_by_half(*ids)
    receipt = gate.send(Decoded(labels=[labels([(name, 1) for name in ids], model="half")]))
    assert doors(receipt) == (len(kept), 0, len(ids) - len(kept), 0)
    ((_, (found,)),) = gate.journalled()
    assert list(found.ids) == kept


def test_all_sampled_out_leaves_counts_alone(gate: Gate) -> None:
    assert doors(gate.records(records("a", "b", model="none"))) == (0, 0, 2, 0)
    assert gate.journalled() == []
    assert gate.doors() == {"received": 2, "sampled_out": 2}


def test_a_batch_that_is_sampled_out_does_not_disturb_its_neighbours(gate: Gate) -> None:
    receipt = gate.records(records("a", model="none"), records("b"), records("c", model="none"))
    assert doors(receipt) == (1, 0, 2, 0)
    assert gate.ids() == ["b"]


def test_an_unknown_model_is_a_problem_per_line(gate: Gate) -> None:
    receipt = gate.records(records("a", "b", model="?"), records("c"))
    assert doors(receipt) == (1, 0, 0, 2)
    assert [problem.line for problem in receipt.problems] == [1, 2]
    assert {problem.reason for problem in receipt.problems} == {Reason.UNKNOWN_MODEL}
    assert "no model '?'" in receipt.problems[0].detail
    named = {count.model for count in gate.archive.reader.run(counters.totals)}
    assert named == {"", "m"}, "a name from outside is no key of the counters"


def test_problems_come_back_in_the_order_of_lines_and_are_kept(gate: Gate) -> None:
    receipt = gate.send(Decoded([records("a", model="?")], problems=[bad(3), bad(2, b"\xff\0")]))
    assert [problem.line for problem in receipt.problems] == [1, 2, 3]
    kept = {line.payload for line in gate.kept()}
    assert {b"{", b"\xff\0"} < kept
    assert any(b'"id":"a"' in payload for payload in kept)


def test_lines_from_the_quarantine_are_not_kept_twice(gate: Gate) -> None:
    gate.send(Decoded(problems=[bad(1)]), keep_rejected=False)
    assert gate.kept() == ()
    assert gate.doors() == {"received": 1, "rejected": 1}


def test_an_empty_delivery_is_fine(gate: Gate) -> None:
    assert doors(gate.send(Decoded())) == (0, 0, 0, 0)
    assert gate.doors() == {}


def test_the_position_is_saved_with_the_records_even_if_all_are_repeats(gate: Gate) -> None:
    for step in (1, 2):
        gate.records(records("a"), source="log", position=Position("log", {"offset": step}))
        assert gate.position("log") == Position("log", {"offset": step})


def test_commits_are_told(gate: Gate) -> None:
    gate.records(records("a"))
    gate.records(records("a"))
    assert len(gate.told) == 2


def test_another_truth_is_news_and_the_same_again_is_a_repeat(gate: Gate) -> None:
    def send(*truths: tuple[str, str]) -> tuple[int, int, int, int]:
        return doors(gate.send(Decoded(labels=[labels(truths)])))

    assert send(("a", "0"), ("b", "1")) == (2, 0, 0, 0)
    assert send(("a", "0"), ("a", "1"), ("b", "1")) == (1, 2, 0, 0)
    assert send(("a", "1")) == (0, 1, 0, 0)


def test_a_truth_is_the_same_whatever_comes_with_it(gate: Gate) -> None:
    """1 alone is a column of numbers, beside a text it is one of mixed values."""
    assert doors(gate.send(Decoded(labels=[labels([("a", 1)])]))) == (1, 0, 0, 0)
    again = labels([("a", 1), ("b", "yes")])
    assert doors(gate.send(Decoded(labels=[again]))) == (1, 1, 0, 0)
    different = labels([("a", True), ("a", "1")])
    assert doors(gate.send(Decoded(labels=[different]))) == (2, 0, 0, 0)


def test_a_record_and_its_label_are_two_things(gate: Gate) -> None:
    receipt = gate.send(Decoded([records("a")], [labels([("a", None)])]))
    assert doors(receipt) == (2, 0, 0, 0)


def test_after_a_restart_repeats_are_still_known(tmp_path: Path) -> None:
    with opened(tmp_path) as gate:
        gate.records(records("a", "b"))
        gate.send(Decoded([records("c")], [labels([("a", 1)])]))
    with opened(tmp_path) as gate:
        gate.archive.reader.run(
            lambda link: load_dedup(
                gate.dedup, CAPACITY, (block.hashes for block in journal.tail_backwards(link))
            )
        )
        again = Decoded([records("a", "b", "c", "d")], [labels([("a", 1)])])
        assert doors(gate.send(again)) == (1, 4, 0, 0)
        assert len(gate.dedup) == 5


def test_an_entry_says_how_much_is_in_it(gate: Gate) -> None:
    gate.send(Decoded([records("a", "b"), records("a", version="2")], [labels([("a", 1)])]))
    (entry,) = gate.archive.reader.run(lambda link: journal.read(link, 0, 10, 1 << 20))
    assert (entry.records, entry.labels) == (2, 1)
    (block,) = gate.archive.reader.run(lambda link: list(journal.tail_backwards(link)))
    assert len(block.hashes) == 8 * 3


deliveries = st.lists(
    st.tuples(
        st.sampled_from(["m", "half", "none", "?"]),
        st.lists(st.sampled_from([str(i) for i in range(12)]), max_size=8),
        st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([0, 1, "x"])), max_size=4),
        st.integers(0, 2),
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(sent=deliveries)
def test_what_is_received_leaves_by_exactly_one_door(
    sent: list[tuple[str, list[str], list[tuple[str, int | str]], int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as gate:
        receipts: list[Receipt] = []
        for model, ids, truths, problems in sent:
            decoded = Decoded(
                [records(*ids, model=model), records(*ids[::2], version="2")],
                [labels(truths)],
                [bad(line + 1) for line in range(problems)],
            )
            receipts.append(gate.send(decoded))
            assert receipts[-1].received == decoded.received
        total = gate.doors()
        assert total.pop("received", 0) == sum(total.values())
        expected = np.array([doors(receipt) for receipt in receipts]).reshape(-1, 4).sum(axis=0)
        names = ("accepted", "duplicate", "sampled_out", "rejected")
        assert [total[name] for name in names] == expected.tolist()
        journalled = gate.journalled()
        stored = sum(sum(map(len, found)) + sum(map(len, truths)) for found, truths in journalled)
        assert stored == total["accepted"]
        pairs = [(b.model, name) for found, _ in journalled for b in found for name in b.ids]
        assert len(set(pairs)) == len(pairs)


@settings(max_examples=25, deadline=None)
@given(
    first=st.lists(st.sampled_from("abcdefgh"), max_size=10),
    second=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=10),
)
def test_the_block_holds_exactly_the_accepted_rows(first: list[str], second: list[str]) -> None:
    """Whether all of a delivery is new (encoded before) or a part (encoded again)."""
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as gate:
        gate.records(records(*first))
        before = gate.ids()
        gate.records(records(*second))
        new = [name for name in dict.fromkeys(second) if name not in first]
        assert gate.ids() == [*before, *new]
        assert before == list(dict.fromkeys(first))
        for found, _ in gate.journalled():
            for batch in found:
                assert values_of(batch.columns["x"]) == values_of(records(*batch.ids).columns["x"])


def test_dedup_capacity_is_what_intake_can_promise() -> None:
    """A model of the promise at the level of intake's defaults: 8 bytes per id and a set."""
    memory = Dedup(CAPACITY)
    memory.add(np.arange(CAPACITY, dtype=np.uint64))
    assert not memory.fresh(np.arange(CAPACITY, dtype=np.uint64)).any()


@pytest.mark.parametrize("name", ["", "\u00e9", "x" * 8192, "\u0001", "a\nb"])
def test_any_text_is_an_id(gate: Gate, name: str) -> None:
    assert doors(gate.records(records(name))) == (1, 0, 0, 0)
    assert doors(gate.records(records(name))) == (0, 1, 0, 0)
    assert gate.ids() == [name]
