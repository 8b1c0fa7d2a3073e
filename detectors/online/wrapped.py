"""Running river's detectors (BSD-3, https://riverml.xyz) and keeping their state as plain data.

river is imported only when one of its detectors starts. What its future depends on is read from
and written to named attributes, never pickled; the tests compare every detector's restored future
with the uninterrupted one, so that a river with other attributes cannot pass unnoticed.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import reduce
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class RiverDetector(Protocol):
    """What river's detectors of one stream have in common."""

    @property
    def drift_detected(self) -> bool:
        """Whether the last value raised an alarm."""
        ...

    def update(self, x: Any) -> None:
        """Take in one value."""
        ...


class Wrapped:
    """A river detector as `detectors.online.bank.Single`."""

    __slots__ = ("inner",)

    def __init__(self, inner: RiverDetector) -> None:
        self.inner = inner

    def run(self, values: list[float]) -> list[int]:
        """Take in values, oldest first; positions of the alarms among them."""
        inner, update, alarms = self.inner, self.inner.update, []
        for position, value in enumerate(values):
            update(value)
            if inner.drift_detected:
                alarms.append(position)
        return alarms


class River:
    """Base of parameters whose fields are those of a river detector.

    Attributes
    ----------
    river
        `module:Class` of the detector.
    kept
        Dotted attributes that hold its state.
    """

    river: ClassVar[str]
    kept: ClassVar[tuple[str, ...]]

    def start(self) -> Wrapped:
        """A detector that has seen nothing."""
        module, _, name = self.river.partition(":")
        return Wrapped(getattr(import_module(module), name)(**asdict(self)))  # type: ignore[call-overload]

    def dump(self, single: Wrapped) -> dict[str, Any]:
        """Everything that the detector's future depends on, as plain data."""
        return read(single.inner, self.kept)

    def load(self, state: Mapping[str, Any]) -> Wrapped:
        """Inverse of `dump`."""
        single = self.start()
        write(single.inner, state)
        return single


def read(thing: object, paths: Iterable[str]) -> dict[str, Any]:
    """Attributes by dotted path."""
    return {path: reduce(getattr, path.split("."), thing) for path in paths}


def write(thing: object, state: Mapping[str, Any]) -> None:
    """Inverse of `read`."""
    for path, value in state.items():
        *owners, name = path.split(".")
        setattr(reduce(getattr, owners, thing), name, value)
