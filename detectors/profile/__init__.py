"""Frames, and the exactly mergeable profiles measured on them."""

from detectors.profile.duplicates import hash_columns
from detectors.profile.fitting import fit_frame
from detectors.profile.frame import CategoricalFrame, Frame, NumericFrame, PresenceFrame
from detectors.profile.profile import Profile

__all__ = [
    "CategoricalFrame",
    "Frame",
    "NumericFrame",
    "PresenceFrame",
    "Profile",
    "fit_frame",
    "hash_columns",
]
