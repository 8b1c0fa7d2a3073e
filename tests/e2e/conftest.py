"""Further baselines of the shop; `shop_baseline` of windows of 60 s is everybody's."""

from __future__ import annotations

import pytest

from tests import shop


@pytest.fixture(scope="session")
def count_baseline(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A baseline of windows of 300 records."""
    return shop.learn(tmp_path_factory.mktemp("learn-counts"), window="{records: 300}")
