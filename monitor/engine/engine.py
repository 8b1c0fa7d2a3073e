"""The engine: journal entries in, decisions out, and nothing else.

It reads no clock, no file and no database, so that live operation, replay and every test run the
same code: the same entries in the same order give the same decisions, byte for byte. Whatever
else may influence a decision (a new configuration, an idle stream, somebody who asks for a check)
comes in as a *control* entry of the journal.

Control entries are JSON objects:
    {"type": "configure", "config": digest, "baselines": {model: id}}
    {"type": "advance", "model": name, "to": micros}      close time windows that end by `to`
    {"type": "check", "model": name}                       close and judge what is open
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from monitor.columnar import decode_block
from monitor.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from monitor.engine.decision import Decision
    from monitor.engine.model import ModelEngine
    from monitor.performance import PerformanceRow
    from monitor.record import RecordBatch

FORMAT = 1
MAX_LEFT = 256
"""Places of models under earlier configurations that are remembered."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What decisions are made under: the digest of the config and the baseline of each model."""

    config: str = ""
    baselines: Mapping[str, str] = field(default_factory=dict)

    def control(self) -> bytes:
        """The journal entry that brings this configuration into force."""
        return control("configure", config=self.config, baselines=dict(self.baselines))


class Resolver(Protocol):
    """Finds the models of a configuration, with their baselines loaded."""

    def __call__(self, configuration: Configuration) -> Mapping[str, ModelEngine]:
        """Fresh model engines; raises `StorageError` when the archive lacks something."""
        ...


def control(kind: str, **fields: Any) -> bytes:
    """Payload of a control entry."""
    return json.dumps({"type": kind, **fields}, sort_keys=True).encode()


class Engine:
    """Folds the journal. `cursor` is the number of the last entry that was taken in.

    After an exception the state is undefined: restore a saved one and read the journal again.
    """

    def __init__(self, resolve: Resolver) -> None:
        self.cursor = 0
        self.configuration = Configuration()
        self.models: dict[str, ModelEngine] = {}
        self._figures: list[PerformanceRow] = []
        self._left: dict[tuple[str, str, str], Any] = {}
        self._resolve = resolve

    def step(self, seq: int, kind: str, payload: bytes) -> list[Decision]:
        """Take in one entry; the decisions it led to, oldest window first."""
        return list(self.steps(seq, kind, payload))

    def steps(self, seq: int, kind: str, payload: bytes) -> Iterator[Decision]:
        """The same one by one, for callers that do not keep every window; must be exhausted."""
        if kind == "control":
            yield from self._control(json.loads(payload))
        else:
            yield from self._records(seq, payload)
        self.cursor = seq

    def drain(self) -> list[PerformanceRow]:
        """Performance figures that were stated or restated since the last call.

        They belong into the transaction that stores the state; `state` does not hold them.
        """
        figures, self._figures = self._figures, []
        for model in self.models.values():
            figures += model.drain()
        return figures

    def state(self) -> dict[str, Any]:
        """Plain data (see `monitor.packing`) from which `restore` continues identically."""
        return {
            "format": FORMAT,
            "cursor": self.cursor,
            "config": self.configuration.config,
            "baselines": dict(self.configuration.baselines),
            "left": [[*key, place] for key, place in self._left.items()],
            "models": {name: model.state() for name, model in self.models.items()},
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any], resolve: Resolver) -> Engine:
        """Inverse of `state`."""
        if state.get("format") != FORMAT:
            msg = f"engine state has format {state.get('format')!r}, this driftd reads {FORMAT}"
            raise StorageError(msg)
        engine = cls(resolve)
        engine.cursor = state["cursor"]
        engine._left = {(*key,): place for *key, place in state["left"]}
        engine.configuration = Configuration(state["config"], state["baselines"])
        if engine.configuration.config:
            engine.models = dict(resolve(engine.configuration))
        for name, model in engine.models.items():
            model.restore(state["models"][name])
        return engine

    def _records(self, seq: int, payload: bytes) -> Iterator[Decision]:
        records, labels = decode_block(payload)
        for name in dict.fromkeys(batch.model for batch in labels):
            if name in self.models:
                self.models[name].label([batch for batch in labels if batch.model == name])
        by_model: dict[str, list[RecordBatch]] = defaultdict(list)
        for record in records:
            by_model[record.model].append(record)
        for name, batches in by_model.items():
            # A model that left the configuration keeps its records in the journal, unjudged.
            if name in self.models:
                yield from self.models[name].feed(batches, seq)

    def _control(self, message: Mapping[str, Any]) -> Iterator[Decision]:
        kind, model = message["type"], self.models.get(message.get("model", ""))
        if kind == "configure":
            yield from self._configure(Configuration(message["config"], message["baselines"]))
        elif kind == "advance" and model:
            yield from model.advance(message["to"])
        elif kind == "check" and model:
            yield from model.flush()

    def _configure(self, configuration: Configuration) -> Iterator[Decision]:
        """Swap models. One whose frame and windows stay the same keeps its state.

        Whoever comes back to an earlier configuration finds windows that it has decided on: a
        decision is made once, so those stay closed.
        """
        fresh = dict(self._resolve(configuration))
        kept = {name for name, old in self.models.items() if old.continues_in(fresh.get(name))}
        for name, old in self.models.items():
            self._figures += old.drain()
            if name in kept:
                fresh[name].restore(old.state())
            else:
                yield from old.flush()
            self._leave(_key(self.configuration, name), old.windows.place())
        for name, new in fresh.items():
            place = self._left.get(_key(configuration, name))
            if name not in kept and place is not None:
                new.windows.follow(place)
        self.models, self.configuration = fresh, configuration

    def _leave(self, key: tuple[str, str, str], place: Any) -> None:
        self._left.pop(key, None)
        self._left[key] = place
        while len(self._left) > MAX_LEFT:
            del self._left[next(iter(self._left))]


def _key(configuration: Configuration, model: str) -> tuple[str, str, str]:
    return configuration.config, configuration.baselines.get(model, ""), model
