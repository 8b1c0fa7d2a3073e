"""What people say about the data of a model, where its own rules are not what they want."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal

from pydantic import Field

from detectors.quality.rules import Action, ColumnRules, Rules
from detectors.result import QualityKind
from monitor.config.section import Rule, Section

Becomes = Literal["allow", "warn", "break"]
"""What becomes of a finding: it is not told, is a warning, is broken."""

Share = Annotated[float, Field(ge=0, le=1)]

NUMERIC_RULES: Final = ("sentinels", "sentinel", "units", "stuck", "precision", "infinite")
CATEGORICAL_RULES: Final = ("unseen", "renamed", "encoding")


class MissingConfig(Section):
    """How much of a column may be missing."""

    max: Share
    """Largest share of missing values in a window; more is broken, whatever is usual."""


class ColumnQuality(Section):
    """Rules of one column; what is left out follows the baseline and the model's `quality`."""

    missing: MissingConfig | None = None
    sentinels: tuple[float, ...] | None = None
    """Numbers that stand for a missing value; [] says that there are none."""
    unseen: Becomes | None = None
    """New values."""
    constant: Becomes | None = None
    """A single value where there were several."""
    units: Becomes | None = None
    """Values converted to another unit."""
    sentinel: Becomes | None = None
    """A new frequent number, or more of a known placeholder."""
    stuck: Becomes | None = None
    """The same number from record to record."""
    precision: Becomes | None = None
    """More or fewer decimals."""
    infinite: Becomes | None = None
    """Infinite numbers."""
    renamed: Becomes | None = None
    """Categories under another name."""
    encoding: Becomes | None = None
    """Text that was decoded wrongly."""
    skew: Becomes | None = None
    """Other values than the baseline's under the same id."""

    def quality_rules(self, kind: str | None) -> Iterator[Rule]:
        """What speaks of numbers or of categories does so on such columns only."""
        for names, kinds in (
            (NUMERIC_RULES, {"numeric"}),
            (CATEGORICAL_RULES, {"categorical", "boolean"}),
        ):
            for name in names:
                if kind not in {None, *kinds} and getattr(self, name) is not None:
                    yield (name,), f"is for {' and '.join(sorted(kinds))} columns; this is {kind}"

    def quality(self) -> ColumnRules:
        """The rules as detectors take them."""
        actions = {
            kind: Action(action)
            for kind in QualityKind
            if isinstance(action := getattr(self, kind.value, None), str)
        }
        most = None if self.missing is None else self.missing.max
        return ColumnRules(missing_max=most, sentinels=self.sentinels, actions=actions)


QualityName = Literal[
    "missing", "range", "unseen", "wrong_type", "infinite", "duplicates", "constant", "schema",
    "volume", "freshness", "units", "sentinel", "stuck", "precision", "renamed", "encoding",
    "replay", "skew", "labels", "suspicious", "probing",
]  # fmt: skip
"""Kinds of findings about data, as `detectors.result.QualityKind` has them."""


def rules_of(actions: Mapping[QualityName, Becomes], columns: Mapping[str, ColumnQuality]) -> Rules:
    """All rules of a model: what becomes of findings by kind, and what its columns say."""
    return Rules(
        {QualityKind(kind): Action(action) for kind, action in actions.items()},
        {name: column.quality() for name, column in columns.items()},
    )
