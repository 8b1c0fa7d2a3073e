"""Detectors that run elsewhere: here are their parameters, and what is to be asked of a worker."""
