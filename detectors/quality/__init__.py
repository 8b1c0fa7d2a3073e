"""Data quality: faults counted per column, and rules for when they are beyond the baseline."""

from detectors.quality.baseline import FaultHistory, QualityBaseline
from detectors.quality.counters import count_faults
from detectors.quality.freshness import UsualGaps, find_silence
from detectors.quality.judge import judge_quality
from detectors.quality.rates import RateRule
from detectors.quality.volume import Volume

__all__ = [
    "FaultHistory",
    "QualityBaseline",
    "RateRule",
    "UsualGaps",
    "Volume",
    "count_faults",
    "find_silence",
    "judge_quality",
]
