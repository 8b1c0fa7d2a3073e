"""The engine: journal entries in, decisions out, and nothing else.

It reads no clock, no file and no database, so that live operation, replay and every test run the
same code: the same entries in the same order give the same decisions, byte for byte. Whatever
else may influence a decision (a new configuration, an idle stream, somebody who asks for a check)
comes in as a *control* entry of the journal.

Control entries are JSON objects:
    {"type": "configure", "config": digest, "baselines": {key: id}, "boundary": [key]}
                                                          models of `boundary` change at the end
                                                          of the window that is open
    {"type": "learn", "model": key, "to": micros}         learn until then, it was too little

The last two may say `"after": seq`: they take effect behind that entry, see `Engine.keep`.
    {"type": "advance", "model": name, "to": micros}      close time windows that end by `to`
    {"type": "check", "model": name}                       close and judge what is open
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from monitor.columnar import decode_block
from monitor.engine.learning import Due, LearningEngine
from monitor.engine.model import MAX_VERSIONS, ModelEngine
from monitor.engine.retired import MAX_RETIRED, Retired
from monitor.errors import StorageError
from monitor.model import key_of, model_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from monitor.engine.decision import Decision
    from monitor.engine.retired import Follower
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

    def control(self, boundary: Sequence[str] = (), **more: Any) -> bytes:
        """The journal entry that brings this configuration into force.

        Keys of `boundary` change where their open window ends, the others at once.
        """
        chosen = dict(self.baselines)
        more |= {"boundary": sorted(boundary)} if boundary else {}
        return control("configure", config=self.config, baselines=chosen, **more)


class Resolver(Protocol):
    """Finds the models of a configuration, with their baselines loaded."""

    def __call__(self, configuration: Configuration) -> Mapping[str, Follower]:
        """Fresh engines by key; raises `StorageError` when the archive lacks something."""
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
        self.models: dict[str, Follower] = {}
        self._retired: list[Retired] = []
        self._kept: dict[int, list[str]] = {}
        self._figures: list[PerformanceRow] = []
        self._left: dict[tuple[str, str, str], Any] = {}
        self._resolve = resolve

    def step(self, seq: int, kind: str, payload: bytes) -> list[Decision]:
        """Take in one entry; the decisions it led to, oldest window first."""
        return list(self.steps(seq, kind, payload))

    def steps(self, seq: int, kind: str, payload: bytes) -> Iterator[Decision]:
        """The same one by one, for callers that do not keep every window; must be exhausted."""
        if kind == "control":
            if seq in self._kept:
                del self._kept[seq]
            else:
                yield from self._control(json.loads(payload))
        else:
            yield from self._records(seq, payload)
        self.cursor = seq

    def keep(self, seq: int, payload: bytes) -> Iterator[Decision]:
        """Take in a control entry that belongs here (`after`), though its place is further on.

        A baseline that is due is built while the journal grows; it takes effect where it was due.
        Must be exhausted; the entry is passed over when its place comes.
        """
        if seq > self.cursor and seq not in self._kept:
            message = json.loads(payload)
            yield from self._control(message)
            self._kept[seq] = message.get("boundary", [])

    def drain(self) -> list[PerformanceRow]:
        """Performance figures that were stated or restated since the last call.

        They belong into the transaction that stores the state; `state` does not hold them.
        """
        figures, self._figures = self._figures, []
        for model in (*self.models.values(), *(old.engine for old in self._retired)):
            figures += model.drain()
        return figures

    def due(self) -> list[Due]:
        """Baselines that can be learned from the journal now."""
        found = (model.due(key) for key, model in self.models.items())
        return [due for due in found if due is not None]

    def unfinished(self) -> list[tuple[str, Follower]]:
        """Engines that were replaced while a window was open, and have not judged it yet."""
        return [
            (old.key, old.engine)
            for old in self._retired
            if old.engine.windows.open_end() is not None
        ]

    def state(self) -> dict[str, Any]:
        """Plain data (see `monitor.packing`) from which `restore` continues identically."""
        return {
            "format": FORMAT,
            "cursor": self.cursor,
            "config": self.configuration.config,
            "baselines": dict(self.configuration.baselines),
            "left": [[*key, place] for key, place in self._left.items()],
            "models": {name: model.state() for name, model in self.models.items()},
            "retired": [old.state() for old in self._retired],
            "kept": [[seq, keys] for seq, keys in self._kept.items()],
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
        for name, place in state["models"].items():
            model = engine.models.get(name) or engine._learner(name)
            model.restore(place)
            engine.models[name] = model
        engine._kept = {seq: list(keys) for seq, keys in state["kept"]}
        engine._retired = [
            Retired.restore(old, Configuration, resolve, engine._learner)
            for old in state["retired"]
        ]
        return engine

    def _records(self, seq: int, payload: bytes) -> Iterator[Decision]:
        records, labels = decode_block(payload)
        for name in dict.fromkeys(batch.model for batch in labels):
            told = [batch for batch in labels if batch.model == name]
            for follower in self._followers(name):
                follower.label(told)
        by_key: dict[str, list[RecordBatch]] = defaultdict(list)
        for record in records:
            # A model that left the configuration keeps its records in the journal, unjudged.
            if record.model in self.models:
                by_key[self._key(record.model, record.version)].append(record)
        for key, batches in by_key.items():
            yield from self._feed(key, batches, seq)

    def _feed(self, key: str, batches: list[RecordBatch], seq: int) -> Iterator[Decision]:
        """Rows go to who judged at their time: an engine that retires keeps its last window."""
        model = self.models[key]
        for old in [old for old in self._retired if old.key == key]:
            earlier, batches = old.split(batches)
            if earlier:
                yield from old.engine.feed(earlier, seq)
            newest = max((int(batch.times.max()) for batch in batches), default=None)
            yield from self._close(old, newest)
        model.last_seq = seq
        if batches:
            yield from model.feed(batches, seq)

    def _close(self, old: Retired, newest: int | None) -> Iterator[Decision]:
        """Judge the last window of `old` when it is ripe; forget it when its labels are too."""
        if newest is None:
            return
        if old.ripe(newest):
            yield from old.engine.advance(old.until + 1)
        if old.past(newest):
            self._figures += old.engine.drain()
            self._retired.remove(old)

    def _key(self, model: str, version: str) -> str:
        """Who judges a record; a version that nobody knows may begin to learn."""
        key = key_of(model, version)
        if key in self.models or self.models[model].takes(version):
            return key if key in self.models else model
        if sum(model_of(name) == model for name in self.models) > MAX_VERSIONS:
            return model
        self.models[key] = self._learner(key)
        return key

    def _learner(self, key: str) -> LearningEngine:
        """Who learns what is normal for one version."""
        spec = self.models[model_of(key)].spec
        digest = self.configuration.config
        return LearningEngine(spec, digest, spec.renewal.handover or spec.window.every or 1)

    def _followers(self, model: str) -> list[Follower]:
        """Everybody who knows records of a model."""
        now = [one for key, one in self.models.items() if model_of(key) == model]
        return now + [old.engine for old in self._retired if model_of(old.key) == model]

    def _control(self, message: Mapping[str, Any]) -> Iterator[Decision]:
        kind, name = message["type"], message.get("model", "")
        model = self.models.get(name)
        if kind == "configure":
            configuration = Configuration(message["config"], message["baselines"])
            yield from self._configure(configuration, message.get("boundary", ()))
        elif kind == "advance" and model:
            for old in [old for old in self._retired if old.key == name]:
                yield from old.engine.advance(min(message["to"], old.until + 1))
            yield from model.advance(message["to"])
        elif kind == "check":
            for follower in self._followers(name):
                yield from follower.flush()
        elif kind == "learn" and isinstance(model, LearningEngine):
            model.extend(message["to"])
        elif kind == "external":
            for follower in self._followers(name):
                if isinstance(follower, ModelEngine):
                    follower.external.add(message)

    def _configure(
        self, configuration: Configuration, boundary: Sequence[str]
    ) -> Iterator[Decision]:
        """Swap models. One whose frame and windows stay the same keeps its state.

        Whoever comes back to an earlier configuration finds windows that it has decided on: a
        decision is made once, so those stay closed.
        """
        configuration, fresh = self._with_learned(configuration)
        fresh |= self._still_learning(fresh)
        kept = {name for name, old in self.models.items() if old.continues_in(fresh.get(name))}
        for name, old in self.models.items():
            self._figures += old.drain()
            if name in kept:
                fresh[name].restore(old.state())
            elif name in boundary and name in fresh and self._retire(name, old, fresh[name]):
                continue
            else:
                yield from old.flush()
            self._leave(_key(self.configuration, name), old.windows.place())
        for name, new in fresh.items():
            place = self._left.get(_key(configuration, name))
            if name not in kept and place is not None:
                new.windows.follow(place)
        self.models, self.configuration = fresh, configuration

    def _with_learned(
        self, configuration: Configuration
    ) -> tuple[Configuration, dict[str, Follower]]:
        """The configuration with what was learned meanwhile, and the engines for it.

        It may have been written while a baseline was being learned, and not know of it: its place
        is before that of a control entry that was kept already, or it does not say a word.
        """
        fresh = dict(self._resolve(configuration))
        newer = {key for keys in self._kept.values() for key in keys}
        learned = {
            key: old.baseline_id
            for key, old in self.models.items()
            if key not in configuration.baselines or key in newer
            if _goes_on(old, key, fresh)
        }
        if not learned:
            return configuration, fresh
        known = Configuration(configuration.config, {**configuration.baselines, **learned})
        return known, dict(self._resolve(known))

    def _still_learning(self, fresh: Mapping[str, Follower]) -> dict[str, Follower]:
        """Versions that have begun to learn and may go on, as the model's handover says."""
        found: dict[str, Follower] = {}
        for key, old in self.models.items():
            base = fresh.get(model_of(key))
            length = None if base is None else base.spec.renewal.handover
            if key in fresh or base is None or key == model_of(key) or length is None:
                continue
            if isinstance(old, LearningEngine):
                found[key] = LearningEngine(base.spec, base.config, length)
        return found

    def _retire(self, key: str, old: Follower, new: Follower) -> bool:
        """Let `old` keep the window that is open; False where windows have no such end."""
        every, newest = old.spec.window.every, old.windows.newest
        if every is None or newest is None or old.spec.window != new.spec.window:
            return False
        until = (newest // every + 1) * every
        new.windows.follow(until // every)
        configuration = self.configuration
        self._retired.append(Retired(key, configuration, old, until))
        for surplus in [one for one in self._retired if one.key == key][:-MAX_RETIRED]:
            self._retired.remove(surplus)
        return True

    def _leave(self, key: tuple[str, str, str], place: Any) -> None:
        self._left.pop(key, None)
        self._left[key] = place
        while len(self._left) > MAX_LEFT:
            del self._left[next(iter(self._left))]


def _goes_on(old: Follower, key: str, fresh: Mapping[str, Follower]) -> bool:
    """Whether what was learned for `key` fits a configuration under which it would be learned."""
    base = fresh.get(model_of(key))
    if not isinstance(old, ModelEngine) or base is None:
        return False
    renewal = base.spec.renewal
    if key == model_of(key):
        learns = isinstance(base, LearningEngine) or renewal.rolling is not None
    else:
        learns = renewal.handover is not None or renewal.rolling is not None
    ours, theirs = old.spec, base.spec
    fits = (ours.window, ours.segments, ours.scorers) == (
        theirs.window, theirs.segments, theirs.scorers
    )  # fmt: skip
    return learns and fits


def _key(configuration: Configuration, model: str) -> tuple[str, str, str]:
    return configuration.config, configuration.baselines.get(model, ""), model
