"""Other people's encoders: found by name, and never anybody else's failure."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import numpy as np
import pytest

from detectors.errors import ParameterError
from detectors.multivariate.encoders import GROUP, dimension_of, encode_texts, load_encoder


def lengths(texts: list[str]) -> np.ndarray:
    return np.array([[len(text), 1.0] for text in texts])


def failing(texts: list[str]) -> np.ndarray:
    raise RuntimeError("no model")


def point(name: str, value: str = f"{__name__}:lengths") -> EntryPoint:
    return EntryPoint(name, value, GROUP)


def test_an_encoder_is_found_by_name() -> None:
    assert load_encoder("mine", [point("mine", "builtins:len")]) is len
    with pytest.raises(ParameterError, match="'yours' is not installed; installed: mine"):
        load_encoder("yours", [point("mine")])
    with pytest.raises(ParameterError, match="'mine' is claimed twice: by builtins:len and b:c"):
        load_encoder("mine", [point("mine", "builtins:len"), point("mine", "b:c")])


def test_vectors_are_what_it_returns() -> None:
    assert dimension_of(lengths, "abc") == 2
    made = encode_texts(lengths, ["", "abc"], 2)
    assert made.dtype == np.float32
    assert made.tolist() == [[0.0, 1.0], [3.0, 1.0]]
    assert encode_texts(failing, [], 2).shape == (0, 2)


@pytest.mark.parametrize(
    "encoder", [failing, lambda t: np.zeros((len(t), 3)), lambda _: np.zeros(2), lambda _: ["x"]]
)
def test_whatever_goes_wrong_is_a_missing_vector(encoder: object) -> None:
    made = encode_texts(encoder, ["a", "b"], 2)
    assert made.shape == (2, 2)
    assert np.isnan(made).all()


def test_an_encoder_that_cannot_work_is_refused_with_the_reason() -> None:
    with pytest.raises(ParameterError, match="the encoder fails on a text: no model"):
        dimension_of(failing, "a")
    with pytest.raises(ParameterError, match=r"gives \(texts, d\) .*, this one gave \(4,\)"):
        dimension_of(lambda _: np.zeros(4), "a")
