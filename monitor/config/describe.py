"""The configuration explained: its JSON Schema, its effective values, what its budget means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from monitor.config.document import path_text
from monitor.config.model import Config
from monitor.config.sources import FilesSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor.config.section import Path as Place

SCHEMA_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """JSON Schema of `driftd.yaml`, for editors and other checkers.

    It knows shapes and bounds; the rules between fields are driftd's own.
    """
    schema = Config.model_json_schema()
    return {"$schema": SCHEMA_DIALECT, "title": "driftd.yaml", **_without_titles(schema)}


def _without_titles(node: Any) -> Any:
    """Drop the titles that pydantic makes from field names: they say nothing new."""
    if isinstance(node, list):
        return [_without_titles(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _without_titles(value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str))
    }


def effective(config: Config) -> dict[str, Any]:
    """Every value with its default filled in, paths absolute, secrets masked; plain data."""
    plain: dict[str, Any] = config.model_dump(mode="json")
    return plain


def unreadable_files(config: Config) -> Iterator[str]:
    """One line for each file that the configuration names and that cannot be read now."""
    for place, path in _named_files(config):
        if not path.exists():
            yield f"{path_text(place)}: {path} does not exist"
        elif not path.is_file():
            yield f"{path_text(place)}: {path} is not a file"
        else:
            yield from _unreadable(place, path)


def _unreadable(place: Place, path: Path) -> Iterator[str]:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        yield f"{path_text(place)}: {path} cannot be read: {error.strerror}"


def _named_files(config: Config) -> Iterator[tuple[Place, Path]]:
    named: list[tuple[Place, Path | None]] = [
        (("server", "token_file"), config.server.token_file),
        (("privacy", "key_file"), config.privacy.key_file),
    ]
    for index, model in enumerate(config.models):
        named.append((("models", index, "baseline"), model.baseline.path))
        named += [
            (("models", index, "baseline", "versions", version), file)
            for version, file in model.baseline.versions.items()
        ]
    for index, channel in enumerate(config.alerts.channels):
        named.append((("alerts", "channels", index, "url_file"), channel.url_file))
        named.append((("alerts", "channels", index, "secret_file"), channel.secret_file))
    for place, path in named:
        if path is not None:
            yield place, path


def summary(config: Config) -> str:
    """What is watched, in one sentence."""
    models = _counted(len(config.models), "model")
    files = sum(isinstance(source, FilesSource) for source in config.sources)
    ways = [*(["HTTP"] if files < len(config.sources) else [])]
    ways += [_counted(files, "file pattern")] if files else []
    receivers = _counted(len(config.alerts.channels), "channel")
    return f"{models}, records from {' and '.join(ways) or 'nowhere'}, alerts to {receivers}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count or 'no'} {noun}s"


def budget_sentence(config: Config) -> str:
    """What the false-alarm budget means, in words."""
    alarms, days = config.budget.false_alarms, config.budget.per_days
    times = "one false alarm" if alarms == 1 else f"{alarms:g} false alarms"
    period = "day" if days == 1 else f"{days:g} days"
    return (
        f"At most {times} per {period} on average, for all models, segments and columns together, "
        "as long as nothing changes"
    )
