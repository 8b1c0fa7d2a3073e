"""Run in whylogs' own environment: profiles of every window, its drift scores with thresholds."""

import json
import sys
from pathlib import Path

import pandas as pd
import whylogs as why
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores


def main(place: Path) -> None:
    """Print the columns whose category is DRIFT, window by window, as JSON."""
    reference = why.log(pd.read_csv(place / "reference.csv")).view()
    found = []
    for path in sorted(place.glob("window-*.csv")):
        view = why.log(pd.read_csv(path)).view()
        scores = calculate_drift_scores(view, reference, with_thresholds=True)
        found.append([c for c, s in scores.items() if s and s.get("drift_category") == "DRIFT"])
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
