"""The part of a configuration that decisions depend on: its canonical bytes and their name.

Two configurations that could only ever lead to the same decisions have the same digest: where the
daemon listens, where records come from, who hears of an alert, where files lie and in which order
models are listed play no part. Baselines are named by their own id.
"""

import json
from hashlib import sha256
from typing import Final, Literal

from pydantic import ValidationError

from monitor.config.baselines import BaselinePolicy
from monitor.config.model import BudgetConfig, Config
from monitor.config.section import Section
from monitor.config.watched import JudgedModel
from monitor.errors import StorageError

NOT_DECIDING: Final[dict[str, bool | set[str]]] = {
    "window": {"idle"},
    "policy": {"for_windows"},
}
"""Fields of a model that decide nothing yet, when windows close, or about alerts only."""


class DecisionConfig(Section):
    """What `canonical_decision_config` writes."""

    format: Literal[1] = 1
    budget: BudgetConfig
    models: tuple[JudgedModel, ...]
    baselines: dict[str, BaselinePolicy]
    """How models come by their baselines; those that a file is enough for are left out."""

    def renewal(self, model: str) -> BaselinePolicy:
        """How `model` comes by its baseline."""
        return self.baselines.get(model, BaselinePolicy())


def decision_config(config: Config) -> DecisionConfig:
    """The decision-relevant part; models by name."""
    judged = sorted((model.judged() for model in config.models), key=lambda model: model.name)
    policies = {
        model.name: model.baseline.policy
        for model in config.models
        if model.baseline.policy != BaselinePolicy()
    }
    return DecisionConfig(budget=config.budget, models=tuple(judged), baselines=policies)


def canonical_decision_config(config: Config) -> bytes:
    """The decision-relevant part as canonical JSON: every default written out, keys sorted.

    UTF-8, no white space, floats by `repr`; holds no secret and no path. Replay reads it back
    with `read_decision_config`.
    """
    decision = decision_config(config)
    models = [model.model_dump(mode="json", exclude=NOT_DECIDING) for model in decision.models]
    plain = {**decision.model_dump(mode="json"), "models": models}
    text = json.dumps(
        plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def decision_digest(config: Config) -> str:
    """SHA-256 of the canonical bytes, hex."""
    return sha256(canonical_decision_config(config)).hexdigest()


def read_decision_config(data: bytes) -> DecisionConfig:
    """Inverse of `canonical_decision_config`.

    Raises
    ------
    StorageError
        The bytes are damaged, or were written by a version with other keys.
    """
    try:
        return DecisionConfig.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        text = f"an archived configuration cannot be read: {place}: {first['msg']}"
        raise StorageError(text) from None
