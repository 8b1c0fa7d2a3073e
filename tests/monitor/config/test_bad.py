"""Every rejected configuration in `tests/config/bad` beside the exact text that people see.

To add one: write `name.yaml`, run the test, read what it says as a user would, and keep the text
as `name.txt` only if it says what is wrong, where, and what to do.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.config.load import parse_config
from monitor.errors import ConfigError

BAD = Path(__file__).parents[2] / "config" / "bad"
NAMES = sorted(path.stem for path in BAD.glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_says_exactly_what_is_wrong(name: str) -> None:
    data = (BAD / f"{name}.yaml").read_bytes()
    with pytest.raises(ConfigError) as caught:
        parse_config(data, name=f"{name}.yaml", base=Path("/etc/driftd"), environ={})
    assert str(caught.value) + "\n" == (BAD / f"{name}.txt").read_text(encoding="utf-8")


def test_every_text_has_its_configuration() -> None:
    assert sorted(path.stem for path in BAD.glob("*.txt")) == NAMES
    assert len(NAMES) >= 15
