"""The HTTP side: ingest, read API, metrics and pages over the protocols in `services`.

Nothing here knows the archive, the configuration or the detectors; `monitor.app` hands over
implementations of the protocols and the process around them.
"""
