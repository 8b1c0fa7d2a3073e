"""Run in alibi-detect's own environment: TabularDrift with its Bonferroni default."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from alibi_detect.cd import TabularDrift


def main(place: Path) -> None:
    """Print the columns below the corrected threshold, window by window, as JSON."""
    kinds = json.loads((place / "kinds.json").read_text())
    columns = kinds["numeric"] + kinds["categorical"]
    reference = _matrix(pd.read_csv(place / "reference.csv"), columns, kinds)
    paths = sorted(place.glob("window-*.csv"))
    windows = [_matrix(pd.read_csv(path), columns, kinds) for path in paths]
    first = len(kinds["numeric"])
    top = [max(int(m[:, j].max()) for m in (reference, *windows)) for j in range(len(columns))]
    categories = {j: list(range(top[j] + 1)) for j in range(first, len(columns))}
    detector = TabularDrift(reference, p_val=0.05, categories_per_feature=categories)
    found = []
    for window in windows:
        data = detector.predict(window, drift_type="batch")["data"]
        below = np.asarray(data["p_val"]) < data["threshold"]
        found.append([c for c, b in zip(columns, below, strict=True) if b])
    json.dump(found, sys.stdout)


def _matrix(frame: pd.DataFrame, columns: list[str], kinds: dict[str, list[str]]) -> np.ndarray:
    coded = frame.copy()
    for name in kinds["categorical"]:
        coded[name] = frame[name].str[1:].astype(int)
    return coded[columns].to_numpy(np.float32)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
