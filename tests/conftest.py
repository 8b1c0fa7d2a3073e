"""Options of every test: `--many` for long runs, `CI=true` for machines that must have it all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from tests import shop

if TYPE_CHECKING:
    from collections.abc import Generator

# A busy machine must not fail a law; how long a test may take is pytest-timeout's business.
settings.register_profile("driftd", deadline=None)
settings.load_profile("driftd")

MISSING = "is not installed"
"""Ends the reason of a test that is skipped for want of a real server or tool."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--many", action="store_true", help="many more repetitions of crash and calibration tests"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without `--many`, tests marked `many` do not exist."""
    if config.getoption("--many"):
        return
    left_out = [item for item in items if item.get_closest_marker("many")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, pytest.TestReport]:
    """With `CI=true` a missing server is a failure: there, nothing may be skipped unseen."""
    report: pytest.TestReport = yield
    if report.skipped and os.environ.get("CI") == "true" and MISSING in str(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped, which CI=true does not allow: {report.longrepr}"
    return report


@pytest.fixture
def many(request: pytest.FixtureRequest) -> bool:
    """Whether somebody has the time for `--many`."""
    return bool(request.config.getoption("--many"))


@pytest.fixture(scope="session")
def shop_baseline(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A baseline of windows of 60 s, as `driftd baseline build` writes it."""
    return shop.learn(tmp_path_factory.mktemp("learn"))
