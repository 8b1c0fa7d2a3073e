"""The configuration that `driftd init` writes: YAML for people, every choice with its reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from monitor.clock import MICROS
from monitor.config.document import scalar_of
from monitor.engine.decision import rfc3339
from monitor.record import PREDICTION, SCORE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from monitor.cli.init_log import Log
    from monitor.cli.init_window import Choice
    from monitor.schema import Guess

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_/-]*(\.[A-Za-z0-9_/-]+)*")
SEGMENT_VALUES: Final = range(2, 11)
QUALITY: Final = "such as {replay: allow, units: warn, suspicious: break}: see docs/quality.md"
COMMENT: Final = 34
"""Column at which comments of short lines begin."""


@dataclass(frozen=True, slots=True)
class Task:
    """What the model does, as far as its columns tell."""

    name: str
    positive: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that goes into the configuration; `rules` by column, each with its reason."""

    log: Log
    guesses: Sequence[Guess]
    task: Task
    window: Choice
    span: tuple[int, int]
    baseline: str
    segment: str
    rules: Mapping[str, tuple[Mapping[str, Any], str]]


def task_of(guesses: Sequence[Guess], classes: Sequence[str]) -> Task:
    """Guess the task from the prediction's kind, its classes and the scores.

    Parameters
    ----------
    classes
        Values of the prediction if it is a category.
    """
    kinds = {found.spec.name: found.spec.kind for found in guesses}
    kind = kinds.get(PREDICTION)
    if kind is None:
        return Task("none", None, "there is no prediction column")
    if kind == "numeric":
        return Task("regression", None, "predictions are numbers")
    scores = [name.removeprefix(SCORE_PREFIX) for name in kinds if name.startswith(SCORE_PREFIX)]
    classes = sorted({*classes, *scores})
    if len(classes) > 2:  # noqa: PLR2004 - more than two classes are not binary
        return Task("multiclass", None, f"predictions have {len(classes)} classes")
    preferred = (name for name in ("1", "true", "yes", "positive") if name in classes)
    positive = next(preferred, classes[-1] if classes else None)
    return Task("binary", positive, f"predictions are {' or '.join(classes)}")


def compose(plan: Plan) -> str:
    """The whole file."""
    return "\n".join(
        [*_head(plan), *_model(plan), *_sources(plan), *_ALERTS]
    ) + "\n"  # fmt: skip


def scalar(value: Any, *, key: bool = False) -> str:
    """A value as YAML that reads back as itself; keys take no `${...}`, so need no escape."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return str(value)
    if _PLAIN.fullmatch(value) and scalar_of(value) == value:
        return value
    text = "".join(map(_escaped, value))
    return f'"{text}"' if key else f'"{text.replace("$", "$$")}"'


def flow(values: Mapping[str, Any]) -> str:
    """A mapping on one line."""
    items = ", ".join(f"{scalar(name, key=True)}: {_item(value)}" for name, value in values.items())
    return f"{{{items}}}"


def _item(value: Any) -> str:
    if isinstance(value, dict):
        return flow(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(scalar, value))}]"
    return scalar(value)


def _escaped(character: str) -> str:
    if character in {'"', "\\"} or not character.isprintable():
        return f"\\U{ord(character):08x}"
    return character


def _line(text: str, comment: str) -> str:
    """A line with its reason behind it; names in reasons may hold anything."""
    clean = "".join(each if each.isprintable() else " " for each in comment)
    return f"{text.ljust(COMMENT)}  # {clean}" if comment else text


def _head(plan: Plan) -> Iterator[str]:
    yield f"# Written by `driftd init` from {scalar(plan.log.path.name)}. Choices have their reason"
    yield "# behind it: correct what you know better, then run `driftd config check`."
    yield ""
    yield "server:"
    yield _line("  host: 127.0.0.1", "this machine only; another address needs server.token_file")
    yield "  port: 8642"
    yield ""
    yield "archive:"
    yield _line("  url: sqlite:///driftd.db", "journal, decisions, alerts; beside this file")
    yield ""
    yield "budget:  # false alarms that people accept, over all models, segments and columns"
    yield "  false_alarms: 1"
    yield "  per_days: 30"
    yield ""


def _model(plan: Plan) -> Iterator[str]:
    log, task = plan.log, plan.task
    rows = sum(map(len, log.batches))
    period = ""
    if log.timed:
        first, last = (rfc3339(micros // MICROS * MICROS)[:10] for micros in plan.span)
        period = f" from {first} to {last}"
    yield "models:"
    yield f"  - name: {scalar(log.model)}"
    yield _line(f"    task: {task.name}", task.why)
    if task.positive is not None:
        yield _line(f"    positive: {scalar(task.positive)}", "the class that the score speaks of")
    yield _line(f"    baseline: {scalar(plan.baseline)}", f"{rows:,} records{period}")
    yield _line(f"    window: {plan.window.text}", plan.window.why)
    yield _line(f"    min_records: {plan.window.min_records}", "fewer are too few to say anything")
    yield from _table(log)
    yield "    columns:"
    for found in plan.guesses:
        rules, why = plan.rules.get(found.spec.name, ({}, ""))
        reasons = "; ".join(filter(None, (_why(found), why)))
        yield _line(f"      {scalar(found.spec.name, key=True)}: {_spec(found, rules)}", reasons)
    yield _line("    quality: {}", QUALITY)
    hint = f"such as [{scalar(plan.segment)}]: " if plan.segment else ""
    yield _line("    segments: []", f"{hint}each of its values is then watched on its own as well")
    yield ""


def _table(log: Log) -> Iterator[str]:
    """Roles of columns that their names alone do not give."""
    if log.reading.said:
        yield "    table:  # what the columns of a table mean, where their names do not say it"
        for role, value in log.reading.said.items():
            yield _line(f"      {role}: {_item(value)}", log.reading.why[role])
    if log.roles is not None and log.roles.prediction and not log.roles.label:
        again = f"driftd baseline build {log.model} {scalar(log.path.name)}"
        label = "  # label: COLUMN" if log.reading.said else "# table: {label: COLUMN}"
        yield _line(f"    {label}", f"if a column is the truth, not in 'columns'; then {again}")


def _spec(found: Guess, rules: Mapping[str, Any]) -> str:
    spec = found.spec
    if found.personal:
        return "{kind: ignore}"
    said: dict[str, Any] = {"kind": spec.kind}
    if spec.unit:
        said["unit"] = spec.unit
    if spec.meaning:
        said["meaning"] = spec.meaning
    return flow({**said, **rules})


def _why(found: Guess) -> str:
    if not found.personal:
        return found.why
    return (
        f"looks like {found.personal}: not measured, but journalled as it comes; "
        "better leave it out of the records"
    )


def _sources(plan: Plan) -> Iterator[str]:
    log = plan.log
    yield "sources:"
    yield _line("  - {type: http}", "POST /v1/records")
    source: dict[str, Any] = {"type": "files", "path": f"logs/*{log.path.suffix}"}
    source["format"] = log.format
    if log.roles is not None:
        source["model"] = log.model
    text = flow(source)
    if log.reading.said:
        text = f"{text[:-1]}, table: {flow(log.reading.said)}}}"
    yield f"  # - {text}"
    yield ""


_ALERTS: Final = (
    "alerts:",
    "  channels: []",
    '  # - {name: ops, type: webhook, url: "https://example.org/hook", secret_file: ops.secret}',
    "  # The secret is a line `whsec_` and 32 random bytes in base64; make one with:",
    '  #   echo "whsec_$(openssl rand -base64 32)" > ops.secret',
)
