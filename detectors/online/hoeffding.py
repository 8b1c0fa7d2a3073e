"""The levels that both of river's Hoeffding detectors take."""

from __future__ import annotations

from detectors.errors import ParameterError


def check_confidences(drift: float, warning: float) -> None:
    """Refuse levels out of order.

    Raises
    ------
    ParameterError
        Names both.
    """
    if not 0 < drift <= warning < 1:
        raise ParameterError(
            "drift_confidence must be in (0, warning_confidence] and that below 1, got "
            f"{drift:g} and {warning:g}"
        )
