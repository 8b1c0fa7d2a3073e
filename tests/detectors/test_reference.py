"""Every detector is documented, and the committed table is what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from detectors import reference, registry
from detectors.card import Card
from detectors.errors import ParameterError

DOCUMENT = Path(__file__).parents[2] / "docs" / "detectors.md"


@pytest.mark.parametrize("name", sorted(registry.BUILT_IN))
def test_every_detector_has_a_card(name: str) -> None:
    assert isinstance(registry.load(name, []).card, Card)


def test_every_family_is_introduced() -> None:
    assert registry.FAMILIES.keys() == reference.FAMILIES.keys()


def test_the_committed_table_is_the_generated_one() -> None:
    """Write it anew with: python -m detectors.reference > docs/detectors.md."""
    assert DOCUMENT.read_text(encoding="utf-8") == reference.document()


def test_parameters_are_listed_with_their_defaults() -> None:
    assert reference.parameters(registry.load("psi", [])) == "alpha = 0.05, threshold = none"


@pytest.mark.parametrize("text", ["", " ", "A sentence.", "two\nlines"])
def test_a_card_is_made_of_phrases(text: str) -> None:
    said = dict.fromkeys(("input", "statistic", "guarantee", "cost", "memory", "avoid"), "x")
    with pytest.raises(ParameterError, match=r"card\.reference must be one phrase"):
        Card(reference=text, **said)
