"""The reference table of all detectors, written from their cards: `docs/detectors.md`.

python -m detectors.reference > docs/detectors.md
"""

from __future__ import annotations

from dataclasses import fields
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, Final

from detectors import registry
from detectors.card import Card

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FAMILIES: Final[Mapping[str, str]] = {
    registry.UNIVARIATE: """\
## Single columns

Every window, all columns at once, from profiles: no row is kept. **They describe; the sequential
evidence decides.** Decisions show them, and beside each `window_p`: where the window's statistic
lies among the baseline's own windows at a similar time of the calendar. That holds for dependent
rows as well, for which p-values of rows mean nothing.

A `threshold` or an `alpha` of your own makes a detector alarm: a finding of kind `threshold`, with
`severity: warning` (shown, rings nowhere) or `drift`. Such rules are outside the false-alarm
budget: nobody counts how often they are wrong.

```yaml
detectors:
  - {name: psi, params: {threshold: 0.2}, columns: [price], severity: drift}
  - {name: wasserstein, params: {threshold: 0.1, normed: true}}
  - {name: ks, params: {alpha: 0.001}}
```

`detectors: auto`, the default, measures all of them and lets none alarm by itself. Beside a list,
only what it names is measured, of all families; the sequential evidence of columns goes on whatever
it says.""",
    registry.MULTIVARIATE: """\
## Several columns together

Scores of the window as a whole, on profiles and bounded row samples. They enter the sequential
evidence and its budget.""",
    registry.ONLINE: """\
## Record by record

See [online.md](online.md).""",
    registry.EXTERNAL: """\
## In a process of their own

See [plugins.md](plugins.md).""",
    registry.PERFORMANCE: """\
## How good the model is

They follow from `task`, `performance` and `fairness`, not from `detectors`.""",
}
"""What stands above the table of each family."""

EVIDENCE: Final = Card(
    input="every column's cells, as up to six scores per window: location, scale, tails, shape, "
    "shares, missing and invalid values",
    statistic="Shiryaev-Roberts sum of t-likelihood ratios over both signs and a grid of effect "
    "sizes, of scores standardised one step ahead by the baseline's season and autocorrelation",
    guarantee="run length: on average at most the budget's false alarms per period over all "
    "columns, segments and models; exact for conditionally normal scores, calibrated on the "
    "baseline's own windows otherwise",
    cost="nothing per record, about 5 µs per column and window",
    memory="about 1 kB per column and stream",
    reference="Shin, Ramdas & Rinaldo 2024, e-detectors",
    avoid="with fewer than eight baseline windows its calibration rests on exchangeable rows, and "
    "decisions say so",
)
"""What decides about columns; it has no name in the registry because it cannot be left out."""

_INTRO: Final = """\
# Detectors

Generated from the code by `python -m detectors.reference`; a test compares. `n` and `m` are the
valid values of the window and of the baseline, `F` and `G` their distribution functions, `p` and
`q` their shares.

## What decides

"""


def document() -> str:
    """All of `docs/detectors.md`."""
    parts = [_INTRO + _table({"(always on)": (EVIDENCE, "")})]
    for family, members in registry.FAMILIES.items():
        kinds = {name: registry.load(name, []) for name in members}
        rows = {f"`{name}`": (kind.card, parameters(kind)) for name, kind in kinds.items()}
        parts.append(f"{FAMILIES[family]}\n\n{_table(rows)}")
    return "\n".join(parts)


def parameters(kind: type[Any]) -> str:
    """`alpha = 0.05, threshold = none`; empty without parameters."""
    return ", ".join(map(_parameter, signature(kind).parameters.values()))


def _parameter(parameter: Parameter) -> str:
    if parameter.default is Parameter.empty:
        return parameter.name
    default = "none" if parameter.default is None else repr(parameter.default)
    return f"{parameter.name} = {default}"


def _table(rows: Mapping[str, tuple[Card, str]]) -> str:
    names = [field.name for field in fields(Card)]
    head = ["name", "parameters", *names[:-1], "not to be used for"]
    lines = [head, ["---"] * len(head)]
    for name, (card, accepted) in rows.items():
        lines.append([name, accepted, *(getattr(card, field) for field in names)])
    return "".join(_line(cells) for cells in lines)


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(_escaped(cells)) + " |\n"


def _escaped(cells: list[str]) -> Iterator[str]:
    return (cell.replace("|", r"\|") for cell in cells)


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201  # this is what it is for
