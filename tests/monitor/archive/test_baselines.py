"""Baselines and configurations never change; activations are a history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from monitor.archive import baselines
from monitor.archive.baselines import Activation, BaselineHead, StoredBaseline
from monitor.errors import NotFoundError, StorageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

OLD = StoredBaseline("a" * 64, "flights", 1, b"old")
NEW = StoredBaseline("ab" * 32, "flights", 2, b"newer")
OTHER = StoredBaseline("f" * 64, "prices", 3, b"other")


@pytest.fixture
def stored(write: Callable[[Any], Any]) -> Callable[[Any], Any]:
    for baseline in (OLD, NEW, OTHER):
        write(lambda c, b=baseline: baselines.add(c, b))
    return write


def test_found_by_id_or_by_its_beginning(stored: Callable[[Any], Any]) -> None:
    assert stored(lambda c: baselines.get(c, OLD.id)) == OLD
    assert stored(lambda c: baselines.get(c, "ab")) == NEW
    with pytest.raises(UsageError, match="several begin like this"):
        stored(lambda c: baselines.get(c, "a"))
    with pytest.raises(NotFoundError, match="no baseline 77"):
        stored(lambda c: baselines.get(c, "77"))


def test_adding_again_changes_nothing(stored: Callable[[Any], Any]) -> None:
    stored(lambda c: baselines.add(c, StoredBaseline(OLD.id, "flights", 99, b"old")))
    assert stored(lambda c: baselines.get(c, OLD.id)) == OLD
    for forged in (
        StoredBaseline(OLD.id, "flights", 1, b"forged"),
        StoredBaseline(OLD.id, "prices", 1, b"old"),
    ):
        with pytest.raises(StorageError, match="exists with other content"):
            stored(lambda c, f=forged: baselines.add(c, f))


def test_last_activation_counts_and_all_are_remembered(stored: Callable[[Any], Any]) -> None:
    made = [
        Activation("flights", OLD.id, 10, "first"),
        Activation("flights", NEW.id, 20, "retrained"),
        Activation("flights", OLD.id, 30, "rolled back"),
    ]
    for activation in made:
        stored(lambda c, a=activation: baselines.activate(c, a))
    stored(lambda c: baselines.activate(c, Activation("flights", OLD.id, 40, "restart")))
    assert stored(baselines.active) == {"flights": OLD.id}
    assert stored(lambda c: baselines.history(c, "flights")) == tuple(reversed(made))
    assert stored(lambda c: baselines.history(c, "prices")) == ()
    assert stored(baselines.heads) == (
        BaselineHead(NEW.id, "flights", 2, 5, active=False),
        BaselineHead(OLD.id, "flights", 1, 3, active=True),
        BaselineHead(OTHER.id, "prices", 3, 5, active=False),
    )
    assert [head.id for head in stored(lambda c: baselines.heads(c, "prices"))] == [OTHER.id]


def test_refuses_to_activate_what_does_not_fit(stored: Callable[[Any], Any]) -> None:
    with pytest.raises(NotFoundError):
        stored(lambda c: baselines.activate(c, Activation("flights", "0" * 64, 1, "")))
    with pytest.raises(UsageError, match="is of model prices, not of flights"):
        stored(lambda c: baselines.activate(c, Activation("flights", OTHER.id, 1, "")))
    assert stored(baselines.active) == {}


def test_configurations_are_archived_once(write: Callable[[Any], Any]) -> None:
    for now in (1, 2):
        write(lambda c, at=now: baselines.add_config(c, "d" * 64, b"models: []", at))
    assert write(lambda c: baselines.get_config(c, "d" * 64)) == b"models: []"
    with pytest.raises(NotFoundError, match="no archived configuration eeee"):
        write(lambda c: baselines.get_config(c, "eeee"))
