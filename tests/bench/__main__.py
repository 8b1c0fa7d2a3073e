"""The figures of the README, peers and floors in the same run: `make bench`.

    python -m tests.bench [--quick] [--only NAME ...] [--json FILE] [--save]

Prints one table. Warnings below it compare with the committed `baseline.json`; they are for the
eye and never fail a build, since the machines that run this are shared and noisy. `--save` makes
this run the committed one.
"""

# ruff: noqa: E402  # thread counts only count before numpy is imported

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import floors, judging, service, wide
from tests.bench.daemon import Site
from tests.bench.outcome import table, warnings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.bench.outcome import Outcome

BASELINE = Path(__file__).with_name("baseline.json")
GROUPS = ("judging", "wide", "floors", "idle", "ndjson", "arrow", "flat")


class _Run:
    """The scenarios that were asked for, one after the other."""

    def __init__(self, site: Site, *, quick: bool) -> None:
        self._site = site
        self._quick = quick
        self._floors: dict[str, float] = {}

    def judging(self) -> list[Outcome]:
        return judging.kept(quick=self._quick) + judging.arrays(quick=self._quick)

    def wide(self) -> list[Outcome]:
        return wide.wide(quick=self._quick) + wide.streamed(quick=self._quick)

    def floors(self) -> list[Outcome]:
        found = floors.decoding(quick=self._quick)
        self._floors = {outcome.name: outcome.value for outcome in found}
        return found + floors.journal(quick=self._quick)

    def idle(self) -> list[Outcome]:
        return service.idle(self._site)

    def ndjson(self) -> list[Outcome]:
        return service.ndjson(self._site, self._floor("NDJSON"), quick=self._quick)

    def arrow(self) -> list[Outcome]:
        return service.arrow(self._site, self._floor("Arrow"), quick=self._quick)

    def flat(self) -> list[Outcome]:
        return service.flat(self._site, quick=self._quick)

    def _floor(self, kind: str) -> float:
        if not self._floors:
            self.floors()
        return self._floors[f"decode {kind} to columns"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, print, compare."""
    options = _options(arguments)
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="driftd-bench-") as place:
        site = Site(Path(place))
        if {"idle", "ndjson", "arrow", "flat"} & set(options.only):
            site.prepare()
        run = _Run(site, quick=options.quick)
        for name in options.only:
            print(f"{name} ...", file=sys.stderr, flush=True)
            scenario: Callable[[], list[Outcome]] = getattr(run, name)
            outcomes += scenario()
    print(table(outcomes))
    _compare(outcomes, quick=options.quick)
    if options.json:
        options.json.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=2))
    if options.save:
        figures = {outcome.name: float(f"{outcome.value:.3g}") for outcome in outcomes}
        BASELINE.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller scenarios, about a minute")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=GROUPS, metavar="NAME")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcomes as JSON")
    parser.add_argument("--save", action="store_true", help="make this the committed baseline")
    return parser.parse_args(arguments)


def _compare(outcomes: Sequence[Outcome], *, quick: bool) -> None:
    if quick or not BASELINE.exists():
        return
    for warning in warnings(outcomes, json.loads(BASELINE.read_text())):
        print(f"warning: {warning}")


if __name__ == "__main__":
    main()
