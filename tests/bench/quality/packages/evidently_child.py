"""Run in Evidently's own environment: its data-drift preset on every window, defaults kept."""

import json
import sys
from pathlib import Path

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset


def main(place: Path) -> None:
    """Print the columns that drift, window by window, as JSON."""
    reference = pd.read_parquet(place / "reference.parquet")
    kinds = json.loads((place / "kinds.json").read_text())
    definition = DataDefinition(
        numerical_columns=kinds["numeric"], categorical_columns=kinds["categorical"]
    )
    base = Dataset.from_pandas(reference, data_definition=definition)
    found = []
    for path in sorted(place.glob("window-*.parquet")):
        window = Dataset.from_pandas(pd.read_parquet(path), data_definition=definition)
        report = Report([DataDriftPreset()]).run(window, base).dict()
        found.append([column for column, _ in map(_judged, report["metrics"]) if column])
    json.dump(found, sys.stdout)


def _judged(metric: dict) -> tuple[str, float]:
    """Name of a drifted column, empty for what is no column or has not drifted."""
    config = metric.get("config", {})
    column, threshold = config.get("column"), config.get("threshold")
    if column is None or threshold is None:
        return "", 0.0
    value, method = float(metric["value"]), str(config.get("method", ""))
    drifted = value < threshold if "p_value" in method else value >= threshold
    return (column if drifted else ""), value


if __name__ == "__main__":
    main(Path(sys.argv[1]))
