"""From configuration to what the engine runs on: specs, baselines, budget, model engines."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from detectors import registry
from detectors.multivariate.only import Only
from detectors.quality.counters import Layout
from detectors.sequential.budget import Budget, Ledger, Share
from monitor.app import plugins
from monitor.app.online import online_of, part_of, problems_of
from monitor.app.plugins import external_of
from monitor.archive import baselines as stored
from monitor.baseline import Baseline
from monitor.clock import MICROS
from monitor.config.digest import read_decision_config
from monitor.config.quality import rules_of
from monitor.engine.judge import Judge
from monitor.engine.learning import LearningEngine
from monitor.engine.lines import BudgetLines, Watched, ledger_of
from monitor.engine.model import ModelEngine
from monitor.engine.objectives import questions_of
from monitor.errors import ConfigError
from monitor.model import (
    DetectorSpec,
    ModelSpec,
    ObjectiveSpec,
    PerformanceSpec,
    PolicySpec,
    RenewalSpec,
    WindowSpec,
    model_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detectors.protocols import Scorer
    from monitor.archive.reader import Reader
    from monitor.config.baselines import BaselinePolicy
    from monitor.config.digest import DecisionConfig
    from monitor.config.watched import ColumnConfig, JudgedModel, WindowConfig
    from monitor.engine.engine import Configuration
    from monitor.engine.retired import Follower
    from monitor.schema import ColumnSpec

DAY = 86_400 * MICROS
IGNORED = "ignore"
EPOCH = date(1970, 1, 1)


def window_of(window: WindowConfig) -> WindowSpec:
    """The engine's window, in microseconds."""
    return WindowSpec(
        every=None if window.every is None else window.every * MICROS,
        records=window.records,
        lateness=window.lateness * MICROS,
        idle=window.idle * MICROS,
    )


def spec_of(model: JudgedModel, columns: Sequence[ColumnSpec]) -> ModelSpec:
    """What the engine needs to know of `model`; the configuration's words on columns win."""
    return ModelSpec(
        name=model.name,
        columns=tuple(described(column, model.columns) for column in columns),
        window=window_of(model.window),
        min_records=model.min_records,
        segments=tuple(model.segments),
        policy=PolicySpec(model.policy.min_effect, model.policy.recover_windows),
        positive=model.positive,
        task=model.task,
        scorers=scorers_of(model),
        detectors=detectors_of(model),
        external=external_of(model),
        performance=performance_of(model),
        quality=rules_of(model.quality, model.columns),
        holidays=tuple((day - EPOCH).days for day in model.holidays),
    )


def performance_of(model: JudgedModel) -> PerformanceSpec:
    """How labels are awaited and what is told of them."""
    said, fairness, objective = model.performance, model.fairness, None
    if said.objective is not None:
        least = said.objective.at_least is not None
        objective = ObjectiveSpec(said.objective.metric, said.objective.bound, least)
    return PerformanceSpec(
        horizon=model.label_horizon * MICROS,
        max_waiting=said.max_waiting,
        matured=said.matured,
        metrics=said.metrics,
        costs=said.cost_matrix,
        quantile=said.quantile,
        weighted=said.importance_weighting,
        objective=objective,
        tolerance=said.tolerance,
        min_effect=said.min_effect,
        groups=fairness.groups,
        group_metrics=fairness.metrics,
        min_rows=fairness.min_rows,
    )


def scorers_of(model: JudgedModel) -> tuple[Scorer, ...]:
    """What watches windows beyond single columns: the configured detectors of those families."""
    if isinstance(model.detectors, str):
        return tuple(registry.load(name)() for name in registry.AUTO_SCORERS)
    named = (d for d in model.detectors if registry.family(d.name) in registry.SCORERS)
    made = ((registry.load(one.name)(**one.params), one.columns) for one in named)
    return tuple(Only(scorer, columns) if columns else scorer for scorer, columns in made)


def detectors_of(model: JudgedModel) -> tuple[DetectorSpec, ...] | None:
    """What measures single columns; None stands for all that are built in."""
    if isinstance(model.detectors, str):
        return None
    return tuple(
        DetectorSpec(
            registry.load(detector.name)(**detector.params),
            detector.columns,
            detector.severity if detector.alarms else "",
        )
        for detector in model.detectors
        if registry.family(detector.name) == registry.UNIVARIATE
    )


def unknown_columns(model: JudgedModel, baseline: Baseline) -> list[str]:
    """Where detectors are to measure columns that the baseline does not have."""
    if isinstance(model.detectors, str):
        return []
    known = {*baseline.frame.columns, *baseline.known}
    return [
        f"detectors[{index}].columns[{place}]: the baseline has no column {name!r}"
        for index, detector in enumerate(model.detectors)
        if registry.family(detector.name) == registry.UNIVARIATE
        for place, name in enumerate(detector.columns or ())
        if name not in known
    ]


def panel_of(baseline: Baseline, asked: PerformanceSpec) -> dict[Share, int]:
    """How many entries of each kind spend from the budget beside the columns."""
    panel, performance = baseline.whole.panel, baseline.whole.performance
    entries = Counter(() if panel is None else map(Share, panel.shares))
    if performance is not None and performance.calibration is not None:
        entries[Share.PERFORMANCE] += performance.calibration.columns
    if performance is not None and questions_of(asked):
        entries[Share.PERFORMANCE] += questions_of(asked)
    return dict(entries)


def described(column: ColumnSpec, config: Mapping[str, ColumnConfig]) -> ColumnSpec:
    """A learned column with what the configuration says about it."""
    said = config.get(column.name)
    if said is None:
        return column
    low, high = said.range or (None, None)
    bounds = (-float("inf") if low is None else low, float("inf") if high is None else high)
    return replace(
        column,
        kind=said.kind or column.kind,
        unit=said.unit or column.unit,
        range=column.range if said.range is None else bounds,
        importance=column.importance if said.importance is None else said.importance,
        meaning=said.meaning or column.meaning,
        encoder=said.encoder or column.encoder,
    )


def check_baseline(model: JudgedModel, baseline: Baseline) -> None:
    """Refuse a baseline that was learned for other windows or segments than are configured.

    Raises
    ------
    ConfigError
        Says what differs and what to do.
    """
    window, problems = window_of(model.window), []
    if (window.every, window.records) != (baseline.window.every, baseline.window.records):
        problems.append("was cut into other windows than models[].window says")
    known = {name.partition("=")[0] for name in baseline.segments if name}
    unknown = sorted(set(model.segments) - known)
    if unknown:
        problems.append(f"knows no segments of {', '.join(unknown)}")
    if baseline.scorers != tuple(map(repr, scorers_of(model))):
        problems.append("was learned with other detectors than models[].detectors names")
    performance = baseline.whole.performance
    if performance is not None and performance.fairness != performance_of(model).fairness:
        problems.append("was learned with other groups than models[].fairness compares")
    if baseline.model != model.name:
        problems.append(f"was learned for model {baseline.model!r}")
    anew = f"build it anew with: driftd baseline build {model.name} ROWS"
    told = [f"model {model.name!r}: its baseline {problem}; {anew}" for problem in problems]
    unread = (
        *unknown_columns(model, baseline),
        *problems_of(model, baseline),
        *plugins.problems_of(model, baseline),
    )
    told += [f"model {model.name!r}: {problem}" for problem in unread]
    if told:
        raise ConfigError(told)


def watched_by(model: JudgedModel, baseline: Baseline) -> Watched:
    """The model as the budget's ledger sees it."""
    columns = {column.name: described(column, model.columns) for column in baseline.columns}
    return Watched(
        model=model.name,
        windows_per_day=windows_per_day(model, baseline),
        segments=tuple(baseline.segments),
        importance=tuple(columns[name].importance for name in baseline.frame.columns),
        rules=Layout.of(baseline.frame).tests,
        panel=panel_of(baseline, performance_of(model)),
    )


def windows_per_day(model: JudgedModel, baseline: Baseline) -> float:
    """Windows of one stream; windows of counts fill as fast as the baseline's rows came."""
    if model.window.every is not None:
        return DAY / (model.window.every * MICROS)
    days = max((baseline.end - baseline.start) / DAY, 1e-6)
    return baseline.rows / days / (model.window.records or 1)


def ledger_for(config: DecisionConfig, baselines: Mapping[str, Baseline]) -> Ledger:
    """The one ledger of a configuration."""
    config = expanded(config, baselines)
    left = 1 - part_of(config.models)
    budget = Budget(left * config.budget.false_alarms, config.budget.per_days)
    watched = [watched_by(model, baselines[model.name]) for model in config.models]
    return ledger_of(budget, watched)


def expanded(config: DecisionConfig, baselines: Mapping[str, Baseline]) -> DecisionConfig:
    """One model per baseline, named by its key; what has no baseline yet is left out."""
    models = {model.name: model for model in config.models}
    judged = tuple(
        models[model_of(key)].model_copy(update={"name": key})
        for key in sorted(baselines)
        if model_of(key) in models
    )
    return config.model_copy(update={"models": judged})


def renewal_of(policy: BaselinePolicy) -> RenewalSpec:
    """When a baseline is learned from the live log, in microseconds."""

    def micros(seconds: int | None) -> int | None:
        return None if seconds is None else seconds * MICROS

    refresh = (policy.refresh or DAY // MICROS) if policy.rolling else None
    return RenewalSpec(
        learn=micros(policy.learn),
        rolling=micros(policy.rolling),
        refresh=micros(refresh),
        handover=micros(policy.handover),
        season=policy.season,
    )


def build_engines(
    config: DecisionConfig, digest: str, baselines: Mapping[str, Baseline]
) -> dict[str, Follower]:
    """Fresh engines of a configuration, by key; a model without baseline learns."""
    judged = expanded(config, baselines)
    ledger, online = ledger_for(config, baselines), online_of(judged, baselines)
    engines: dict[str, Follower] = {}
    for model in judged.models:
        key, baseline = model.name, baselines[model.name]
        name = model_of(key)
        renewal = renewal_of(config.renewal(name))
        spec = spec_of(model, baseline.columns)
        spec = replace(spec, name=name, online=online[key], renewal=renewal)
        lines = BudgetLines(ledger, watched_by(model, baseline))
        judge = Judge(spec, baseline, digest, lines)
        engines[key] = ModelEngine(spec, baseline, judge)
    for model in config.models:
        renewal = renewal_of(config.renewal(model.name))
        if model.name not in engines and renewal.learn is not None:
            spec = replace(spec_of(model, ()), renewal=renewal)
            engines[model.name] = LearningEngine(spec, digest, renewal.learn)
    return engines


class ArchiveResolver:
    """Finds configurations and baselines in the archive, for the engine live and in replay."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._loaded: dict[str, Baseline] = {}

    def __call__(self, configuration: Configuration) -> dict[str, Follower]:
        """Fresh model engines of an archived configuration."""
        body = self._reader.run(lambda link: stored.get_config(link, configuration.config))
        config = read_decision_config(body)
        baselines = {name: self.baseline(id_) for name, id_ in configuration.baselines.items()}
        return build_engines(config, configuration.config, baselines)

    def baseline(self, baseline_id: str) -> Baseline:
        """One baseline, loaded once."""
        if baseline_id not in self._loaded:
            found = self._reader.run(lambda link: stored.get(link, baseline_id))
            self._loaded[baseline_id] = Baseline.from_bytes(found.body)
        return self._loaded[baseline_id]
