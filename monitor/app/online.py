"""From the configuration to online detectors: what they read, and how rarely they may be wrong.

A detector with a parameter `run_length` that is given neither that nor a threshold gets it from the
budget: all of those together may alarm falsely `PART` of the budget, in equal parts, were records
independent. The rest of the budget is divided among everything else, so that the sum stays.
"""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Final

from detectors import registry
from detectors.online.reads import Reads
from detectors.online.runlength import MAX_RUN_LENGTH, MIN_RUN_LENGTH
from monitor.clock import MICROS
from monitor.engine.columns import SCORE
from monitor.engine.labelled import usual
from monitor.engine.online import ERROR, LABEL, OF_LABELS, references_of
from monitor.model import OnlineSpec
from monitor.record import SCORE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from monitor.baseline import Baseline
    from monitor.config.digest import DecisionConfig
    from monitor.config.model import BudgetConfig
    from monitor.config.watched import DetectorConfig, JudgedModel

PART: Final = 0.05
RUN_LENGTH: Final = "run_length"
INSTEAD: Final = frozenset({RUN_LENGTH, "threshold", "width"})
"""Parameters that say how rare alarms are; one of them keeps the budget out of it."""

DAY: Final = 86_400 * MICROS


def part_of(models: Iterable[JudgedModel]) -> float:
    """The part of the budget that online detectors take: 0 when none was derived from it."""
    derived = any(_derives(one) for model in models for one in _online(model))
    return PART if derived else 0.0


def columns_of(detector: DetectorConfig, baseline: Baseline) -> tuple[str, ...]:
    """What a detector reads: as configured, else what suits its kind and the baseline has."""
    numeric = baseline.frame.numeric.names
    scores = tuple(n for n in numeric if n == SCORE or n.startswith(SCORE_PREFIX))
    if detector.columns is not None:
        # `score` is every score, whatever class it is of.
        meant = (scores if n == SCORE and scores else (n,) for n in detector.columns)
        return tuple(dict.fromkeys(name for names in meant for name in names))
    reads = getattr(registry.load(detector.name), "reads", Reads.SCORES)
    chosen = {Reads.NUMBERS: numeric, Reads.SCORES: scores, Reads.ERRORS: ()}[reads]
    return (*chosen, *((ERROR,) if ERROR in usual(baseline) else ()))


def problems_of(model: JudgedModel, baseline: Baseline) -> Iterator[str]:
    """What the online detectors of a model cannot read, one sentence each."""
    known = {*baseline.frame.numeric.names, *usual(baseline)}
    for detector in _online(model):
        for name in columns_of(detector, baseline):
            if name not in known:
                why = _why(name, baseline)
                yield f"detector {detector.name!r} cannot read {name!r}: {why}"
        if not columns_of(detector, baseline):
            yield f"detector {detector.name!r} has nothing to read; name its columns"
        yield from _more_than_two(detector, baseline)


def online_of(
    config: DecisionConfig, baselines: Mapping[str, Baseline]
) -> dict[str, tuple[OnlineSpec, ...]]:
    """The online detectors of every model, by its name."""
    streams = sum(
        len(columns_of(one, baselines[model.name]))
        for model in config.models
        for one in _online(model)
        if _derives(one)
    )
    return {
        model.name: tuple(
            _spec(one, baselines[model.name], config.budget, streams) for one in _online(model)
        )
        for model in config.models
    }


def _online(model: JudgedModel) -> list[DetectorConfig]:
    if isinstance(model.detectors, str):
        return []
    return [one for one in model.detectors if registry.family(one.name) == registry.ONLINE]


def _derives(detector: DetectorConfig) -> bool:
    accepted = signature(registry.load(detector.name)).parameters
    return RUN_LENGTH in accepted and INSTEAD.isdisjoint(detector.params)


def _spec(
    detector: DetectorConfig, baseline: Baseline, budget: BudgetConfig, streams: int
) -> OnlineSpec:
    params, derivation = dict(detector.params), ""
    if _derives(detector):
        params[RUN_LENGTH] = _run_length(baseline, budget, streams)
        derivation = "; derived from the budget"
    made = registry.load(detector.name)(**params)
    columns = columns_of(detector, baseline)
    return OnlineSpec(detector.name, made, columns, detector.severity, derivation)


def _run_length(baseline: Baseline, budget: BudgetConfig, streams: int) -> float:
    """Records of one stream in a period, over the false alarms that it may have in one."""
    days = max((baseline.end - baseline.start) / DAY, 1e-6)
    records = baseline.rows / days * budget.per_days
    wanted = records * max(streams, 1) / (budget.false_alarms * PART)
    return min(max(wanted, MIN_RUN_LENGTH), MAX_RUN_LENGTH)


def _why(name: str, baseline: Baseline) -> str:
    if name in OF_LABELS:
        several = name == LABEL and ERROR in usual(baseline)
        return "it has several classes" if several else "the baseline has no labels"
    here = name in baseline.frame.columns
    return "it is not numeric in the baseline" if here else "the baseline has no such column"


def _more_than_two(detector: DetectorConfig, baseline: Baseline) -> Iterator[str]:
    kind = registry.load(detector.name)
    if getattr(kind, "reads", None) is not Reads.ERRORS:
        return
    columns = columns_of(detector, baseline)
    spec = OnlineSpec(detector.name, kind(**detector.params), columns)
    for name, reference in references_of([spec], baseline).items():
        if reference.rates[0] is None:
            yield f"detector {detector.name!r} cannot read {name!r}: it takes 0 and 1 only"
