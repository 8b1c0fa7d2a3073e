"""alibi-detect behind frames; run it with a Python that has alibi-detect 0.11.4.

0.11.4 is the last release under the Apache licence; from 0.11.5 on the licence is the Business
Source License, which forbids production use without a contract, and this program refuses to run.

It runs by path, where driftd is not installed: `python .../monitor/plugins/worker/alibi.py`.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar

if __package__:
    from monitor.plugins.worker import serve
else:  # run as a program, where driftd is not installed
    import serve  # type: ignore[import-not-found, no-redef]

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LAST_FREE = (0, 11, 4)
BATCH = 32
RATE = 0.01
"""Learning rate: ten times alibi-detect's own, which learns nothing from a few hundred rows."""
TAIL = 10.5


class Offline:
    """A detector that compares a whole window with the baseline."""

    def __init__(self, detector: Any, seed: int) -> None:
        self._detector = detector
        self._seed = seed

    def judge(self, names: list[str], rows: Any) -> dict[str, Any]:
        """See `serve`; the same rows always get the same answer."""
        seeded(self._seed)
        data = self._detector.predict(rows)["data"]
        return {
            "alarm": bool(data["is_drift"]),
            "statistic": float(data["distance"]),
            "p_value": float(data["p_val"]),
            "threshold": float(data["threshold"]),
            "shares": _shares(names, data),
        }


class Online:
    """A detector that reads the rows of one window after the other, and goes on behind each."""

    def __init__(self, detector: Any) -> None:
        self._detector = detector

    def judge(self, names: list[str], rows: Any) -> dict[str, Any]:
        """See `serve`; it begins anew after an alarm."""
        del names
        first, largest, threshold = None, 0.0, 0.0
        for place, row in enumerate(rows):
            data = self._detector.predict(row)["data"]
            largest, threshold = _largest(data, largest, threshold)
            if _any(data["is_drift"]):
                first = place if first is None else first
                self._detector.reset_state()
        return {
            "alarm": first is not None,
            "statistic": largest,
            "p_value": None,
            "threshold": threshold,
            "row": first,
        }


def seeded(seed: int) -> None:
    """Fix every random number that alibi-detect and its libraries draw."""
    import_module("random").seed(seed)
    import_module("numpy").random.seed(seed)
    import_module("torch").manual_seed(seed)


def mmd(names: list[str], rows: Any, seed: int, *, p_value: float, permutations: int) -> Offline:
    """Maximum mean discrepancy with a Gaussian kernel."""
    del names
    options = {"backend": "pytorch", "p_val": p_value, "n_permutations": permutations}
    return Offline(_kind("MMDDrift")(rows, **options), seed)


def lsdd(names: list[str], rows: Any, seed: int, *, p_value: float, permutations: int) -> Offline:
    """Least-squares density difference."""
    del names
    seeded(seed)
    options = {"backend": "pytorch", "p_val": p_value, "n_permutations": permutations}
    return Offline(_kind("LSDDDrift")(rows, **options), seed)


def classifier(names: list[str], rows: Any, seed: int, *, p_value: float, folds: int) -> Offline:
    """A cross-fitted classifier that tells the window from the baseline."""
    del names
    boosted = import_module("sklearn.ensemble").HistGradientBoostingClassifier
    model = boosted(max_iter=50, random_state=seed)
    options = {"backend": "sklearn", "p_val": p_value, "n_folds": folds, "preds_type": "probs"}
    return Offline(_kind("ClassifierDrift")(rows, model, **options, seed=seed), seed)


def spot_the_diff(
    names: list[str], rows: Any, seed: int, *, p_value: float, diffs: int, epochs: int
) -> Offline:
    """A classifier with few interpretable directions; says which columns differ."""
    del names
    seeded(seed)
    options = {"backend": "pytorch", "p_val": p_value, "n_diffs": diffs, "epochs": epochs}
    options |= {"learning_rate": RATE, "batch_size": BATCH, "verbose": 0}
    return Offline(_kind("SpotTheDiffDrift")(rows, **options), seed)


def mmd_online(
    names: list[str], rows: Any, seed: int, *, run_length: float, window: int, bootstraps: int
) -> Online:
    """MMD of the last rows, after every row."""
    del names
    return _moving("MMDDriftOnline", rows, seed, run_length, window, bootstraps)


def lsdd_online(
    names: list[str], rows: Any, seed: int, *, run_length: float, window: int, bootstraps: int
) -> Online:
    """Density difference of the last rows, after every row."""
    del names
    return _moving("LSDDDriftOnline", rows, seed, run_length, window, bootstraps)


def cvm_online(
    names: list[str],
    rows: Any,
    seed: int,
    *,
    run_length: float,
    windows: list[int],
) -> Online:
    """Cramer-von Mises tests of every column over the last rows, after every row."""
    del names
    return _tests("CVMDriftOnline", rows, seed, run_length, windows)


def fet_online(
    names: list[str],
    rows: Any,
    seed: int,
    *,
    run_length: float,
    windows: list[int],
) -> Online:
    """Fisher's exact tests of every column of zeros and ones, after every row."""
    del names
    whole = rows.astype(int)
    return _tests("FETDriftOnline", whole, seed, run_length, windows)


class AlibiDetect:
    """The library, as `serve` wants it."""

    name = "alibi-detect"
    makers: ClassVar[Mapping[str, Callable[..., serve.Detector]]] = {
        "alibi_mmd": mmd,
        "alibi_lsdd": lsdd,
        "alibi_classifier": classifier,
        "alibi_spot_the_diff": spot_the_diff,
        "alibi_mmd_online": mmd_online,
        "alibi_lsdd_online": lsdd_online,
        "alibi_cvm_online": cvm_online,
        "alibi_fet_online": fet_online,
    }

    def __init__(self) -> None:
        self.version = version("alibi-detect")
        parts = tuple(int(part) for part in self.version.split(".")[:3])
        if parts > LAST_FREE:
            raise SystemExit(f"alibi-detect {self.version} is not free software; install 0.11.4")


def _moving(
    name: str, rows: Any, seed: int, run_length: float, window: int, bootstraps: int
) -> Online:
    seeded(seed)
    options = {"ert": run_length, "window_size": window, "n_bootstraps": bootstraps}
    return Online(_kind(name)(rows, **options, backend="pytorch", verbose=False))


def _tests(name: str, rows: Any, seed: int, run_length: float, windows: list[int]) -> Online:
    seeded(seed)
    # The rate of false alarms is divided among the columns; its quantile needs ten alarms.
    bootstraps = int(TAIL * run_length * rows.shape[1])
    options = {"ert": run_length, "window_sizes": windows, "n_bootstraps": bootstraps}
    return Online(_kind(name)(rows, **options, n_features=rows.shape[1], verbose=False))


def _kind(name: str) -> Any:
    import_module("torch").set_num_threads(1)
    return getattr(import_module("alibi_detect.cd"), name)


def _shares(names: list[str], data: dict[str, Any]) -> dict[str, float]:
    """What part each column has in the differences that were spotted."""
    if "diffs" not in data:
        return {}
    np = import_module("numpy")
    weight = np.abs(np.asarray(data["diff_coeffs"]))[:, None] * np.abs(np.asarray(data["diffs"]))
    total = weight.sum()
    shares = weight.sum(axis=0) / total if total > 0 else weight.sum(axis=0)
    return {name: float(share) for name, share in zip(names, shares, strict=True)}


def _largest(data: dict[str, Any], largest: float, threshold: float) -> tuple[float, float]:
    """The statistic that came nearest to its threshold, and that threshold."""
    np = import_module("numpy")
    plain = (np.asarray(data[name], dtype=float) for name in ("test_stat", "threshold"))
    statistic, limit = np.broadcast_arrays(*plain)
    ahead = np.where(np.isfinite(statistic - limit), statistic - limit, -np.inf).ravel()
    best = int(ahead.argmax())
    if not np.isfinite(ahead[best]) or (threshold and ahead[best] <= largest - threshold):
        return largest, threshold
    return float(statistic.ravel()[best]), float(limit.ravel()[best])


def _any(value: Any) -> bool:
    return bool(import_module("numpy").any(value))


if __name__ == "__main__":
    serve.serve(AlibiDetect())
