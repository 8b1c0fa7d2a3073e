"""Detectors by name."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from importlib.metadata import EntryPoint

import pytest

import detectors.univariate
from detectors import registry
from detectors.errors import ParameterError


def plugin(name: str, value: str = "somewhere.else:Thing") -> EntryPoint:
    return EntryPoint(name, value, registry.GROUP)


@pytest.mark.parametrize("name", sorted(registry.BUILT_IN))
def test_every_name_loads_a_detector_with_working_defaults(name: str) -> None:
    assert callable(registry.load(name, [])().fit)


def test_every_public_detector_is_in_the_table_or_excluded_with_a_reason() -> None:
    known = set(registry.BUILT_IN.values()) | set(registry.EXCLUDED)
    for info in pkgutil.iter_modules(detectors.univariate.__path__):
        module = importlib.import_module(f"detectors.univariate.{info.name}")
        for name, kind in inspect.getmembers(module, inspect.isclass):
            own = kind.__module__ == module.__name__ and not name.startswith("_")
            if own and inspect.isfunction(kind.__dict__.get("fit")):
                assert f"{module.__name__}:{name}" in known


def test_what_the_task_decides_is_not_for_lists_but_has_a_card() -> None:
    for name in registry.FAMILIES[registry.PERFORMANCE]:
        assert name not in registry.names([])
        assert registry.family(name) == registry.PERFORMANCE
        assert registry.load(name, []).card.statistic


def test_plug_ins_are_found_by_name() -> None:
    chi2 = plugin("mine", "detectors.univariate.chi2:ChiSquare")
    assert "mine" in registry.names([chi2])
    assert registry.load("mine", [chi2]) is registry.load("chi2", [])


def test_a_name_claimed_twice_names_both_owners() -> None:
    with pytest.raises(
        ParameterError, match=r"'ks' is claimed twice: .*ks:Kolm.* and some.*:Thing"
    ):
        registry.names([plugin("ks")])


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ParameterError, match="'kss' is unknown; known: adwin, "):
        registry.load("kss", [])
