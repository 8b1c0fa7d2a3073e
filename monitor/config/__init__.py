"""Configuration: YAML to typed, frozen settings, with every problem named by file, line and path.

Only `monitor.app` and `monitor.cli` import this package.
"""
