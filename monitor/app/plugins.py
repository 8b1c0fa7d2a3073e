"""From the configuration to workers, and to what they are asked."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from detectors import registry
from monitor.engine.model import ModelEngine
from monitor.model import ExternalSpec
from monitor.plugins.host import Worker, WorkerLimits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.baseline import Baseline
    from monitor.clock import Clock
    from monitor.config.model import PluginConfig, PluginsConfig
    from monitor.config.watched import DetectorConfig, JudgedModel
    from monitor.engine.decision import Decision
    from monitor.engine.engine import Engine
    from monitor.plugins.judging import PluginThread

PROGRAMS: Final = {"alibi_detect": "alibi.py"}
ISOLATED: Final = ("-s", "-E")
"""Neither the user's packages nor variables of ours reach a worker's Python."""


def external_of(model: JudgedModel) -> tuple[ExternalSpec, ...]:
    """What is to be asked of workers about a model."""
    return tuple(
        ExternalSpec(
            one.name, registry.load(one.name)(**one.params).fit(), one.columns, one.severity
        )
        for one in _external(model)
    )


def problems_of(model: JudgedModel, baseline: Baseline) -> Iterator[str]:
    """Columns that no worker can be shown, one sentence each."""
    frame = baseline.frame
    known = {*frame.numeric.names, *frame.categorical.names}
    for one in _external(model):
        for name in one.columns or ():
            if name not in known:
                yield f"detector {one.name!r} cannot read {name!r}: no number and no category"


def workers_of(plugins: PluginsConfig, clock: Clock) -> dict[str, Worker]:
    """A worker, not yet started, for every plug-in that is configured."""
    found: dict[str, Worker] = {}
    for name, program in PROGRAMS.items():
        plugin: PluginConfig | None = getattr(plugins, name)
        if plugin is not None:
            path = files("monitor.plugins.worker") / program
            limits = WorkerLimits(float(plugin.timeout), float(plugin.start), plugin.memory)
            found[name] = Worker([str(plugin.python), *ISOLATED, str(path)], limits, clock)
    return found


def offer(thread: PluginThread, engine: Engine, decision: Decision) -> None:
    """Let workers judge the window of a decision that was just made."""
    for model in list(engine.models.values()):
        if isinstance(model, ModelEngine) and model.baseline.id == decision.baseline:
            thread.offer(decision.model, model.spec.external, model.baseline, decision.window)
            return


def _external(model: JudgedModel) -> list[DetectorConfig]:
    if isinstance(model.detectors, str):
        return []
    return [one for one in model.detectors if registry.family(one.name) == registry.EXTERNAL]
