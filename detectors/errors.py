"""Errors of the detectors, grouped by what the caller can do.

DetectorError
├── ParameterError   a parameter is out of its domain: fix the configuration
├── InputError       arrays disagree in shape or kind: fix the calling code
└── StateError       a saved state does not fit this detector: rebuild it
"""


class DetectorError(Exception):
    """Base of everything that `detectors` raises on purpose."""


class ParameterError(DetectorError, ValueError):
    """A parameter is outside its domain; the message names it and its domain."""


class InputError(DetectorError, ValueError):
    """Input arrays have the wrong shape, kind or length."""


class StateError(DetectorError, ValueError):
    """A saved state was made by another detector, frame or format version."""
