"""Run in NannyML's own environment: Jensen-Shannon, chunks as long as the windows, defaults."""

import json
import sys
from pathlib import Path

import nannyml
import pandas as pd


def main(place: Path) -> None:
    """Print the columns that alert, window by window, as JSON."""
    kinds = json.loads((place / "kinds.json").read_text())
    reference = _typed(pd.read_parquet(place / "reference.parquet"), kinds)
    windows = [pd.read_parquet(path) for path in sorted(place.glob("window-*.parquet"))]
    columns = kinds["numeric"] + kinds["categorical"]
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=columns,
        treat_as_categorical=kinds["categorical"],
        chunk_size=len(windows[0]),
    )
    calculator.fit(reference)
    result = calculator.calculate(_typed(pd.concat(windows, ignore_index=True), kinds))
    frame = result.filter(period="analysis").to_df()
    alerts = {column: frame[column, "jensen_shannon", "alert"].tolist() for column in columns}
    found = [[c for c in columns if alerts[c][t]] for t in range(len(windows))]
    json.dump(found, sys.stdout)


def _typed(frame: pd.DataFrame, kinds: dict[str, list[str]]) -> pd.DataFrame:
    return frame.astype(dict.fromkeys(kinds["categorical"], "category"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
