"""The real packages, each in an environment of its own, on a few windows.

An environment is `/work/.venv-peers-<name>` or what `DRIFTD_PEERS_<NAME>` points to. A package that
is not there is said to be not there.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

PACKAGES = {
    "evidently": "Evidently",
    "nannyml": "NannyML",
    "whylogs": "whylogs",
    "alibi": "alibi-detect",
}
REFERENCE_ROWS = 10_000
_SILENT = ("WHYLOGS_NO_ANALYTICS", "NML_DISABLE_USAGE_LOGGING", "DO_NOT_TRACK")
_CHILDREN = Path(__file__).with_name("packages")
_ROOT = Path(__file__).parents[4]


def environment(package: str) -> Path | None:
    """Python of a package's own environment, None when there is none."""
    default = _ROOT / (".venv-alibi" if package == "alibi" else f".venv-peers-{package}")
    place = Path(os.environ.get(f"DRIFTD_PEERS_{package.upper()}", default))
    python = place / "bin/python"
    module = {"alibi": "alibi_detect"}.get(package, package)
    found = list(place.glob(f"lib/python*/site-packages/{module}"))
    return python if python.exists() and found else None


def version(package: str) -> str:
    """Installed version of a package."""
    python = environment(package)
    name = {"alibi": "alibi-detect"}.get(package, package)
    code = f"from importlib.metadata import version; print(version({name!r}))"
    return subprocess.check_output([str(python), "-c", code], text=True).strip()


def package_alarms(
    package: str,
    values: list[NDArray[np.float64]],
    numeric: int,
    reference: int,
    windows: Iterable[int],
) -> NDArray[np.bool_]:
    """Alarms `(windows, F)` that a real package raises with its defaults.

    Parameters
    ----------
    values
        Per column `(T, rows)`; the first `numeric` are numbers, the others codes.
    reference
        Windows of the baseline, of which up to REFERENCE_ROWS rows at random are its reference
        (NannyML, which needs chunks, gets all of them).
    windows
        Places of the windows to judge.
    """
    names = [f"n{j}" if j < numeric else f"c{j}" for j in range(len(values))]
    rng = np.random.default_rng(5)
    rows = reference * values[0].shape[1]
    chosen = np.sort(rng.choice(rows, min(REFERENCE_ROWS, rows), replace=False))
    keep = np.arange(rows) if package == "nannyml" else chosen
    base = {n: v[:reference].ravel()[keep] for n, v in zip(names, values, strict=True)}
    with tempfile.TemporaryDirectory(prefix="driftd-peer-") as directory:
        place = Path(directory)
        kinds = {"numeric": names[:numeric], "categorical": names[numeric:]}
        (place / "kinds.json").write_text(json.dumps(kinds))
        _write(_table(base, numeric), place / "reference", package)
        for i, t in enumerate(windows):
            rows_of = {n: v[t] for n, v in zip(names, values, strict=True)}
            _write(_table(rows_of, numeric), place / f"window-{i:04d}", package)
        found = json.loads(_run(package, place))
    return np.array([[name in drifted for name in names] for drifted in found])


def _table(columns: dict[str, NDArray[np.float64]], numeric: int) -> pd.DataFrame:
    """Numbers as they are, codes as texts."""
    texts = {n: [f"v{int(c)}" for c in v] for n, v in list(columns.items())[numeric:]}
    return pd.DataFrame({**columns, **texts})


def _write(table: pd.DataFrame, place: Path, package: str) -> None:
    """As Parquet, or as CSV where the environment reads no Parquet."""
    if package in {"alibi", "whylogs"}:
        table.to_csv(place.with_suffix(".csv"), index=False)
    else:
        table.to_parquet(place.with_suffix(".parquet"))


def _run(package: str, place: Path) -> str:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    environ |= {"OMP_NUM_THREADS": "1"} | dict.fromkeys(_SILENT, "True")
    command = [str(environment(package)), "-W", "ignore", str(_CHILDREN / f"{package}_child.py")]
    done = subprocess.run(
        [*command, str(place)], env=environ, check=True, capture_output=True, text=True, cwd=place
    )
    return done.stdout.splitlines()[-1]
