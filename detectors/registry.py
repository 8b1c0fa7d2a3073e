"""Detectors by name: a literal table, imported when asked for, plus other people's plug-ins.

Detectors of one family have one shape (see `detectors.protocols`). A plug-in is an entry point in
the group `driftd.detectors` whose object is a class of one of these shapes; it says which in its
class attribute `family`, and is univariate if it does not. A name that two owners claim is an
error that names both.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from detectors.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.metadata import EntryPoint

GROUP = "driftd.detectors"

UNIVARIATE = "univariate"
MULTIVARIATE = "multivariate"
ONLINE = "online"
PERFORMANCE = "performance"
EXTERNAL = "external"

FAMILIES: Mapping[str, Mapping[str, str]] = {
    UNIVARIATE: {
        "ks": "detectors.univariate.ks:KolmogorovSmirnov",
        "psi": "detectors.univariate.psi:PopulationStability",
        "wasserstein": "detectors.univariate.wasserstein:Wasserstein",
        "jensen_shannon": "detectors.univariate.jensen_shannon:JensenShannon",
        "hellinger": "detectors.univariate.hellinger:Hellinger",
        "total_variation": "detectors.univariate.total_variation:TotalVariation",
        "chi2": "detectors.univariate.chi2:ChiSquare",
        "cramer_von_mises": "detectors.univariate.cramer_von_mises:CramerVonMises",
        "anderson_darling": "detectors.univariate.anderson_darling:AndersonDarling",
        "energy": "detectors.univariate.energy:Energy",
        "kl": "detectors.univariate.kl:KullbackLeibler",
        "linf": "detectors.univariate.linf:LInfinity",
        "g": "detectors.univariate.g:LikelihoodRatio",
    },
    MULTIVARIATE: {
        "moments": "detectors.multivariate.moments:Moments",
        "correlation": "detectors.multivariate.correlation:Correlation",
        "mmd": "detectors.multivariate.mmd:MaximumMeanDiscrepancy",
        "classifier": "detectors.multivariate.classifier:Classifier",
        "reconstruction": "detectors.multivariate.reconstruction:Reconstruction",
        "embedding": "detectors.multivariate.embedding:Embedding",
    },
    ONLINE: {
        "cusum": "detectors.online.cusum:Cusum",
        "ewma": "detectors.online.ewma:Ewma",
        "adwin": "detectors.online.adwin:Adwin",
        "page_hinkley": "detectors.online.page_hinkley:PageHinkley",
        "kswin": "detectors.online.kswin:KolmogorovSmirnovWindowing",
        "ddm": "detectors.online.ddm:DriftDetectionMethod",
        "eddm": "detectors.online.eddm:EarlyDriftDetectionMethod",
        "hddm_a": "detectors.online.hddm_a:HoeffdingAverages",
        "hddm_w": "detectors.online.hddm_w:HoeffdingWeighted",
    },
    PERFORMANCE: {
        "cbpe": "detectors.performance.cbpe:Cbpe",
        "dle": "detectors.performance.dle:Dle",
        "harm": "detectors.performance.harm:HarmfulShift",
        "fairness": "detectors.fairness.series:Fairness",
    },
    EXTERNAL: {
        "alibi_mmd": "detectors.external.alibi:AlibiMmd",
        "alibi_lsdd": "detectors.external.alibi:AlibiLsdd",
        "alibi_classifier": "detectors.external.alibi:AlibiClassifier",
        "alibi_spot_the_diff": "detectors.external.alibi:AlibiSpotTheDiff",
        "alibi_mmd_online": "detectors.external.alibi_online:AlibiMmdOnline",
        "alibi_lsdd_online": "detectors.external.alibi_online:AlibiLsddOnline",
        "alibi_cvm_online": "detectors.external.alibi_online:AlibiCvmOnline",
        "alibi_fet_online": "detectors.external.alibi_online:AlibiFetOnline",
    },
}
"""Family -> name -> class. Names are unique over all families."""

SCORERS = frozenset({MULTIVARIATE})
"""Families whose detectors are scorers: they watch windows beyond single columns."""

NOT_LISTED = frozenset({PERFORMANCE})
"""Families that a model's task, `performance` and `fairness` put to use, not its detectors."""

AUTO_SCORERS: tuple[str, ...] = ("moments", "correlation", "embedding")
"""Scorers that watch every model unless its configuration names detectors."""

BUILT_IN: Mapping[str, str] = {
    name: place for family in FAMILIES.values() for name, place in family.items()
}

EXCLUDED: Mapping[str, str] = {
    "detectors.univariate.parameters:Tested": "base class",
    "detectors.univariate.parameters:Untested": "base class",
}
"""Public detector classes that are not in the table, with the reason."""


def names(plugins: Iterable[EntryPoint] | None = None) -> tuple[str, ...]:
    """Names that a list of detectors may hold, sorted.

    Raises
    ------
    ParameterError
        If two owners claim one name.
    """
    listed = set(_table(plugins)).difference(*(FAMILIES[family] for family in NOT_LISTED))
    return tuple(sorted(listed))


def load(name: str, plugins: Iterable[EntryPoint] | None = None) -> type[Any]:
    """Import the class of one detector.

    Parameters
    ----------
    name
        A name of `names()`.
    plugins
        Entry points to use instead of the installed ones.

    Raises
    ------
    ParameterError
        If the name is unknown or claimed twice.
    """
    table = _table(plugins)
    if name not in table:
        raise ParameterError(f"detector {name!r} is unknown; known: {', '.join(sorted(table))}")
    module, _, attribute = table[name].partition(":")
    kind: type[Any] = getattr(import_module(module), attribute)
    return kind


def family(name: str, plugins: Iterable[EntryPoint] | None = None) -> str:
    """Which family, and so which shape, a detector is of.

    Raises
    ------
    ParameterError
        As `load`.
    """
    for known, members in FAMILIES.items():
        if name in members:
            return known
    return str(getattr(load(name, plugins), "family", UNIVARIATE))


def _table(plugins: Iterable[EntryPoint] | None) -> dict[str, str]:
    table = dict(BUILT_IN)
    for point in entry_points(group=GROUP) if plugins is None else plugins:
        if point.name in table:
            owners = f"{table[point.name]} and {point.value}"
            raise ParameterError(f"detector {point.name!r} is claimed twice: by {owners}")
        table[point.name] = point.value
    return table
