"""The daemon: the only package that imports both `detectors` and `alerts`."""

__version__ = "0.1.0"
