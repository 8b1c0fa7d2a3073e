"""What an idle daemon must not load: libraries of tens of megabytes that only some need."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

HEAVY = ("alembic", "pandas", "pyarrow", "river", "scipy.stats", "sklearn")
PROBE = "import sys, monitor.app.app; print(*(name for name in {heavy} if name in sys.modules))"
THREADS = """
from monitor.cli.tuning import BLAS_THREADS, tune
tune()
import os
assert "numpy" not in sys.modules, "numpy reads the variables once, when it is imported"
print(*(os.environ[name] for name in BLAS_THREADS))
"""


def answer(program: str, **environment: str) -> list[str]:
    """What a fresh interpreter prints."""
    run = [sys.executable, "-c", program]
    tuned = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"}
    inherited = {key: value for key, value in os.environ.items() if key not in tuned}
    done = subprocess.run(run, check=True, stdout=subprocess.PIPE, env=inherited | environment)
    return done.stdout.decode().split()


@pytest.fixture(scope="module")
def loaded() -> list[str]:
    return answer(PROBE.format(heavy=HEAVY))


@pytest.mark.parametrize("name", HEAVY)
def test_the_daemon_does_not_load(name: str, loaded: list[str]) -> None:
    assert name not in loaded


def test_the_run_command_pins_threads_before_numpy_is_there() -> None:
    program = "import sys, monitor.cli.main, monitor.cli.run" + THREADS
    assert answer(program) == ["1", "1", "1"]


def test_decisions_do_not_depend_on_a_number_of_threads_in_the_environment() -> None:
    program = "import sys, monitor.cli.main, monitor.cli.run" + THREADS
    assert answer(program, OMP_NUM_THREADS="2") == ["1", "1", "1"]


def test_every_command_pins_threads_as_a_replay_must() -> None:
    program = """
from monitor.cli.main import main
main(["replay", "--help"])
import numpy
from threadpoolctl import threadpool_info
print("threads:", *(pool["num_threads"] for pool in threadpool_info()))
"""
    said = answer(program, OMP_NUM_THREADS="2", OPENBLAS_NUM_THREADS="2")
    assert set(said[said.index("threads:") + 1 :]) <= {"1"}
