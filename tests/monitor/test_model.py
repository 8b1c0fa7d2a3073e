"""What the engine must know of a model is plain and immutable."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, asdict, replace

import pytest

from monitor.model import WHOLE, ModelSpec, PolicySpec, WindowSpec


def test_the_whole_stream_is_the_segment_without_a_name() -> None:
    assert WHOLE == ""


def test_specs_have_the_documented_defaults() -> None:
    spec = ModelSpec("m", (), WindowSpec(every=60))
    assert (spec.min_records, spec.segments, spec.task) == (200, (), "none")
    assert spec.policy == PolicySpec()
    assert spec.window == WindowSpec(every=60, records=None, lateness=0, idle=300_000_000)


def test_specs_are_values() -> None:
    spec = ModelSpec("m", (), WindowSpec(records=5))
    assert replace(spec, name="n") != spec
    assert WindowSpec(**asdict(spec.window)) == spec.window
    with pytest.raises(FrozenInstanceError):
        spec.name = "n"  # type: ignore[misc]
